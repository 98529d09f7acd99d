"""The servers that are measured: ours, the floors, and the peers, each private: own directory, free loopback port, stopped by pid."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import letterbox  # noqa: E402
import mail  # noqa: E402

BUILT = os.path.join(letterbox.BUILD, "bench")
PASSWORD = "secret"
TICK = os.sysconf("SC_CLK_TCK")


class Skipped(Exception):
    """What cannot be measured here, and why."""


def free_port():
    """For servers that cannot be asked for any free one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def processes():
    """pid -> (parent, seconds of CPU, page faults), its reaped children's included."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, encoding="latin-1") as file:
                    fields = file.read().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            found[int(name)] = int(fields[1]), sum(map(int, fields[11:15])) / TICK, sum(map(int, fields[7:11]))
    return found


def need(program, package):
    """Where a peer's program is."""
    path = program if os.access(program, os.X_OK) else mail.tool(program)
    if path is None:
        raise Skipped("%s is not installed (Debian: %s)" % (os.path.basename(program), package))
    return path


def need_root():
    """Every peer does."""
    if os.environ.get("BENCH_PEERS") == "no":
        raise Skipped("was not asked for")
    if os.getuid() != 0:
        raise Skipped("needs root")


def remove(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


class Server:
    """A process with all below it."""

    def __init__(self, beside=None, wrapper=()):
        """wrapper: a command in front of the server's, the name of a file, `trace`, between the two."""
        self.beside, self.wrapper = beside, wrapper
        self.path = beside.path if beside else tempfile.mkdtemp(prefix="letterbox-bench-")
        os.chmod(self.path, 0o755)
        self.process = self.port = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        if not self.beside:
            shutil.rmtree(self.path, ignore_errors=True)

    def file(self, *parts):
        return os.path.join(self.path, *parts)

    def write(self, name, text):
        with open(self.file(name), "w", encoding="ascii") as file:
            file.write(text)

    def start(self, command, port=None):
        """Its log goes to a file. Without `port` its log says where it listens."""
        traced = [*self.wrapper, self.file("trace")] if self.wrapper else []
        with open(self.log_file(), "wb") as log:
            self.process = subprocess.Popen(traced + command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = letterbox.Deadline(20)
        self.port = port
        while not self.listens():
            if self.process.poll() is not None or deadline.over():
                said = self.log()
                self.__exit__()
                raise letterbox.Failure("%s does not listen:\n%s" % (command[0], said))
            time.sleep(0.01)

    def log(self):
        with open(self.log_file(), encoding="latin-1") as file:
            return file.read()

    def log_file(self):
        return self.file("log.beside" if self.beside else "log")

    def listens(self):
        if self.port is None:
            found = re.search(r"listening on 127\.0\.0\.1:([0-9]+)", self.log())
            self.port = int(found.group(1)) if found else None
            return found is not None
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as probe:
                return bool(probe.recv(1))
        except OSError:
            return False

    def family(self):
        """The process and all below it, as processes() has them."""
        table = processes()
        family = {self.process.pid}
        while True:
            more = {pid for pid, (parent, _, _) in table.items() if parent in family} | family
            if more == family:
                return {pid: table[pid] for pid in family if pid in table}
            family = more

    def children(self):
        return [pid for pid in self.family() if pid != self.process.pid]

    def cpu(self):
        return sum(cpu for _, cpu, _ in self.family().values())

    def faults(self):
        return sum(faults for _, _, faults in self.family().values())

    def settle(self):
        """Wait until all that was taken is done with: nothing to do for who does it before the reply."""

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Ours(Server):
    """smtpd or pop3d with {PLAIN} accounts, over a mail root of its own or beside another over the same."""

    def __init__(self, program, users=(), **how):
        super().__init__(**how)
        beside = how.get("beside")
        if not beside:
            os.mkdir(self.file("users"), 0o700)
            self.write("accounts", "".join("%s:{PLAIN}%s\n" % (user, PASSWORD) for user in users))
            os.chmod(self.file("accounts"), 0o600)
        command = [letterbox.binary(program), "-d", self.path, "-l", "127.0.0.1:0"]
        for option in ("hostname=localhost", "max-sessions=5000", "max-per-source=5000"):
            command += ["-o", option]
        self.start(command)

    def mailbox(self, user):
        os.makedirs(self.file("users", user), 0o700, exist_ok=True)
        return self.file("users", user, "mbox")

    def forget(self, user):
        """As if it had never seen the mailbox."""
        remove(self.file("users", user, "mbox.index"))

    def own(self, user):
        os.chmod(self.mailbox(user), 0o600)


class Floor(Server):
    """floor_smtpd over its folder, or floor_popd over one file."""

    def __init__(self, program, source=None, wrapper=()):
        super().__init__(wrapper=wrapper)
        self.start([os.path.join(BUILT, program), source or self.path])


POSTFIX_MAIN = """compatibility_level = 3.6
queue_directory = {path}/queue
data_directory = {path}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
maillog_file = {path}/mail.log
maillog_file_prefixes = {path}
myhostname = localhost.localdomain
mydestination =
virtual_mailbox_domains = localhost
virtual_mailbox_base = {path}/mail
virtual_mailbox_maps = texthash:{path}/mailboxes
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_mailbox_limit = 0
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
"""
POSTFIX_MASTER = """127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
smtp unix - - n - - smtp
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix(Server):
    """Postfix with a queue of its own and virtual delivery to mbox files, or a relayhost; otherwise as it comes."""

    QUEUES = ("incoming", "active", "deferred")

    def __init__(self, users, relayhost=None):
        """relayhost: the server that gets all that is for elsewhere."""
        need_root()
        master = need("/usr/lib/postfix/sbin/master", "postfix")
        super().__init__()
        port = free_port()
        more = "relayhost = [127.0.0.1]:%d\n" % relayhost.port if relayhost else ""
        self.write("main.cf", POSTFIX_MAIN.format(path=self.path) + more)
        self.write("master.cf", POSTFIX_MASTER.format(port=port))
        self.write("mailboxes", "".join("%s@localhost %s\n" % (user, user) for user in users))
        for name in ("data", "queue", "mail"):
            os.mkdir(self.file(name))
        shutil.chown(self.file("data"), "postfix")
        shutil.chown(self.file("mail"), "nobody")
        for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"):
            os.mkdir(self.file("queue", name), 0o700)
            shutil.chown(self.file("queue", name), "postfix")
        os.mkdir(self.file("queue", "pid"))
        for name, mode in (("maildrop", 0o730), ("public", 0o710)):
            os.mkdir(self.file("queue", name))
            shutil.chown(self.file("queue", name), "postfix", "postdrop")
            os.chmod(self.file("queue", name), mode)
        self.start([master, "-c", self.path, "-d"], port)

    def settle(self):
        """Its 250 means queued: delivery to the mailbox goes on behind it."""
        deadline = letterbox.Deadline(120)
        while any(files for queue in self.QUEUES for _, _, files in os.walk(self.file("queue", queue))):
            if deadline.over():
                raise letterbox.Failure("postfix does not get its queue empty:\n" + self.log())
            time.sleep(0.02)


DOVECOT = """base_dir = {path}/run
state_dir = {path}/state
log_path = {path}/dovecot.log
protocols = pop3
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = mbox:~/mail:INBOX=~/mbox
mbox_write_locks = fcntl
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {path}/users
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={path}/home/%u
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {port}
  }}
  inet_listener pop3s {{
    port = 0
  }}
{login}
}}
service pop3 {{
{session}
}}
"""


class Dovecot(Server):
    """Dovecot's pop3d on mbox files. Tuned: processes serve more than one session and wait ready."""

    def __init__(self, users, tuned=False):
        need_root()
        dovecot = need("dovecot", "dovecot-core")
        need("/usr/lib/dovecot/pop3", "dovecot-pop3d")
        super().__init__()
        port = free_port()
        login = "  service_count = 0\n  process_min_avail = 2" if tuned else ""
        session = "  service_count = 1000\n  process_min_avail = 4" if tuned else ""
        self.write("dovecot.conf", DOVECOT.format(path=self.path, port=port, login=login, session=session))
        self.write("users", "".join("%s:{PLAIN}%s::::::\n" % (user, PASSWORD) for user in users))
        os.mkdir(self.file("home"))
        self.start([dovecot, "-F", "-c", self.file("dovecot.conf")], port)

    def mailbox(self, user):
        for folder in (self.file("home", user), self.file("home", user, "mail")):
            os.makedirs(folder, exist_ok=True)
            shutil.chown(folder, "nobody", "nogroup")
        return self.file("home", user, "mbox")

    def forget(self, user):
        shutil.rmtree(self.file("home", user, "mail", ".imap"), ignore_errors=True)

    def own(self, user):
        shutil.chown(self.mailbox(user), "nobody", "nogroup")


POPA3D = """set -e
for part in etc/passwd etc/shadow etc/pam.d var/lib var/mail; do mount --bind {path}/$part /$part; done
exec {inetd} -i {path}/inetd.conf"""


class Popa3d(Server):
    """popa3d under inetd. It knows system users only: it gets its own, in a mount namespace of its own.

    Debian does not let it be installed beside Dovecot's; unpacked it will do (see tests/peers)."""

    def __init__(self, users):
        need_root()
        unpacked = os.path.join(BUILT, "popa3d/usr/sbin/popa3d")
        popa3d = unpacked if os.path.exists(unpacked) else need("popa3d", "popa3d")
        inetd, unshare = need("inetd", "openbsd-inetd"), need("unshare", "util-linux")
        super().__init__()
        for folder in ("etc", "var/lib/popa3d", "var/mail"):
            os.makedirs(self.file(folder))
        os.chmod(self.file("var/mail"), 0o1777)
        shutil.copytree("/etc/pam.d", self.file("etc/pam.d"))
        self.write("etc/pam.d/popa3d", "auth required pam_unix.so\naccount required pam_unix.so\n")
        secret = letterbox.run(["openssl", "passwd", "-1", PASSWORD])[0].decode().strip()
        self.uids = {user: 20000 + number for number, user in enumerate(users)}
        lines = ["root:x:0:0::/:/bin/sh\n", "popa3d:x:19999:65534::/var/lib/popa3d:/bin/false\n"]
        self.write("etc/passwd", "".join(lines + ["%s:x:%d:65534::/:/bin/false\n" % pair for pair in self.uids.items()]))
        self.write("etc/shadow", "".join("%s:%s:19000:0:99999:7:::\n" % (user, secret) for user in users))
        port = free_port()
        self.write("inetd.conf", "127.0.0.1:%d stream tcp nowait.1000000 root %s popa3d\n" % (port, popa3d))
        self.start([unshare, "--mount", "sh", "-c", POPA3D.format(path=self.path, inetd=inetd)], port)

    def mailbox(self, user):
        return self.file("var/mail", user)

    def own(self, user):
        os.chown(self.mailbox(user), self.uids[user], 65534)
        os.chmod(self.mailbox(user), 0o600)

    def forget(self, user):
        """It keeps nothing."""

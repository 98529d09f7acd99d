"""Real servers as receivers and as senders, each over a folder of its own, on a port that the kernel chose.

relayhost: a server that gets all that is not for localhost."""

import os
import pathlib
import re
import shutil
import time

import letterbox
import servers

EXIM = os.path.join(letterbox.REPOSITORY, "build", "peers", "exim")
OPENSMTPD = os.path.join(letterbox.REPOSITORY, "build", "peers", "opensmtpd")

EXIM_CONF = """primary_hostname = exim.example
exim_path = {program}
local_interfaces = <; [127.0.0.1]:{port}
spool_directory = {path}/spool
log_file_path = {path}/exim-log/%slog
exim_user = nobody
exim_group = nogroup
keep_environment =
tls_advertise_hosts =
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
acl_smtp_rcpt = any
acl_smtp_data = any
begin acl
any:
  accept
begin routers
{relay}all:
  driver = accept
  transport = file
begin transports
file:
  driver = appendfile
  file = {path}/mail/box
  message_prefix = "From exim Thu Jan  1 00:00:00 2026\\n"
  user = nobody
  group = nogroup
remote:
  driver = smtp
  allow_localhost
"""
EXIM_RELAY = """elsewhere:
  driver = manualroute
  domains = ! localhost
  transport = remote
  route_list = * 127.0.0.1::%d
  self = send
"""
OPENSMTPD_CONF = """table everybody {{ "@" = nobody }}
listen on 127.0.0.1 port {port} hostname opensmtpd.example
action here maildir "{path}/mail/dir" virtual <everybody>
match from any for domain "localhost" action here
"""
OPENSMTPD_RELAY = """action elsewhere relay host smtp://127.0.0.1:%d helo opensmtpd.example
match from any for any action elsewhere
"""


def await_messages(server, n):
    """What has come, LF line ends, once it is so many."""
    deadline = letterbox.Deadline(30)
    while True:
        found = server.messages()
        if len(found) >= n:
            return found
        if deadline.over():
            raise letterbox.Failure("%d messages, not %d:\n%s" % (len(found), n, server.log()))
        time.sleep(0.02)


def split_mbox(text):
    """The messages of an mbox, as they are quoted in it."""
    return [each[:-1] for each in re.split(rb"(?:\A|(?<=\n\n))From [^\n]*\n", text)[1:]]


class Postfix(servers.Postfix):
    def __init__(self, relayhost=None):
        super().__init__(["r"], relayhost)

    def messages(self):
        box = pathlib.Path(self.file("mail", "r"))
        return split_mbox(box.read_bytes()) if box.exists() else []


class Unpacked(servers.Server):
    """A server from its package, unpacked, as no other may be installed beside Postfix. What it wants to be the system's it gets in a namespace."""

    def __init__(self, program, *users):
        servers.need_root()
        if not os.access(program, os.X_OK):
            raise servers.Skipped(program + " is not there: tests/peers unpacks it")
        super().__init__()
        os.mkdir(self.file("mail"))
        shutil.chown(self.file("mail"), "nobody")
        for name, line in (("passwd", "%s:x:%d:%d::/nonexistent:/bin/false\n"), ("group", "%s:x:%d:\n")):
            own = "".join(line % ((user, n, n)[:line.count("%")]) for n, user in users)
            self.write(name, pathlib.Path("/etc", name).read_text(encoding="utf-8") + own)

    def start_over(self, folders, command, port):
        """folders: {name here: what it is bound over}."""
        binds = ["mount --bind %s %s" % (self.file(name), over) for name, over in {"passwd": "/etc/passwd", "group": "/etc/group", **folders}.items()]
        self.start(["unshare", "--mount", "--propagation", "private", "sh", "-c", " && ".join(binds + ["exec " + command])], port)


class Exim(Unpacked):
    def __init__(self, relayhost=None):
        program = os.path.join(EXIM, "usr/sbin/exim4")
        super().__init__(program, (65534, "Debian-exim"))
        port = servers.free_port()
        for name in ("spool", "exim-log"):
            os.mkdir(self.file(name))
            shutil.chown(self.file(name), "nobody")
        relay = EXIM_RELAY % relayhost.port if relayhost else ""
        self.write("conf", EXIM_CONF.format(program=program, path=self.path, port=port, relay=relay))
        self.start_over({}, "%s -C %s -bdf" % (program, self.file("conf")), port)

    def messages(self):
        box = pathlib.Path(self.file("mail", "box"))
        return split_mbox(box.read_bytes()) if box.exists() else []


class OpenSmtpd(Unpacked):
    def __init__(self, relayhost=None):
        program = os.path.join(OPENSMTPD, "usr/sbin/smtpd")
        super().__init__(program, (70001, "opensmtpd"), (70002, "opensmtpq"))
        port = servers.free_port()
        for name, mode in (("spool", 0o755), ("spool/smtpd", 0o711), ("run", 0o755), ("lib", 0o755), ("lib/opensmtpd", 0o755), ("lib/opensmtpd/empty", 0o755)):
            os.mkdir(self.file(name))
            os.chmod(self.file(name), mode)
        shutil.copytree(os.path.join(OPENSMTPD, "usr/libexec"), self.file("libexec"))
        self.write("conf", OPENSMTPD_CONF.format(path=self.path, port=port) + (OPENSMTPD_RELAY % relayhost.port if relayhost else ""))
        self.start_over({"spool": "/var/spool", "run": "/run", "lib": "/var/lib", "libexec": "/usr/libexec"}, "%s -d -f %s" % (program, self.file("conf")), port)

    def messages(self):
        found = [path.read_bytes() for path in pathlib.Path(self.file("mail", "dir", "new")).glob("*")]
        return [each[each.index(b"\n\tfor "):].split(b"\n", 3)[3] for each in found]


class Sink(servers.Server):
    """Postfix's smtp-sink."""

    def __init__(self, *options):
        program = servers.need("smtp-sink", "postfix")
        super().__init__()
        port = servers.free_port()
        os.mkdir(self.file("dump"))
        user = []
        if os.getuid() == 0:
            shutil.chown(self.file("dump"), "nobody")
            user = ["-u", "nobody"]
        self.start([program, *user, *options, "-d", self.file("dump", "m."), "127.0.0.1:%d" % port, "100"], port)

    def messages(self):
        found = [path.read_bytes() for path in pathlib.Path(self.file("dump")).iterdir()]
        return [re.sub(rb"\A(?:X-[^\n]*\n)*Received: from [^\n]*\n(?:\t[^\n]*\n)*", b"", each)[:-1] for each in found]


class Aiosmtpd(servers.Server):
    """Python's, with a Maildir."""

    def __init__(self):
        program = servers.need("aiosmtpd", "python3-aiosmtpd")
        super().__init__()
        port = servers.free_port()
        self.start([program, "-n", "-l", "127.0.0.1:%d" % port, "-c", "aiosmtpd.handlers.Mailbox", self.file("maildir")], port)

    def messages(self):
        found = [path.read_bytes() for path in pathlib.Path(self.file("maildir", "new")).glob("*")]
        return [re.sub(rb"(?m)^X-(?:Peer|MailFrom|RcptTo): .*\n", b"", each) for each in found]

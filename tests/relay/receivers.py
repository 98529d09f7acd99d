"""Real servers as receivers, each over a folder of its own, on a port that the kernel chose."""

import os
import pathlib
import re
import shutil
import time

import letterbox
import servers

EXIM = os.path.join(letterbox.REPOSITORY, "build", "peers", "exim")

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
all:
  driver = accept
  transport = file
begin transports
file:
  driver = appendfile
  file = {path}/mail/box
  message_prefix = "From exim Thu Jan  1 00:00:00 2026\\n"
  user = nobody
  group = nogroup
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
    def __init__(self):
        super().__init__(["r"])

    def messages(self):
        box = pathlib.Path(self.file("mail", "r"))
        return split_mbox(box.read_bytes()) if box.exists() else []


class Exim(servers.Server):
    """From its package, unpacked: it cannot be installed beside Postfix. It wants a user of its own, whom it gets in a namespace."""

    def __init__(self):
        servers.need_root()
        program = os.path.join(EXIM, "usr/sbin/exim4")
        if not os.access(program, os.X_OK):
            raise servers.Skipped("exim4 is not installed")
        super().__init__()
        port = servers.free_port()
        for name in ("spool", "exim-log", "mail"):
            os.mkdir(self.file(name))
            shutil.chown(self.file(name), "nobody")
        self.write("conf", EXIM_CONF.format(program=program, path=self.path, port=port))
        for name, line in (("passwd", "Debian-exim:x:65534:65534::/nonexistent:/bin/false\n"), ("group", "Debian-exim:x:65534:\n")):
            self.write(name, pathlib.Path("/etc", name).read_text(encoding="utf-8") + line)
        bind = "mount --bind {0}/passwd /etc/passwd && mount --bind {0}/group /etc/group && exec {1} -C {0}/conf -bdf"
        self.start(["unshare", "--mount", "--propagation", "private", "sh", "-c", bind.format(self.path, program)], port)

    def messages(self):
        box = pathlib.Path(self.file("mail", "box"))
        return split_mbox(box.read_bytes()) if box.exists() else []


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

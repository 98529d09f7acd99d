"""Other programs that work on a mailbox, each in its own way and under its own locks.

Dovecot wants nothing to do with root, so all of them, and the daemons, run as another user where the tests are run by root.
"""

import contextlib
import email.generator  # noqa: F401  mailbox would import these later, as a user who may not
import email.parser  # noqa: F401
import errno
import hashlib
import mailbox
import os
import pwd
import re
import select
import socket
import subprocess
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import letterbox  # noqa: E402
import mail  # noqa: E402

OWNER = "nobody" if os.geteuid() == 0 else None
USER = pwd.getpwnam(OWNER) if OWNER else pwd.getpwuid(os.geteuid())
AS_USER = {"user": USER.pw_uid, "group": USER.pw_gid, "extra_groups": []} if OWNER else {}
DOVECOT = "/usr/lib/dovecot/pop3"
FROM_ = "From x@y Thu Jan  1 00:00:00 2026\n"
SECONDS = 60

MUTTRC = """set mbox_type=mbox folder=. spoolfile=. header_cache= record= tmpdir=.
set move=no quit=yes delete=yes sleep_time=0 wait_key=no beep=no timeout=1 crypt_use_gpgme=no
"""
PROCMAILRC = "LOCKSLEEP=1\nDEFAULT=%s\n:0:\n%s\n"
DOVECOT_CONF = """base_dir = %(folder)s
log_path = %(folder)s/dovecot.log
protocols = pop3
ssl = no
stats_writer_socket_path =
mail_uid = %(uid)d
mail_gid = %(gid)d
first_valid_uid = 1
first_valid_gid = 1
mail_location = mbox:%(folder)s/mail:INBOX=%(mbox)s:INDEX=MEMORY
mbox_read_locks = fcntl
mbox_write_locks = dotlock fcntl
"""


def installed(*names):
    return all(os.access(name, os.X_OK) if name.startswith("/") else mail.tool(name) for name in names)


def letter(subject, lines=3):
    """A message that says by itself whether its body is whole: the header is others' to add to."""
    body = b"line of %s\r\n" % subject.encode() * lines + b"From here\r\n>From there\r\n"
    return b"Subject: %s\r\nX-Sum: %s\r\n\r\n" % (subject.encode(), hashlib.sha256(body).hexdigest().encode()) + body


def subject_of(wire):
    """Of a message whose body is whole, as we give it out or, with quoted From_ lines, another."""
    header, _, body = wire.partition(b"\r\n\r\n")
    body = body.replace(b"\r\n>From here\r\n>>From", b"\r\nFrom here\r\n>From")
    subject = re.search(rb"^Subject: (.*?)\r?$", header, re.M)
    known = re.search(rb"^X-Sum: (.*?)\r?$", header, re.M)
    if not subject or (body != b"body\r\n" if not known else known.group(1) != hashlib.sha256(body).hexdigest().encode()):
        raise letterbox.Failure("damaged: %r" % wire[:600])
    return subject.group(1).decode()


class Sharers:
    """The programs with what they need in a folder; all work on this one mbox."""

    def __init__(self, folder, mbox):
        self.folder, self.mbox = folder, mbox
        self._write("muttrc", MUTTRC)
        self._write("procmailrc", PROCMAILRC % (mbox, mbox))
        self._write("dovecot.conf", DOVECOT_CONF % {"folder": folder, "uid": USER.pw_uid, "gid": USER.pw_gid, "mbox": mbox})
        if OWNER:
            letterbox.run(["chown", "-R", OWNER, folder])
        self.environment = dict(os.environ, HOME=folder, USER=USER.pw_name, TERM="xterm")

    def _write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(text)

    def run(self, command, stdin=b""):
        return letterbox.run(command, stdin, SECONDS, env=self.environment, cwd=self.folder, **AS_USER)

    # mutt

    def mutt(self, keys):
        """Type these, and let it write what has changed, if it can: a mailbox that it cannot lock, or that changes all the time, stays.
        There must be mail, or it takes what is typed for something else."""
        terminal, inside = os.openpty()
        command = ["mutt", "-n", "-F", "muttrc", "-f", self.mbox, "-e", 'push "%s%s<exit>"' % (keys, "<sync-mailbox>" * 3)]
        with subprocess.Popen(command, stdin=inside, stdout=inside, stderr=inside, start_new_session=True, env=self.environment,
                              cwd=self.folder, **AS_USER) as process:
            os.close(inside)
            try:
                self._read_all(terminal)
            except letterbox.Failure:
                process.kill()
                raise
            finally:
                os.close(terminal)

    def _read_all(self, terminal):
        deadline, screen = letterbox.Deadline(SECONDS), b""
        while select.select([terminal], [], [], deadline.left())[0]:
            try:
                data = os.read(terminal, 65536)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                data = b""
            if not data:
                return
            screen += data
        raise letterbox.Failure("mutt does not end: %r" % screen[-1000:])

    # Python

    def python(self, work):
        """work(box), the mailbox locked, in a process of the right user; again and again until the lock is had."""
        child = os.fork()
        if child == 0:
            status = 1
            try:
                if OWNER:
                    os.setgroups([])
                    os.setgid(USER.pw_gid)
                    os.setuid(USER.pw_uid)
                self._locked(work)
                status = 0
            except BaseException:  # pylint: disable=broad-except
                traceback.print_exc()
            finally:
                os._exit(status)
        if os.waitpid(child, 0)[1] != 0:
            raise letterbox.Failure("Python failed")

    def _locked(self, work):
        deadline = letterbox.Deadline(SECONDS)
        while True:
            box = mailbox.mbox(self.mbox)
            try:
                box.lock()
                break
            except mailbox.ExternalClashError:
                if deadline.over():
                    raise
                box.close()
                time.sleep(0.002)  # mailbox can only be asked again
        work(box)
        try:
            box.flush()
            box.unlock()
            box.close()
        except mailbox.ExternalClashError:
            # It has renamed the new file into place, but somebody was quicker to lock that one. Closed, it would write once more.
            box.unlock()

    # Dovecot

    @contextlib.contextmanager
    def dovecot(self):
        """A POP3 session of its."""
        ours, theirs = socket.socketpair()
        with subprocess.Popen([DOVECOT, "-c", os.path.join(self.folder, "dovecot.conf")], stdin=theirs, stdout=theirs, env=self.environment,
                              stderr=subprocess.DEVNULL, cwd=self.folder, **AS_USER) as process:
            theirs.close()
            session = Preauthenticated(ours)
            try:
                session.stat()
                yield session
            finally:
                session.close()
                process.wait(SECONDS)

    # Those that append

    def add_by_python(self, subject):
        def add(box):
            message = mailbox.mboxMessage(b"Subject: %s\n\nbody\n" % subject.encode())
            message.set_from("x@y", time.gmtime(0))
            box.add(message)
        self.python(add)

    def add_by_procmail(self, subject):
        self.run(["procmail", "-m", "procmailrc"], b"%sSubject: %s\n\nbody\n" % (FROM_.encode(), subject.encode()))

    def add_by_script(self, subject):
        """Under the dotlock alone."""
        script = 'dotlockfile -i 1 -r 60 -l "$0.lock" && printf "%sSubject: %s\\n\\nbody\\n\\n" "$1" "$2" >> "$0" && dotlockfile -u "$0.lock"'
        self.run(["sh", "-c", script, self.mbox, FROM_, subject])


class Preauthenticated(mail.Pop3):
    """Over a socket, logged in from the start; it greets with nothing."""

    def __init__(self, connected):  # pylint: disable=super-init-not-called
        self.socket = connected
        self.socket.settimeout(SECONDS)
        self.file = self.socket.makefile("rb")

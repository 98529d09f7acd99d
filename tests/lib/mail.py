"""Mail for the tests: a whole server, a plain POP3 client, messages that are hard to carry, and what our trace header is."""

import contextlib
import os
import pty
import re
import select
import socket
import subprocess

import letterbox
from letterbox import Daemon, Failure, MailRoot

PASSWORDS = {"anna": "apple pie", "bob": "banana"}

# What a transport may get wrong: dots, From_ lines, trailing blanks, a long line, bytes over 127, empty lines at the end.
HARD = (b"From: Carl <carl@example.net>\r\nTo: anna@localhost\r\nSubject: hard\r\n\t to carry\r\nMessage-ID: <hard@example.net>\r\n"
        b"Date: Thu, 1 Jan 2026 12:00:00 +0100\r\n\r\n"
        b".\r\n..\r\n.dot\r\n\r\nFrom here\r\n>From there\r\n\r\n>>From both\r\ntrailing \t \r\n" + b"long " * 150 +
        b"\r\n\xc3\xa4\xff\xfe\r\nX-UIDL: not ours\r\n\r\n\r\n")
# The same for peers that may not be given every byte.
PLAIN = (b"From: Carl <carl@example.net>\r\nTo: anna@localhost\r\nSubject: plain\r\nMessage-ID: <plain@example.net>\r\n"
         b"Date: Thu, 1 Jan 2026 12:00:00 +0100\r\n\r\n..\r\n.dot\r\n\r\nFrom here\r\n>From there\r\nend\r\n")
# Postfix's smtp-source sends one more empty line after the file that it is given.
SOURCED = PLAIN + b"\r\n"


def below_trace(message, line_end=b"\r\n"):
    """The message without the fields we put on top of it, each of which must be there."""
    for field in (rb"Return-Path: <[^\r\n]*>", rb"Delivered-To: [^\r\n]+", rb"Received: from [^\r\n]*(?:\r?\n[ \t][^\r\n]*)*"):
        found = re.match(field + line_end, message)
        if not found:
            raise Failure("no %s on top of %r" % (field.split(b":")[0].decode(), message[:300]))
        message = message[found.end():]
    return message


class MailServer(contextlib.ExitStack):
    """A mail root with both daemons over it. owner: a user's name, for root alone, whose it is to be."""

    def __init__(self, accounts=None, options=(), plain=False, directory=None, owner=None, **daemon):
        super().__init__()
        try:
            self.root = self.enter_context(MailRoot(directory=directory))
            add = self.root.add_plain_account if plain else self.root.add_account
            for name, password in (PASSWORDS if accounts is None else accounts).items():
                add(name, password)
            if owner is not None:
                letterbox.run(["chown", "-R", owner, self.root.path])
                options = (*options, "user=" + owner)
            self.smtpd = self.enter_context(Daemon("smtpd", self.root, options, **daemon))
            self.pop3d = self.enter_context(Daemon("pop3d", self.root, options))
        except BaseException:
            self.close()
            raise

    @property
    def smtp(self):
        return "127.0.0.1:%d" % self.smtpd.port

    @property
    def pop3(self):
        return "127.0.0.1:%d" % self.pop3d.port

    def login(self, user="anna", password=None):
        return Pop3(self.pop3d.port, user, PASSWORDS[user] if password is None else password)

    def messages(self, user="anna", password=None):
        """Every message of a user, as the wire has them."""
        with self.login(user, password) as session:
            return [session.retr(n + 1) for n in range(session.stat()[0])]


class Gone(Failure):
    """The server ended the connection."""


class Pop3:
    """A client without opinions: poplib refuses long lines and hides line ends."""

    def __init__(self, port, user, password):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.file = self.socket.makefile("rb")
        self._answer()
        try:
            self.ask("USER " + user)
            self.ask("PASS " + password)
        except Failure:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.quit()
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def _answer(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise Gone("pop3: %r" % line)
        if not line.startswith(b"+OK"):
            raise Failure("pop3: %r" % line)
        return line.decode("latin-1").rstrip()

    def ask(self, command):
        self.socket.sendall(command.encode() + b"\r\n")
        return self._answer()

    def body(self):
        """A multi-line reply without its end, dots taken off."""
        out = []
        for line in self.file:
            if line == b".\r\n":
                return b"".join(out)
            out.append(line[1:] if line.startswith(b".") else line)
        raise Gone("pop3: the connection ended in a reply")

    def stat(self):
        return tuple(int(word) for word in self.ask("STAT").split()[1:3])

    def lines(self, command):
        self.ask(command)
        return self.body().decode("latin-1").splitlines()

    def retr(self, number):
        self.ask("RETR %d" % number)
        return self.body()

    def quit(self):
        return self.ask("QUIT")


def tool(name):
    """Where a real peer is; None if it is not installed."""
    for folder in os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/sbin"]:
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK):
            return path
    return None


def mutt(root, user, keys):
    """mutt in a terminal of its own opens a user's mailbox and is given these keys, of which the last ends it."""
    ours, terminal = pty.openpty()
    with open(ours, "rb", buffering=0) as screen, subprocess.Popen(
            ["mutt", "-n", "-F", "/dev/null", "-e", "set move=no quit=yes wait_key=no mark_old=no confirmcreate=no folder=%s" % root.path,
             "-e", "push " + keys, "-f", root.mbox_path(user)], stdin=terminal, stdout=terminal, stderr=terminal,
            env=dict(os.environ, TERM="vt100", HOME=root.path), start_new_session=True) as process:
        os.close(terminal)
        deadline = letterbox.Deadline(30)
        while process.poll() is None and not deadline.over():
            if select.select([screen], [], [], 0.1)[0]:
                try:
                    screen.read(65536)
                except OSError:
                    break  # the terminal is closed: mutt has ended
        if deadline.over():
            process.kill()
    if process.returncode != 0:
        raise Failure("mutt: %d" % process.returncode)


def curl_send(server, path, to="anna@localhost", sender="carl@example.net"):
    letterbox.run(["curl", "-sS", "smtp://%s/home.example.org" % server.smtp, "--mail-from", sender, "--mail-rcpt", to, "-T", path],
                  seconds=60)


def curl_fetch(server, number, user="anna"):
    return letterbox.run(["curl", "-sS", "pop3://%s/%s" % (server.pop3, number), "-u", "%s:%s" % (user, PASSWORDS[user])],
                         seconds=60)[0]


def mpop_fetch(server, folder, user="anna", auth="scram-sha-256", keep=False, seconds=120):
    """Fetch everything into a new Maildir; returns the messages, LF line ends."""
    maildir = os.path.join(folder, "mpop-" + auth)
    for part in ("", "cur", "new", "tmp"):
        os.makedirs(os.path.join(maildir, part), exist_ok=True)
    rc = os.path.join(folder, "mpoprc")
    with open(os.open(rc, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write("account default\nhost 127.0.0.1\nport %d\nuser %s\npassword %s\ntls off\nauth %s\nkeep %s\n"
                   "received_header off\nuidls_file %s\ndelivery maildir %s\n" % (
                       server.pop3d.port, user, PASSWORDS[user], auth, "on" if keep else "off", os.path.join(folder, "uidls"), maildir))
    letterbox.run([tool("mpop"), "-q", "-C", rc], seconds=seconds)
    messages = []
    for name in sorted(os.listdir(os.path.join(maildir, "new"))):
        with open(os.path.join(maildir, "new", name), "rb") as file:
            messages.append(file.read())
    return messages


def smtp_source(server, count, sessions, path, to="anna@localhost", seconds=300):
    """Postfix's load generator: `count` messages, the bytes of `path` each, over `sessions` connections at once."""
    done = subprocess.run([tool("smtp-source"), "-s", str(sessions), "-m", str(count), "-f", "carl@example.net", "-t", to,
                           "-M", "home.example.org", "-F", path, "inet:" + server.smtp],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds)
    if done.returncode != 0 or done.stdout:
        raise Failure("smtp-source: %d %r" % (done.returncode, done.stdout[-500:]))

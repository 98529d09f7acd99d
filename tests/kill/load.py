"""The load: senders, readers and a clerk, each a thread that goes on whatever happens to its connection."""

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import ledger  # noqa: E402
import letterbox  # noqa: E402
import mail  # noqa: E402
from letterbox import Failure  # noqa: E402
from mail import Gone  # noqa: E402

USERS = ["user%d" % n for n in range(5)]
PASSWORD = "secret"
SENDERS = 12
LARGE = (6000, 900)  # lines of so many bytes: past what is held in memory, and long enough on its way into the mailbox to be killed there
IN_USE_SECONDS = 10  # after its connection has ended a session may still hold its lock for so long


class Smtp:
    """A client that knows what it has sent."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.file = self.socket.makefile("rb")
        self.expect(b"220")
        self.socket.sendall(b"EHLO home.example.org\r\n")
        self.expect(b"250")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def expect(self, code):
        while True:
            line = self.file.readline()
            if not line.endswith(b"\r\n") or line.startswith(b"421"):
                raise Gone("smtp: %r" % line)
            if line[3:4] != b"-":
                break
        if not line.startswith(code):
            raise Failure("smtp: %r" % line)

    def envelope(self, users):
        recipients = b"".join(b"RCPT TO:<%s@localhost>\r\n" % user.encode() for user in users)
        self.socket.sendall(b"MAIL FROM:<carl@example.net>\r\n" + recipients + b"DATA\r\n")
        for code in [b"250"] + [b"250"] * len(users) + [b"354"]:
            self.expect(code)


class Load:
    """Over one mail root with two daemons, given as callables that say the port of the day."""

    def __init__(self, root, smtp_port, pop3_port):
        self.root, self.smtp_port, self.pop3_port = root, smtp_port, pop3_port
        self.ledger = ledger.Ledger()
        self.done = threading.Event()
        self.errors, self.slowest, self.broken = [], 0.0, 0
        self.users = list(USERS)
        self.accounts = {}  # what the clerk made: name -> the passwords that may be right, None for no such account
        work = [(self.send, n) for n in range(SENDERS)] + [(self.read, user) for user in USERS] + [(self.keep_accounts, 0)]
        self.threads = [threading.Thread(target=self._go_on, args=each) for each in work]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.done.set()
        deadline = letterbox.Deadline(90)
        for thread in self.threads:
            thread.join(deadline.left())
            if thread.is_alive():
                self.errors.append(Failure("the load does not end"))
                return

    def _go_on(self, work, argument):
        """Over and over; a connection that ends is what is to be expected, everything else is not."""
        turn = 0
        while not self.done.is_set() and not self.errors:
            try:
                work(argument, turn)
            except (Gone, OSError) as error:
                self.broken += 1
                if isinstance(error, socket.timeout):
                    self.errors.append(Failure("no answer within 60 s"))
                self.done.wait(0.01)
            except Exception as error:  # pylint: disable=broad-except
                self.errors.append(error)
            turn += 1

    def _took(self, begun):
        self.slowest = max(self.slowest, time.monotonic() - begun)

    def send(self, number, turn):
        """One connection, some messages."""
        with Smtp(self.smtp_port()) as smtp:
            for n in range(4):
                users = random.sample(self.users, random.choice((1, 1, 3)))
                name = "%d-%d-%d" % (number, turn, n)
                smtp.envelope(users)
                self._data(smtp, users, name)

    def _data(self, smtp, users, name):
        content = ledger.message(name, *(LARGE if random.random() < 0.04 else (random.randrange(200),)))
        self.ledger.send(name, users, ledger.MAYBE)
        begun = time.monotonic()
        try:
            smtp.socket.sendall(content + b".\r\n")
        except OSError:
            self.ledger.send(name, users, ledger.UNFINISHED)
            raise
        smtp.expect(b"250")
        self._took(begun)
        self.ledger.send(name, users, ledger.STORED)

    def read(self, user, _turn):
        """One session: whatever is new, a few of the others; deletes some."""
        with contextlib.closing(self.login(user, PASSWORD)) as session:
            uidls = self.see(session, user)
            chosen = [n for n in range(len(uidls)) if random.random() < 0.3]
            for n in chosen:
                session.ask("DELE %d" % (n + 1))
            self.ledger.ask(user, [uidls[n] for n in chosen])
            try:
                session.quit()
            except Gone:
                raise
            except Failure as error:
                self.ledger.answer(user, False)
                if "going down" not in str(error):
                    raise
            else:
                self.ledger.answer(user, True)
        self.done.wait(random.random() / 10)

    def see(self, session, user, everything=False):
        uidls = [line.split()[1] for line in session.lines("UIDL")]
        self.ledger.look(user, uidls)
        for n, uidl in enumerate(uidls):
            if everything or self.ledger.name(user, uidl) is None or random.random() < 0.02:
                self.ledger.see(user, uidl, session.retr(n + 1))
        return uidls

    def login(self, user, password):
        """The session before it, if it was killed, has let go of its lock."""
        begun = time.monotonic()
        deadline = letterbox.Deadline(IN_USE_SECONDS)
        while True:
            try:
                session = Session(self.pop3_port(), user, password)
                self._took(begun)
                return session
            except Gone:
                raise
            except Failure as error:
                if "[IN-USE]" not in str(error) or deadline.over():
                    raise
                time.sleep(0.005)

    def keep_accounts(self, _number, turn):
        """Every third command is killed. A user who is new gets mail."""
        name = "new%d" % (turn // 4)
        command, password = (("add", "first"), ("passwd", "second"), ("remove", None), ("add", "third"))[turn % 4]
        before = self.accounts.get(name, {None})
        status = self._user([command, name], password, turn % 3 == 2)
        refused = before - {None} if command == "add" else before & {None}  # what there must be for it to say 65
        if status == 0:
            self.accounts[name] = {password}
        elif status == -signal.SIGKILL:
            self.accounts[name] = before | {password}
        elif status == 65 and refused:
            self.accounts[name] = refused
        else:
            raise Failure("pop3d user %s %s: exit status %d" % (command, name, status))
        if self.accounts[name] == {"third"}:
            self.users.append(name)
        self.done.wait(0.2)

    def _user(self, arguments, password, kill):
        process = subprocess.Popen([letterbox.binary("pop3d"), "-d", self.root.path, "user", *arguments], stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(b"%s\n" % (password or "").encode())
            process.stdin.close()
        if kill:
            self.done.wait(random.random() / 20)
            process.kill()
        return process.wait(60)


class Session(mail.Pop3):
    """A farewell ends the connection, too."""

    def ask(self, command):
        try:
            return super().ask(command)
        except Failure as error:
            if command != "QUIT" and re.search("going down", str(error)):
                raise Gone(str(error)) from None
            raise

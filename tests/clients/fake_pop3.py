"""A POP3 server of the tests that does what a script tells it, wrong things too, and remembers what it was asked."""

import base64
import hashlib

from fake_sasl import Scram
from fake_server import Drop, FakeServer

STAMP = "<1896.697170952@fake.example>"
CAPA = ["TOP", "UIDL", "USER", "PIPELINING", "RESP-CODES"]


class FakePop3(FakeServer):
    """hooks: {"RETR 2": what} or {"RETR": what}; `what` is bytes to answer, a callable(session, line) that
    returns bytes (None: go on as ever), or Drop. mails is the maildrop; a QUIT that got its +OK takes what was deleted out of it."""

    def __init__(self, mails=(), uidls=None, capa=None, user="anna", password="secret", greeting=None, hooks=None, scram=None):
        self.mails = list(mails)
        self.uidls = list(uidls) if uidls is not None else ["uidl-%d" % (n + 1) for n in range(len(self.mails))]
        self.capa = CAPA if capa is None else capa
        self.user, self.password = user, password
        self.greeting = greeting if greeting is not None else b"+OK fake\r\n"
        super().__init__(hooks)
        self.scram = scram
        self.asked = []

    def session(self, connection):
        self.sessions += 1
        Session(self, connection).run()

    def note(self, line):
        with self.changed:
            self.asked.append(line)
            self.changed.notify_all()

    def await_asked(self, line):
        self.wait_for(lambda: line in self.asked, lambda: "the server was never asked %r: %r" % (line, self.asked))


def multi(lines):
    return b"+OK\r\n" + b"".join(line.encode() + b"\r\n" for line in lines) + b".\r\n"


def stuffed(mail):
    text = mail.replace(b"\r\n.", b"\r\n..")
    if text.startswith(b"."):
        text = b"." + text
    return text if text.endswith(b"\r\n") or not text else text + b"\r\n"


class Session:
    def __init__(self, server, connection):
        self.server, self.connection = server, connection
        self.input = connection.makefile("rb")
        self.deleted = set()
        self.name = None

    def send(self, data):
        self.connection.sendall(data)

    def read(self):
        line = self.input.readline()
        if not line.endswith(b"\n"):
            raise Drop
        return line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")

    def run(self):
        if self.server.greeting is Drop:
            raise Drop
        self.send(self.server.greeting)
        while True:
            line = self.read()
            self.server.note(line)
            word = line.split(" ", 1)[0].upper()
            answer = None
            for key in (line, word):
                if key in self.server.hooks:
                    answer = self.server.hooks[key]
                    break
            if answer is Drop:
                raise Drop
            if callable(answer):
                answer = answer(self, line)
            if answer is None:
                handler = getattr(self, "do_" + word.lower(), None)
                answer = handler(*line.split(" ")[1:]) if handler else b"-ERR unknown command\r\n"
            self.send(answer)
            if word == "QUIT":
                return

    def numbers(self):
        return [n for n in range(1, len(self.server.mails) + 1) if n not in self.deleted]

    def do_capa(self):
        return multi(self.server.capa) if self.server.capa else b"-ERR what?\r\n"

    def do_user(self, name=""):
        self.name = name
        return b"+OK\r\n"

    def do_pass(self, *words):
        good = self.name == self.server.user and " ".join(words) == self.server.password
        return b"+OK\r\n" if good else b"-ERR [AUTH] no\r\n"

    def do_apop(self, name="", digest=""):
        expected = hashlib.md5((STAMP + self.server.password).encode()).hexdigest()
        return b"+OK\r\n" if name == self.server.user and digest == expected else b"-ERR no\r\n"

    def do_auth(self, mechanism="", initial=None):
        if initial is None:
            self.send(b"+ \r\n")
            initial = self.read()
        message = base64.b64decode(initial).decode()
        if mechanism == "PLAIN":
            good = message == "\0%s\0%s" % (self.server.user, self.server.password)
            return b"+OK\r\n" if good else b"-ERR no\r\n"
        if mechanism != "SCRAM-SHA-256" or not self.server.scram:
            return b"-ERR unknown mechanism\r\n"
        return self.scram(message)

    def scram(self, first):
        scram = Scram(self.server.password, self.server.scram)
        self.send(b"+ " + base64.b64encode(scram.challenge(first)) + b"\r\n")
        message = self.read()
        if message == "*":
            return b"-ERR cancelled\r\n"
        verifier = scram.final(base64.b64decode(message).decode())
        if verifier is None:
            return b"-ERR [AUTH] no\r\n"
        if not verifier:
            return b"+OK\r\n"
        self.send(b"+ " + base64.b64encode(verifier) + b"\r\n")
        return b"+OK\r\n" if self.read() == "" else b"-ERR cancelled\r\n"

    def do_stat(self):
        return b"+OK %d %d\r\n" % (len(self.numbers()), sum(len(self.server.mails[n - 1]) for n in self.numbers()))

    def do_list(self):
        return multi("%d %d" % (n, len(self.server.mails[n - 1])) for n in self.numbers())

    def do_uidl(self):
        return multi("%d %s" % (n, self.server.uidls[n - 1]) for n in self.numbers())

    def do_top(self, number, _lines):
        header = self.server.mails[int(number) - 1].split(b"\r\n\r\n", 1)[0]
        return b"+OK\r\n" + stuffed(header + b"\r\n\r\n") + b".\r\n"

    def do_retr(self, number):
        if int(number) not in self.numbers():
            return b"-ERR no such message\r\n"
        return b"+OK\r\n" + stuffed(self.server.mails[int(number) - 1]) + b".\r\n"

    def do_dele(self, number):
        if int(number) not in self.numbers():
            return b"-ERR no such message\r\n"
        self.deleted.add(int(number))
        return b"+OK\r\n"

    def do_noop(self):
        return b"+OK\r\n"

    def do_rset(self):
        self.deleted.clear()
        return b"+OK\r\n"

    def do_quit(self):
        for number in sorted(self.deleted, reverse=True):
            del self.server.mails[number - 1]
            del self.server.uidls[number - 1]
        return b"+OK\r\n"

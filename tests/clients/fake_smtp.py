"""An SMTP server of the tests: polite unless a hook says otherwise, and it remembers what it was told."""

import base64

from fake_sasl import Scram
from fake_server import Drop, FakeServer

OFFERS = ["PIPELINING", "SIZE 100000000", "8BITMIME", "SMTPUTF8"]


class Cancelled(Exception):
    """The client gave up its side of AUTH."""


class FakeSmtp(FakeServer):
    """hooks: {verb: bytes to answer, or Drop}; "CONNECT" is the greeting, "RCPT TO:<a@b>" one recipient, "." the end of the
    message, "BODY" what happens once the content begins. `told` has the commands, `messages` the contents, dots unstuffed. AUTH is for anna
    with the password; scram: what kind of server of it this is (fake_sasl)."""

    def __init__(self, offers=None, hooks=None, password="secret", scram="yes", **where):
        self.password, self.scram = password, scram
        self.offers = OFFERS if offers is None else offers
        super().__init__(hooks, **where)
        self.told, self.messages = [], []

    def await_end(self):
        """Until the first session is over."""
        self.wait_for(lambda: self.sessions > 0, lambda: "the client did not close the connection")

    def session(self, connection):
        try:
            with connection.makefile("rb") as lines:
                self._session(connection, lines)
        finally:
            with self.changed:
                self.sessions += 1
                self.changed.notify_all()

    def _answer(self, peer, usual, *words):
        for word in words:
            if word in self.hooks:
                what = self.hooks[word]
                if what is Drop:
                    raise Drop
                peer.sendall(what)
                return what[:1]
        peer.sendall(usual)
        return usual[:1]

    def _session(self, peer, lines):
        self._answer(peer, b"220 fake ESMTP\r\n", "CONNECT")
        for raw in lines:
            line = raw.decode("utf-8").rstrip("\r\n")
            self.told.append(line)
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                offers = ["fake"] + self.offers
                text = "".join("250%s%s\r\n" % ("-" if i + 1 < len(offers) else " ", o) for i, o in enumerate(offers))
                self._answer(peer, text.encode(), verb)
            elif verb == "DATA":
                if self._answer(peer, b"354 go\r\n", verb) == b"3":
                    self._content(peer, lines)
            elif verb == "AUTH" and verb not in self.hooks:
                peer.sendall(self._auth(peer, lines, *line.split(" ")[1:]))
            elif verb == "QUIT":
                self._answer(peer, b"221 bye\r\n", verb)
                return
            else:
                self._answer(peer, b"250 2.0.0 ok\r\n", line, verb)

    def _ask(self, peer, lines, challenge):
        peer.sendall(b"334 " + base64.b64encode(challenge) + b"\r\n")
        line = lines.readline().rstrip(b"\r\n").decode()
        self.told.append(line)
        if line == "*":
            raise Cancelled
        return base64.b64decode(line).decode()

    def _auth(self, peer, lines, mechanism, initial=None):
        try:
            if mechanism == "LOGIN":
                good = (self._ask(peer, lines, b"Username:"), self._ask(peer, lines, b"Password:")) == ("anna", self.password)
            else:
                message = base64.b64decode(initial).decode() if initial else self._ask(peer, lines, b"")
                good = message == "\0anna\0" + self.password
                if mechanism == "SCRAM-SHA-256":
                    scram = Scram(self.password, self.scram)
                    verifier = scram.final(self._ask(peer, lines, scram.challenge(message)))
                    good = verifier is not None and (not verifier or self._ask(peer, lines, verifier) == "")
        except Cancelled:
            return b"501 cancelled\r\n"
        return b"235 2.7.0 welcome\r\n" if good else b"535 5.7.8 no\r\n"

    def _content(self, peer, lines):
        content = bytearray()
        if "BODY" in self.hooks:
            lines.readline()
            self._answer(peer, b"", "BODY")
        for raw in lines:
            if raw == b".\r\n":
                break
            content += raw[1:] if raw.startswith(b".") else raw
        self.messages.append(bytes(content))
        self._answer(peer, b"250 2.0.0 taken as 42\r\n", ".")

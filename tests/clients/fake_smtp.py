"""An SMTP server of the tests: polite unless a hook says otherwise, and it remembers what it was told."""

from fake_server import Drop, FakeServer

OFFERS = ["PIPELINING", "SIZE 100000000", "8BITMIME", "SMTPUTF8"]


class FakeSmtp(FakeServer):
    """hooks: {verb: bytes to answer, or Drop}; "CONNECT" is the greeting, "RCPT TO:<a@b>" one recipient, "." the end of the
    message, "BODY" what happens once the content begins. `told` has the commands, `messages` the contents, dots unstuffed."""

    def __init__(self, offers=None, hooks=None):
        self.offers = OFFERS if offers is None else offers
        super().__init__(hooks)
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
            elif verb == "QUIT":
                self._answer(peer, b"221 bye\r\n", verb)
                return
            else:
                self._answer(peer, b"250 2.0.0 ok\r\n", line, verb)

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

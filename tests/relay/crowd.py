"""A receiver that serves many connections at once, and knows how many there were."""

import threading
import time

from fake_server import Drop
from fake_smtp import FakeSmtp


class Crowd(FakeSmtp):
    """pause: seconds before it answers to a message; patience: before it closes a connection on which nothing comes; mails: what it takes on a
    connection before it closes it at MAIL."""

    def __init__(self, pause=0, patience=30, mails=1000, **more):
        super().__init__(**more)
        self.pause, self.patience, self.mails = pause, patience, mails
        self.now = self.most = 0
        self.own = threading.local()

    def _take(self, connection):
        self._count(1)
        threading.Thread(target=self._serve_one, args=(connection,), daemon=True).start()

    def _serve_one(self, connection):
        connection.settimeout(self.patience)
        self.own.mails, self.own.counts = 0, True
        try:
            self.session(connection)
        except (Drop, OSError):
            pass
        self._end()
        connection.close()

    def _count(self, more):
        with self.changed:
            self.now += more
            self.most = max(self.most, self.now)

    def _end(self):
        """It counts until the client can know of the end."""
        if self.own.counts:
            self._count(-1)
        self.own.counts = False

    def _answer(self, peer, usual, *words):
        if words[-1] == "MAIL":
            self.own.mails += 1
            if self.own.mails > self.mails:
                raise Drop
        if words[-1] == "QUIT":
            self._end()
        if words == (".",):
            time.sleep(self.pause)
        return super()._answer(peer, usual, *words)

    def count(self, word):
        """Commands that begin so."""
        return sum(line.startswith(word) for line in list(self.told))

"""What the fake servers share: a listener on loopback, one connection after the other, hooks that say what to do otherwise."""

import socket
import threading


class Drop(Exception):
    """Close the connection here."""


class FakeServer:
    """A context manager. `session(connection)` serves one; `changed` is notified of all that a test may wait for."""

    def __init__(self, hooks, host="127.0.0.1", port=0):
        self.hooks = dict(hooks or {})
        self.sessions = 0
        self.changed = threading.Condition()
        self.listener = socket.create_server((host, port))
        self.port = self.listener.getsockname()[1]
        self.address = "%s:%d" % (host, self.port)
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self._take(connection)

    def _take(self, connection):
        with connection:
            connection.settimeout(30)
            try:
                self.session(connection)
            except (Drop, OSError):
                pass

    def wait_for(self, condition, complaint, seconds=10):
        with self.changed:
            if not self.changed.wait_for(condition, seconds):
                raise AssertionError(complaint())

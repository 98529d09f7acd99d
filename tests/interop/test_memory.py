#!/usr/bin/env python3
"""What a peer sends does not make a session grow: its private memory (USS) stays under 1 MB."""

import os
import re
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import letterbox  # noqa: E402
import mail  # noqa: E402

LIMIT = 1 << 20
FLOOD = 1 << 30


class Watch:
    """The most memory a process had, looked at over and over while the block runs."""

    def __init__(self, pid):
        self.pid, self.most, self.over = pid, 0, threading.Event()
        self.thread = threading.Thread(target=self._look)

    def _look(self):
        while not self.over.wait(0.005):
            self.most = max(self.most, letterbox.private(self.pid))

    def __enter__(self):
        self.most = letterbox.private(self.pid)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.most = max(self.most, letterbox.private(self.pid))


@unittest.skipIf(letterbox.SANITIZED, "a sanitizer's memory is its own")
@unittest.skipUnless(os.path.exists("/proc/self/smaps_rollup"), "no /proc/PID/smaps_rollup here")
class Memory(unittest.TestCase):
    def setUp(self):
        self.server = mail.MailServer()
        self.addCleanup(self.server.close)

    def connect(self, daemon):
        channel = socket.create_connection(("127.0.0.1", daemon.port), 60)
        self.addCleanup(channel.close)
        file = channel.makefile("rb")
        self.addCleanup(file.close)
        greeting = file.readline()
        self.assertTrue(greeting.startswith((b"220 ", b"+OK ")), greeting)
        children = daemon.children()
        self.assertEqual(len(children), 1)
        return channel, file, children[0]

    def ask(self, channel, file, command):
        channel.sendall(command + b"\r\n")
        while True:
            line = file.readline()
            if not re.match(rb"[0-9]{3}-", line):
                return line

    def flood(self, channel, chunk, total, whole=False):
        """Send chunk over and over, `total` bytes in all, while another thread takes the replies off; returns how many lines came.

        `whole`: the server must take all of it."""
        lines = [0]

        def take():
            try:
                while True:
                    got = channel.recv(1 << 16)
                    if not got:
                        return
                    lines[0] += got.count(b"\n")
            except OSError:
                pass

        reader = threading.Thread(target=take)
        reader.start()
        try:
            for _ in range(total // len(chunk)):
                channel.sendall(chunk)
            channel.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.assertFalse(whole, "the server ended the session")
        reader.join(120)
        self.assertFalse(reader.is_alive())
        return lines[0]

    def small(self, watch):
        self.assertGreater(watch.most, 0)
        self.assertLess(watch.most, LIMIT, "%d KB" % (watch.most >> 10))

    def test_idle(self):
        for daemon in (self.server.smtpd, self.server.pop3d):
            _, _, pid = self.connect(daemon)
            self.assertLess(letterbox.private(pid), 200 << 10)

    def test_smtp_one_line(self):
        channel, _, pid = self.connect(self.server.smtpd)
        with Watch(pid) as watch:
            self.flood(channel, b"x" * (1 << 20), FLOOD, whole=True)
        self.small(watch)

    def test_smtp_recipients(self):
        channel, file, pid = self.connect(self.server.smtpd)
        self.ask(channel, file, b"EHLO home.example.org")
        self.ask(channel, file, b"MAIL FROM:<carl@example.net>")
        with Watch(pid) as watch:
            lines = self.flood(channel, b"RCPT TO:<anna@localhost>\r\n" * 1000, 26 * 10 ** 6)
        self.assertGreater(lines, 1000)
        self.small(watch)

    def test_smtp_different_recipients(self):
        accounts = "".join("u%d:{PLAIN}secret\n" % n for n in range(1000))
        self.server.root.append("accounts", accounts)
        channel, file, pid = self.connect(self.server.smtpd)
        self.ask(channel, file, b"EHLO home.example.org")
        self.ask(channel, file, b"MAIL FROM:<carl@example.net>")
        with Watch(pid) as watch:
            for n in range(1000):
                self.assertEqual(self.ask(channel, file, b"RCPT TO:<u%d@localhost>" % n)[:3], b"250")
            self.assertEqual(self.ask(channel, file, b"RCPT TO:<anna@localhost>")[:3], b"452")
        self.small(watch)

    def data(self):
        channel, file, pid = self.connect(self.server.smtpd)
        self.ask(channel, file, b"EHLO home.example.org")
        self.ask(channel, file, b"MAIL FROM:<carl@example.net>")
        self.ask(channel, file, b"RCPT TO:<anna@localhost>")
        self.assertEqual(self.ask(channel, file, b"DATA")[:4], b"354 ")
        return channel, file, pid

    def test_smtp_endless_headers(self):
        channel, _, pid = self.data()
        with Watch(pid) as watch:
            self.flood(channel, b"X-Header: no end to it\r\n" * 1000, FLOOD)
        self.small(watch)

    def test_smtp_endless_line_of_content(self):
        channel, _, pid = self.data()
        with Watch(pid) as watch:
            self.flood(channel, b"x" * (1 << 20), FLOOD)
        self.small(watch)

    def test_a_message_of_50_MB(self):
        line = b"z" * 98 + b"\r\n"
        content = b"Subject: big\r\n\r\n" + line * ((50 << 20) // 100 - 10)
        channel, file, pid = self.data()
        with Watch(pid) as watch:
            channel.sendall(content + b".\r\n")
            self.assertEqual(file.readline()[:4], b"250 ")
        self.small(watch)
        self.ask(channel, file, b"QUIT")
        channel, file, pid = self.connect(self.server.pop3d)
        self.ask(channel, file, b"USER anna")
        self.ask(channel, file, b"PASS " + mail.PASSWORDS["anna"].encode())
        with Watch(pid) as watch:
            self.assertEqual(self.ask(channel, file, b"RETR 1")[:3], b"+OK")
            got = 0
            for one in file:
                if one == b".\r\n":
                    break
                got += len(one)
        self.assertGreater(got, len(content))
        self.small(watch)

    def test_pop3_one_line(self):
        channel, _, pid = self.connect(self.server.pop3d)
        with Watch(pid) as watch:
            self.flood(channel, b"USER " + b"x" * (1 << 20), FLOOD, whole=True)
        self.small(watch)

    def test_pop3_commands_without_end(self):
        channel, file, pid = self.connect(self.server.pop3d)
        self.ask(channel, file, b"USER anna")
        self.assertEqual(self.ask(channel, file, b"PASS " + mail.PASSWORDS["anna"].encode())[:3], b"+OK")
        with Watch(pid) as watch:
            lines = self.flood(channel, b"LIST\r\nSTAT\r\nUIDL\r\n" * 1000, 18 * 10 ** 6)
        self.assertGreater(lines, 1000)
        self.small(watch)

    def test_pop3_sasl_line(self):
        channel, file, pid = self.connect(self.server.pop3d)
        self.ask(channel, file, b"AUTH PLAIN")
        with Watch(pid) as watch:
            self.flood(channel, b"QUFB" * (1 << 18), FLOOD)
        self.small(watch)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""A mail root on a disk that is full: mail waits, nothing is torn, and users make room by POP3. Needs root for the mount."""

import contextlib
import os
import smtplib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import letterbox  # noqa: E402
import mail  # noqa: E402

MESSAGE = b"Subject: one of many\r\n\r\n" + (b"y" * 70 + b"\r\n") * 1000
LONG = MESSAGE * 8  # past what is held in memory


@contextlib.contextmanager
def small_disk():
    """A file system of 4 MB; None where there is no right to mount one."""
    with tempfile.TemporaryDirectory(prefix="letterbox-") as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4M,mode=700", "letterbox", folder],
                                 stderr=subprocess.DEVNULL, check=False).returncode == 0
        try:
            yield folder if mounted else None
        finally:
            if mounted:
                subprocess.run(["umount", folder], check=True)


def fill(path):
    with open(path, "wb", 0) as file:
        for size in (65536, 4096, 1):
            with contextlib.suppress(OSError):
                while file.write(b"z" * size):
                    pass


class Disk(unittest.TestCase):
    def send(self, server, message=MESSAGE):
        """The reply to the message, 250 or not."""
        with smtplib.SMTP("127.0.0.1", server.smtpd.port, "home.example.org", 60) as smtp:
            smtp.ehlo()
            smtp.mail("carl@example.net")
            smtp.rcpt("anna@localhost")
            return smtp.data(message)

    def test_full(self):
        with small_disk() as disk:
            if disk is None:
                self.skipTest("no right to mount a file system")
            with mail.MailServer(plain=True, directory=disk) as server:
                sent = 0
                while self.send(server)[0] == 250:
                    sent += 1
                fill(server.root.file("fill"))
                before = server.root.mbox("anna")
                for message in (MESSAGE, LONG):
                    code, text = self.send(server, message)
                    self.assertEqual((code, text[:5]), (452, b"4.3.1"))
                self.assertEqual(server.root.mbox("anna"), before)
                with server.login() as session:
                    self.assertEqual(session.stat()[0], sent)
                    self.assertEqual(mail.below_trace(session.retr(sent)), MESSAGE)
                    session.ask("DELE %d" % sent)
                with server.login() as session:
                    self.assertEqual(session.stat()[0], sent - 1)
                    for n in range(sent - 1):
                        session.ask("DELE %d" % (n + 1))
                self.assertEqual(server.root.mbox("anna"), b"")
                self.assertEqual(self.send(server)[0], 250)
                self.assertEqual([mail.below_trace(message) for message in server.messages()], [MESSAGE])

    def test_file_size_limit(self):
        limit = ["sh", "-c", 'ulimit -f 300; exec "$@"', "sh"]
        with mail.MailServer(plain=True, wrapper=limit) as server:
            self.assertEqual(self.send(server)[0], 250)
            self.assertEqual(self.send(server)[0], 250)
            before = server.root.mbox("anna")
            for message in (MESSAGE, LONG):
                self.assertEqual(self.send(server, message)[0], 552)
            self.assertEqual(server.root.mbox("anna"), before)
            self.assertEqual(len(server.messages()), 2)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""Real programs log in to smtpd, by each mechanism that they have, and are refused with a wrong password."""

import os
import smtplib
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import letterbox  # noqa: E402
import mail  # noqa: E402

TEXT = mail.PLAIN.replace(b"\r\n", b"\n")


def needs(name):
    return unittest.skipUnless(mail.tool(name), name + " is not installed")


class Login(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="letterbox-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.server = mail.MailServer()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.message = os.path.join(cls.folder.name, "message")
        with open(cls.message, "wb") as file:
            file.write(mail.PLAIN)

    def count(self):
        return letterbox.count_messages(self.server.root.mbox("bob"))

    def logged(self, event):
        return sum((" %s " % event) in line for line in self.server.smtpd.log().splitlines())

    def check(self, mechanism, send):
        """send(password, right) is to log in as anna and to send mail.PLAIN to bob; it fails itself where right is wrong."""
        before, logins, failed = self.count(), self.logged("login"), self.logged("login-failed")
        send("apple pie", True)
        self.assertEqual(self.count(), before + 1)
        self.assertEqual(self.logged("login"), logins + 1)
        self.assertIn(b"with ESMTPA id", self.server.root.mbox("bob").split(b"\nFrom ")[-1])
        self.assertIn("user=anna method=" + mechanism, self.server.smtpd.log())
        send("apple", False)
        self.assertEqual(self.count(), before + 1)
        self.assertGreater(self.logged("login-failed"), failed)
        self.assertNotIn("apple", self.server.smtpd.log())

    def test_smtplib(self):
        for mechanism in ("PLAIN", "LOGIN"):
            for initial in (True, False):
                with self.subTest(mechanism=mechanism, initial=initial):
                    self.check(mechanism, lambda password, right: self.smtplib(mechanism, initial, password, right))

    def smtplib(self, mechanism, initial, password, right):
        with smtplib.SMTP("127.0.0.1", self.server.smtpd.port, "home.example.org", 30) as smtp:
            smtp.ehlo()
            smtp.user, smtp.password = "anna", password
            method = getattr(smtp, "auth_" + mechanism.lower())
            if not right:
                with self.assertRaises(smtplib.SMTPAuthenticationError) as raised:
                    smtp.auth(mechanism, method, initial_response_ok=initial)
                self.assertEqual(raised.exception.smtp_code, 535)
                return
            self.assertEqual(smtp.auth(mechanism, method, initial_response_ok=initial)[0], 235)
            self.assertEqual(smtp.sendmail("anna@localhost", ["bob@localhost"], mail.PLAIN), {})

    @needs("curl")
    def test_curl(self):
        for mechanism in ("PLAIN", "LOGIN"):
            for initial in ([], ["--sasl-ir"]):
                with self.subTest(mechanism=mechanism, initial=initial):
                    self.check(mechanism, lambda password, right: letterbox.run(
                        [mail.tool("curl"), "-sS", "--url", "smtp://" + self.server.smtp, "-u", "anna:" + password,
                         "--login-options", "AUTH=" + mechanism, *initial, "--mail-from", "anna@localhost",
                         "--mail-rcpt", "bob@localhost", "-T", self.message], status=0 if right else 67))

    @needs("swaks")
    def test_swaks(self):
        for mechanism in ("PLAIN", "LOGIN"):
            with self.subTest(mechanism=mechanism):
                self.check(mechanism, lambda password, right: letterbox.run(
                    [mail.tool("swaks"), "--server", self.server.smtp, "--from", "anna@localhost", "--to", "bob@localhost",
                     "--helo", "home.example.org", "--auth", mechanism, "-au", "anna", "-ap", password, "--silent", "2",
                     "--data", "-"], TEXT, status=0 if right else 28))

    @needs("msmtp")
    def test_msmtp(self):
        for mechanism in ("PLAIN", "LOGIN", "SCRAM-SHA-256"):
            with self.subTest(mechanism=mechanism):
                self.check(mechanism, lambda password, right: letterbox.run(
                    [mail.tool("msmtp"), "--host=127.0.0.1", "--port=%d" % self.server.smtpd.port, "--from=anna@localhost",
                     "--tls=off", "--auth=" + mechanism.lower(), "--user=anna", "--passwordeval=echo '%s'" % password,
                     "--domain=home.example.org", "bob@localhost"], TEXT, status=0 if right else 77))

    def test_smtpc(self):
        self.check("SCRAM-SHA-256", lambda password, right: letterbox.run(
            [letterbox.binary("smtpc"), "-S", self.server.smtp, "-u", "anna", "-f", "anna@localhost", "-t", "-i", "bob@localhost"],
            TEXT, status=0 if right else 77, env=dict(os.environ, MAIL_PASSWORD=password)))


class Guesses(unittest.TestCase):
    """Past AUTH_FAILURES failed logins a source has to wait, whatever connections it makes, and nobody else has to."""

    GUESSES = {"smtpd": (b"EHLO home.example.org\r\n", b"AUTH PLAIN AGFubmEAYXBwbGU=\r\n"),
               "pop3d": (b"", b"AUTH PLAIN AGFubmEAYXBwbGU=\r\n")}

    def setUp(self):
        self.server = mail.MailServer(plain=True)
        self.addCleanup(self.server.__exit__, None, None, None)

    def connect(self, daemon, source):
        connection = socket.create_connection(("127.0.0.1", daemon.port), 30, (source, 0))
        self.addCleanup(connection.close)
        return connection

    def guess(self, daemon, source, sessions):
        """Five guesses in each of so many sessions at once. What each was told, to its end, once its child is reaped."""
        hello, line = self.GUESSES[daemon.program]
        others = set(daemon.children())
        connections = [self.connect(daemon, source) for _ in range(sessions)]
        for connection in connections:
            connection.recv(1000)
        serving = set(daemon.children()) - others
        self.assertGreaterEqual(len(serving), sessions)
        for connection in connections:
            connection.sendall(hello + 5 * line)
            connection.shutdown(socket.SHUT_WR)
        said = []
        for connection in connections:
            with connection.makefile("rb") as file:
                said.append(file.read().splitlines())
            connection.close()
        deadline = letterbox.Deadline(10)
        while serving & set(letterbox.children(daemon.process.pid)):
            self.assertFalse(deadline.over(), "a child is not reaped")
        return said

    def greeting(self, daemon, source):
        with self.connect(daemon, source) as connection, connection.makefile("rb") as said:
            return said.readline()

    def check(self, daemon, welcome, refusal, denied, last):
        for said in self.guess(daemon, "127.0.0.1", 6):
            self.assertEqual([line.startswith(denied) for line in said[-6:]], [True] * 5 + [False], said)
            self.assertEqual(said[-1], last)
        self.assertEqual(self.greeting(daemon, "127.0.0.1")[:len(welcome)], welcome)
        with self.connect(daemon, "127.0.0.1") as connection, connection.makefile("rb") as said:
            said.readline()
            connection.sendall(b"".join(self.GUESSES[daemon.program]))
            self.assertEqual(said.read().splitlines()[-1], last)
        self.assertEqual(self.greeting(daemon, "127.0.0.1"), refusal)
        daemon.await_log(lambda line: "refused reason=failed-logins client=127.0.0.1" in line)
        # Who comes with many sessions is heard of at once: each of them has one guess after the cap is reached, and no more.
        said = self.guess(daemon, "127.0.0.2", 90)
        guesses = sum(line.startswith(denied) for lines in said for line in lines)
        self.assertLessEqual(guesses, 30 + 90)
        self.assertEqual(self.greeting(daemon, "127.0.0.2"), refusal)
        # Nobody else is shut out, however many make a mistake.
        for i in range(3, 41):
            with self.connect(daemon, "127.0.0.%d" % i) as connection, connection.makefile("rb") as said:
                self.assertEqual(said.readline()[:len(welcome)], welcome)
                connection.sendall(self.GUESSES[daemon.program][1])
        self.assertEqual(self.greeting(daemon, "127.0.0.40")[:len(welcome)], welcome)

    def test_smtpd(self):
        self.check(self.server.smtpd, b"220 ", b"421 4.7.0 Too many failed logins, try again later\r\n", b"535 5.7.8 ", b"421 4.7.0 Too many failed logins")

    def test_pop3d(self):
        self.check(self.server.pop3d, b"+OK ", b"-ERR [SYS/TEMP] too many failed logins, try again later\r\n", b"-ERR [AUTH] ", b"-ERR too many failed logins")

    def test_a_session_without_a_parent(self):
        """Nobody counts there, but the session ends all the same."""
        sessions = [subprocess.Popen([letterbox.binary(program), "-d", self.server.root.path, "-i"], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for program in self.GUESSES]
        for session, (hello, line) in zip(sessions, self.GUESSES.values()):
            session.stdout.readline()
            session.stdin.write(hello + 9 * line)
            session.stdin.close()
        for session, denied in zip(sessions, (b"535 5.7.8 ", b"-ERR [AUTH] ")):
            with session.stdout:
                said = session.stdout.read().splitlines()
            self.assertEqual(session.wait(30), 0)
            self.assertEqual([line.startswith(denied) for line in said[-6:]], [True] * 5 + [False], said)
            self.assertIn(b"oo many failed logins", said[-1])


if __name__ == "__main__":
    unittest.main()

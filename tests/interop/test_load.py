#!/usr/bin/env python3
"""Many at once: every acknowledged message is there exactly once and whole, and was synced before its 250."""

import hashlib
import os
import re
import smtplib
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import letterbox  # noqa: E402
import mail  # noqa: E402

SENDERS = 50
EACH = 8
STORM = int(os.environ.get("STORM", "500" if letterbox.SANITIZED else "2000"))


def message(name):
    """A message that says by itself whether it is whole."""
    lines = [("%s line %d" % (name, n)).encode() for n in range(5 + sum(name.encode()) % 60)]
    lines += [b"From " + name.encode(), b""]
    body = b"\r\n".join(lines) + b"\r\n"
    return b"Subject: %s\r\nX-Sum: %s\r\n\r\n" % (name.encode(), hashlib.sha256(body).hexdigest().encode()) + body


def name_of(wire):
    """The name of a message that is whole."""
    content = mail.below_trace(wire)
    found = re.match(rb"Subject: (.*)\r\nX-Sum: (.*)\r\n\r\n", content)
    if not found or hashlib.sha256(content[found.end():]).hexdigest().encode() != found.group(2):
        raise letterbox.Failure("torn: %r" % wire[:400])
    return found.group(1).decode()


class Crowd:
    """Threads whose first error is the test's."""

    def __init__(self):
        self.threads, self.errors = [], []

    def add(self, work, *arguments):
        def run():
            try:
                work(*arguments)
            except Exception as error:  # pylint: disable=broad-except
                self.errors.append(error)
        self.threads.append(threading.Thread(target=run))

    def start(self):
        for thread in self.threads:
            thread.start()

    def join(self, seconds):
        deadline = letterbox.Deadline(seconds)
        for thread in self.threads:
            thread.join(deadline.left())
            if thread.is_alive():
                raise letterbox.Failure("not done within %d s" % seconds)
        if self.errors:
            raise self.errors[0]


class Load(unittest.TestCase):
    def send(self, server, number, user, acknowledged):
        with smtplib.SMTP("127.0.0.1", server.smtpd.port, "home.example.org", 120) as smtp:
            for n in range(EACH):
                name = "%s-%d-%d" % (user, number, n)
                smtp.sendmail("carl@example.net", [user + "@localhost"], message(name))
                acknowledged.append(name)

    def expunge(self, server, user, password, done, deleted):
        """Sessions that list, read all, and delete every other message, while mail comes in; at least two of them."""
        rounds = 0
        while rounds < 2 or not done.is_set():
            gone = []
            with server.login(user, password) as session:
                for line in session.lines("UIDL"):
                    number = int(line.split()[0])
                    name = name_of(session.retr(number))
                    if number % 2:
                        session.ask("DELE %d" % number)
                        gone.append(name)
            deleted += gone  # QUIT was +OK
            rounds += 1

    def crowd(self, users, readers):
        accounts = {user: "secret" for user in users}
        with mail.MailServer(accounts, plain=True) as server:
            acknowledged, deleted, done = [], [], threading.Event()
            senders, reading = Crowd(), Crowd()
            for number in range(SENDERS):
                senders.add(self.send, server, number, users[number % len(users)], acknowledged)
            for user in users[:readers]:
                reading.add(self.expunge, server, user, "secret", done, deleted)
            reading.start()
            senders.start()
            try:
                senders.join(240)
            finally:
                done.set()
                reading.join(120)
            left = [name_of(wire) for user in users for wire in server.messages(user, "secret")]
            self.assertEqual(len(acknowledged), SENDERS * EACH)
            self.assertGreater(len(deleted), 0)
            self.assertEqual(sorted(deleted + left), sorted(acknowledged))

    def test_fifty_senders_to_one_mailbox(self):
        self.crowd(["anna"], 1)

    def test_fifty_senders_to_many_mailboxes(self):
        self.crowd(["user%d" % n for n in range(SENDERS)], 4)


class Storm(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="letterbox-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.content = os.path.join(self.folder, "message")
        with open(self.content, "wb") as file:
            file.write(mail.PLAIN.replace(b"\r\n", b"\n"))

    @unittest.skipUnless(mail.tool("smtp-source") and mail.tool("mpop"), "smtp-source or mpop is not installed")
    def test_two_thousand_messages(self):
        with mail.MailServer() as server:
            mail.smtp_source(server, STORM, 50, self.content)
            self.assertEqual(letterbox.count_messages(server.root.mbox("anna")), STORM)
            fetched = mail.mpop_fetch(server, self.folder, seconds=300)
            self.assertEqual(len(fetched), STORM)
            expected = mail.SOURCED.replace(b"\r\n", b"\n")
            for one in fetched:
                self.assertEqual(mail.below_trace(one, b"\n"), expected)
            ids = [re.search(rb"\bid (\S+)", one).group(1) for one in fetched]
            self.assertEqual(len(set(ids)), STORM)
            self.assertEqual(server.root.mbox("anna"), b"")

    @unittest.skipUnless(mail.tool("smtp-source") and mail.tool("strace"), "smtp-source or strace is not installed")
    def test_every_250_follows_its_fdatasync(self):
        trace = os.path.join(self.folder, "trace")
        # -D: the daemon stays our child, strace watches from the side. A leak check cannot run while it does.
        wrapper = ["strace", "-D", "-f", "-q", "-s", "64", "-e", "trace=fdatasync,fsync,write,writev,sendto,sendmsg,openat", "-o", trace]
        with mail.MailServer(wrapper=wrapper, env={"ASAN_OPTIONS": "detect_leaks=0"}) as server:
            mail.smtp_source(server, STORM, 50, self.content)
            parent = server.smtpd.process.pid
            server.smtpd.stop()
            lines = self.finished(trace, parent)
        synced, answered, syncs = {}, 0, 0
        for line in lines:
            pid, call = line.split(None, 1)
            if re.match(r"f(data)?sync\(.*= 0$|<\.\.\. f(data)?sync resumed.*= 0$", call):
                synced[pid] = synced.get(pid, 0) + 1
                syncs += "fdatasync" in call
            elif re.match(r'(write|send)\w*\(\d+, .*"354 ', call):
                synced[pid] = 0
            elif re.match(r'(write|send)\w*\(\d+, .*"250 2\.(0\.0|6\.0)[^"]*id', call):
                answered += 1
                self.assertGreater(synced.get(pid, 0), 0, "a 250 without a sync before it: " + line)
                synced[pid] = 0
        self.assertEqual(answered, STORM)
        self.assertGreaterEqual(syncs, STORM)

    def finished(self, trace, pid):
        """The trace's lines, once strace has written the end of the daemon."""
        deadline = letterbox.Deadline(30)
        while True:
            with open(trace, encoding="latin-1") as file:
                lines = file.read().split("\n")
            if any(re.match(r"%d +\+\+\+ exited" % pid, line) for line in lines[-200:]):
                return lines[:-1]
            if deadline.over():
                self.fail("strace has not written the end of the daemon")


if __name__ == "__main__":
    unittest.main()

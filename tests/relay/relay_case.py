"""What the tests of the relay share: a mail root, the driver, and what it says came of each recipient."""

import collections
import os
import smtplib
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("lib", "clients", "bench"):
    sys.path.insert(0, os.path.join(os.path.dirname(HERE), folder))

import letterbox  # noqa: E402

DRIVER = os.path.join(letterbox.BUILD, "relay", "driver")
OPTIONS = ("hostname=self.example", "domain=ours.example")
TRACE = b"Received: by driver\r\n"

Result = collections.namedtuple("Result", "verdict status host told reply")


def drive(root, *words, options=(), flags=(), stdin=b"", seconds=100):
    """The lines that the driver prints."""
    arguments = [DRIVER, *(word for option in (*OPTIONS, *options) for word in ("-o", option)), *flags, root.path, *words]
    done = subprocess.run(arguments, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds)
    if done.returncode != 0 or done.stderr:
        raise letterbox.Failure("%s: %d %s" % (words, done.returncode, done.stderr.decode()))
    return done.stdout.decode().splitlines()


class RelayCase(unittest.TestCase):
    def setUp(self):
        self.root = letterbox.MailRoot()
        self.addCleanup(self.root.__exit__)

    def enter(self, manager):
        manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return manager

    def route(self, server):
        """server: its address."""
        with open(self.root.file("routes"), "w", encoding="ascii") as file:
            file.write("* %s\n" % server)

    def send(self, server, message, *recipients, sender="s@s.example", **more):
        """What came of the recipients at a server; one for all where there was no session."""
        self.route(server)
        lines = drive(self.root, "send", "a.example", sender, *(recipients or ("r@a.example",)), stdin=message, **more)
        return [Result(*line.split(" ", 4)) for line in lines]


def until(condition, seconds, what):
    deadline = letterbox.Deadline(seconds)
    while not condition():
        if deadline.over():
            raise letterbox.Failure("not in time: " + what)
        time.sleep(0.02)


class QueueCase(RelayCase):
    """With smtpd, which has taken over what is to be sent."""

    def setUp(self):
        super().setUp()
        self.root.add_plain_account("anna", "secret")

    def start(self, options=(), **more):
        options = ["hostname=mail.a.example", "domain=a.example", "max-per-source=1000", *options]
        return self.enter(letterbox.Daemon("smtpd", self.root, options, **more))

    def queue(self, *words, status=0):
        return letterbox.run([letterbox.binary("smtpd"), "-d", self.root.path, "queue", *words], status=status)[0].decode()

    def entries(self):
        return letterbox.queued(self.root.file("queue"))

    def send(self, daemon, recipients, subject="x"):
        """One message."""
        with smtplib.SMTP("127.0.0.1", daemon.port) as client:
            client.sendmail("anna@a.example", recipients, "Subject: %s\r\n\r\nhello\r\n" % subject)

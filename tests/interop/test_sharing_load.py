#!/usr/bin/env python3
"""Another program works on a mailbox while smtpd delivers and pop3d serves: nothing is lost, doubled, damaged or renamed.

SHARING=N: how often it does its work. A message is deleted by nobody but the one that its subject names. One kind of program at a time: some
take the fcntl lock first and some the dotlock, so that among themselves they may wait for each other for longer than a delivery does.
"""

import contextlib
import os
import random
import smtplib
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import sharers  # noqa: E402
from sharers import letterbox, mail  # noqa: E402
from test_load import Crowd  # noqa: E402

TIMES = int(os.environ.get("SHARING", "3"))
KINDS = ("keep", "for us", "for mutt", "for Python", "for Dovecot", "keep")
PAUSE = 0.2  # seconds between two deliveries of one sender: mutt gives way to each


class Seen:
    """What there must be, and what our sessions have shown. One thread reads."""

    def __init__(self):
        self.stored = []  # by whomever, acknowledged, and to be deleted by nobody
        self.uidls, self.names = {}, {}  # subject -> UIDL, and back
        self.gone = set()  # deleted by us, acknowledged
        self.sessions = self.refused = 0

    def learn(self, uidl, subject):
        if self.uidls.setdefault(subject, uidl) != uidl or self.names.setdefault(uidl, subject) != subject:
            raise letterbox.Failure("%s has the UIDL %s, and had %s" % (subject, uidl, self.uidls[subject]))

    def check(self, uidls, stored):
        """A session has listed these, and every one is known by now."""
        there = [self.names[uidl] for uidl in uidls]
        if len(set(there)) != len(there):
            raise letterbox.Failure("twice: %s" % sorted(name for name in set(there) if there.count(name) > 1))
        if set(stored) - set(there) or self.gone & set(there):
            raise letterbox.Failure("lost: %s; deleted, and back: %s" % (sorted(set(stored) - set(there)), sorted(self.gone & set(there))))
        self.sessions += 1


class Sharing(unittest.TestCase):
    def setUp(self):
        self.server = mail.MailServer(plain=True, owner=sharers.OWNER)
        self.addCleanup(self.server.close)
        folder = tempfile.TemporaryDirectory(prefix="letterbox-")
        self.addCleanup(folder.cleanup)
        self.others = sharers.Sharers(folder.name, self.server.root.mbox_path("anna"))
        self.seen, self.done = Seen(), threading.Event()
        with smtplib.SMTP("127.0.0.1", self.server.smtpd.port, "home.example.org", 60) as smtp:
            smtp.sendmail("carl@example.net", ["anna@localhost"], sharers.letter("keep first"))
        self.seen.stored.append("keep first")

    def send(self, number):
        with smtplib.SMTP("127.0.0.1", self.server.smtpd.port, "home.example.org", 120) as smtp:
            count = 0
            while count < len(KINDS) or not self.done.is_set():
                kind = KINDS[count % len(KINDS)]
                subject = "%s %d-%d" % (kind, number, count)
                smtp.sendmail("carl@example.net", ["anna@localhost"], sharers.letter(subject, random.choice((1, 20, 5000))))
                if kind == "keep":
                    self.seen.stored.append(subject)
                count += 1
                self.done.wait(PAUSE)

    def read(self):
        try:
            while not self.done.is_set():
                self.session()
        finally:
            self.done.set()

    def session(self):
        stored = list(self.seen.stored)
        with contextlib.closing(self.login()) as session:
            self.talk(session, stored)

    def login(self):
        """A session that was dropped may still be about to end."""
        deadline = letterbox.Deadline(10)
        while True:
            try:
                return self.server.login()
            except letterbox.Failure as error:
                if "[IN-USE]" not in str(error) or deadline.over():
                    raise
                time.sleep(0.005)

    def talk(self, session, stored):
        """RETR and QUIT may say that another program has changed the mailbox; then nothing was deleted."""
        try:
            uidls = [line.split()[1] for line in session.lines("UIDL")]
            self.retrieve(session, uidls)
            self.seen.check(uidls, stored)
            chosen = {n: self.seen.names[uidl] for n, uidl in enumerate(uidls) if self.seen.names[uidl].startswith("for us")}
            for n in chosen:
                session.ask("DELE %d" % (n + 1))
            session.quit()
            self.seen.gone |= set(chosen.values())
        except mail.Gone:
            raise
        except letterbox.Failure as error:
            if "changed by another program" not in str(error):
                raise
            self.seen.refused += 1

    def retrieve(self, session, uidls):
        for n, uidl in enumerate(uidls):
            if uidl not in self.seen.names or random.random() < 0.02:
                self.seen.learn(uidl, sharers.subject_of(session.retr(n + 1)))

    def work(self, once):
        for count in range(TIMES):
            if not self.done.is_set():
                once(count)

    def add(self, name, add):
        def once(count):
            subject = "added by %s %d" % (name, count)
            add(subject)
            self.seen.stored.append(subject)
        return once

    def python(self, count):
        """It removes, marks and adds. Two of it would lose each other's mail: it opens, then locks, and renames."""
        def work(box):
            for key in list(box.keys()):
                subject = box[key]["Subject"]
                if subject.startswith("for Python"):
                    box.remove(key)
                elif subject.startswith("keep") and random.random() < 0.1:
                    message = box[key]
                    message.add_flag("RO")
                    box[key] = message
        self.others.python(work)
        self.add("Python", self.others.add_by_python)(count)

    def mutt(self, _count):
        self.others.mutt("<delete-pattern>~s'for mutt'<enter><tag-pattern>~s'keep.*7'<enter><tag-prefix><set-flag>!")

    def dovecot(self, _count):
        with contextlib.suppress(mail.Gone), self.others.dovecot() as session:
            session.lines("UIDL")
            for n in range(max(0, session.stat()[0] - 30), session.stat()[0]):
                if sharers.subject_of(session.retr(n + 1)).startswith("for Dovecot"):
                    session.ask("DELE %d" % (n + 1))
            session.quit()

    def share(self, name, *works):
        readers, others = Crowd(), Crowd()
        for number in range(2):
            readers.add(self.send, number)
        readers.add(self.read)
        for once in works:
            others.add(self.work, once)
        readers.start()
        others.start()
        try:
            others.join(60 + 20 * TIMES)
        finally:
            self.done.set()
            readers.join(60)
        self.audit()
        print("shared: with %s, %d times; %d messages and %d deletions audited in %d sessions, %d more were told that the mailbox had changed" % (
              name, TIMES, len(self.seen.stored), len(self.seen.gone), self.seen.sessions, self.seen.refused), flush=True)

    @unittest.skipUnless(sharers.installed("mutt"), "mutt is not installed")
    def test_mutt(self):
        self.share("mutt", self.mutt)

    @unittest.skipUnless(sharers.installed(sharers.DOVECOT), "Dovecot's pop3d is not installed")
    def test_dovecot(self):
        self.share("Dovecot", self.dovecot)

    def test_python(self):
        self.share("Python", self.python)

    @unittest.skipUnless(sharers.installed("procmail", "dotlockfile"), "procmail or dotlockfile is not installed")
    def test_appenders(self):
        self.share("procmail and a script", self.add("procmail", self.others.add_by_procmail), self.add("script", self.others.add_by_script))

    def audit(self):
        refused = self.seen.refused
        self.session()
        self.assertEqual(self.seen.refused, refused)
        self.assertGreater(len(self.seen.gone), 0)
        self.assertNotIn("mbox.torn", os.listdir(self.server.root.file("users", "anna")))


if __name__ == "__main__":
    unittest.main()

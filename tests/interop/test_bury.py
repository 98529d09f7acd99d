#!/usr/bin/env python3
"""What is expunged from a large mailbox is only marked at first: nobody sees it any more, nothing is moved, and it does not pile up."""

import contextlib
import mailbox
import os
import shutil
import smtplib
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import letterbox  # noqa: E402
import mail  # noqa: E402

LARGE = (b"x" * 76 + b"\r\n") * 10000
GONE = ["ours 1", "ours 2", "theirs 2"]
LEFT = ["theirs 1"] + ["large %d" % n for n in range(10)] + ["ours 3"]


class Bury(unittest.TestCase):
    def setUp(self):
        """Small ones of ours and of Python's, and large ones behind them."""
        self.server = self.enterContext(mail.MailServer(plain=True))
        self.path = self.server.root.mbox_path("anna")
        self.send("ours 1", "ours 2")
        box = mailbox.mbox(self.path)
        box.lock()
        for number in (1, 2):
            message = mailbox.mboxMessage(b"Received: from nowhere\nSubject: theirs %d\n\nbody\n" % number)
            message.set_from("python@localhost", time.gmtime(0))
            box.add(message)
        box.close()
        self.send(*["large %d" % n for n in range(10)], body=LARGE)
        self.send("ours 3")
        self.size = os.stat(self.path).st_size

    def send(self, *subjects, body=b"body\r\n"):
        with smtplib.SMTP("127.0.0.1", self.server.smtpd.port, "home.example.org", 60) as smtp:
            for subject in subjects:
                smtp.sendmail("carl@example.net", ["anna@localhost"], b"Subject: %s\r\n\r\n" % subject.encode() + body)

    def look(self):
        """(UIDL, subject) of each message, where STAT, LIST and RETR agree."""
        with self.server.login() as session:
            uidls = [line.split()[1] for line in session.lines("UIDL")]
            sizes = [int(line.split()[1]) for line in session.lines("LIST")]
            self.assertEqual(session.stat(), (len(sizes), sum(sizes)))
            messages = [session.retr(n + 1) for n in range(len(sizes))]
        self.assertEqual([len(message) for message in messages], sizes)
        return [(uidl, message.split(b"Subject: ", 1)[1].split(b"\r\n", 1)[0].decode()) for uidl, message in zip(uidls, messages)]

    def delete(self, *subjects):
        numbers = [n for n, (_, subject) in enumerate(self.look(), 1) if subject in subjects]
        self.assertEqual(len(numbers), len(subjects))
        with self.server.login() as session:
            for number in numbers:
                session.ask("DELE %d" % number)

    def read(self, path):
        """By Python."""
        with contextlib.closing(mailbox.mbox(path)) as box:
            return list(box)

    def check(self):
        out, _ = letterbox.run([letterbox.binary("pop3d"), "-d", self.server.root.path, "mailbox", "check", "anna"])
        return out.decode()

    def test_hides_what_it_marks(self):
        before = self.look()
        self.delete(*GONE)
        self.assertEqual(os.stat(self.path).st_size, self.size)
        left = [message for message in before if message[1] in LEFT]
        self.assertEqual(self.look(), left)
        self.assertIn("3 expunged messages not cut out yet", self.check())
        self.send("new")
        self.assertEqual([subject for _, subject in self.look()], LEFT + ["new"])
        os.unlink(self.server.root.file("users", "anna", "mbox.index"))
        self.assertEqual(self.look()[:-1], left)
        self.assertIn("13 messages, 0 torn tails", self.check())
        self.assertNotIn("mbox.torn", os.listdir(os.path.dirname(self.path)))

    def test_does_not_pile_up(self):
        self.delete(*GONE)
        self.delete("large 1", "large 3")
        self.assertEqual(os.stat(self.path).st_size, self.size)
        self.delete("large 4", "large 5", "large 6", "large 7")
        self.assertEqual([subject for _, subject in self.look()], ["theirs 1", "large 0", "large 2", "large 8", "large 9", "ours 3"])
        self.assertLess(os.stat(self.path).st_size, self.size / 2)
        self.assertNotIn(b"expunged", self.server.root.mbox("anna"))
        self.delete("theirs 1", "large 0", "large 2", "large 8", "large 9", "ours 3")
        self.assertEqual(os.stat(self.path).st_size, 0)

    def test_python_sees_them_deleted(self):
        self.delete(*GONE)
        flags = {message["Subject"]: message.get_flags() for message in self.read(self.path)}
        self.assertEqual([subject for subject in flags if "D" in flags[subject]], GONE)
        self.assertEqual([subject for subject in flags if not flags[subject]], LEFT)

    @unittest.skipUnless(shutil.which("mutt"), "mutt is not there")
    def test_mutt_sees_them_deleted(self):
        self.delete(*GONE)
        before = self.server.root.mbox("anna")
        out = self.server.root.file("deleted")
        mail.mutt(self.server.root, "anna", "<tag-pattern>~D<enter><tag-prefix><copy-message>%s<enter><exit>" % out)
        self.assertEqual(sorted(message["Subject"] for message in self.read(out)), GONE)
        self.assertEqual(self.server.root.mbox("anna"), before)

    @unittest.skipUnless(shutil.which("mutt"), "mutt is not there")
    def test_mutt_may_take_them_away(self):
        """Who purges what is deleted leaves what we show as it was."""
        before = self.look()
        self.delete(*GONE)
        mail.mutt(self.server.root, "anna", "<sync-mailbox>y<quit>")
        self.assertNotIn(b"expunged", self.server.root.mbox("anna"))
        self.assertEqual(self.look(), [message for message in before if message[1] in LEFT])


if __name__ == "__main__":
    unittest.main()

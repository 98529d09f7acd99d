#!/usr/bin/env python3
"""Another mbox program works on the file under the same locks while smtpd delivers: nothing is lost, doubled or torn."""

import mailbox
import os
import re
import smtplib
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import letterbox  # noqa: E402
import mail  # noqa: E402

DELIVERIES = 150


class Mailbox(unittest.TestCase):
    def deliver(self, server, acknowledged, failures):
        try:
            with smtplib.SMTP("127.0.0.1", server.smtpd.port, "home.example.org", 60) as smtp:
                for n in range(DELIVERIES):
                    smtp.sendmail("carl@example.net", ["anna@localhost"],
                                  b"Subject: smtp %d\r\n\r\nFrom me\r\nbody %d\r\n" % (n, n))
                    acknowledged.append("smtp %d" % n)
        except (smtplib.SMTPException, OSError) as error:
            failures.append(error)

    def while_delivering(self, server, work):
        """Run work(box), the mailbox locked, over and over until all deliveries are done; returns what was acknowledged."""
        acknowledged, failures = [], []
        sender = threading.Thread(target=self.deliver, args=(server, acknowledged, failures))
        sender.start()
        deadline = letterbox.Deadline(120)
        while sender.is_alive() and not deadline.over():
            box = mailbox.mbox(server.root.mbox_path("anna"))
            try:
                box.lock()
            except mailbox.ExternalClashError:
                time.sleep(0.002)  # the lock is held: mailbox can only be asked again
                continue
            work(box)
            try:
                box.flush()
                box.unlock()
                box.close()
            except mailbox.ExternalClashError:
                # It has renamed the new file into place, but smtpd was quicker to lock that one. Closed, it would write once more.
                box.unlock()
        sender.join(60)
        self.assertEqual(failures, [])
        return acknowledged

    def subjects(self, server):
        return [re.search(rb"^Subject: (.*)\r\n", message, re.M).group(1).decode() for message in server.messages()]

    def test_reads_and_appends(self):
        appended, most = [], []

        def work(box):
            most.append(len([message["Subject"] for message in box]))
            if len(appended) < 200:
                message = mailbox.mboxMessage(b"Subject: python %d\n\nbody\n" % len(appended))
                message.set_from("python@localhost", time.gmtime(0))
                box.add(message)
                appended.append(message["Subject"])

        with mail.MailServer() as server:
            acknowledged = self.while_delivering(server, work)
            self.assertGreater(len(appended), 3)
            self.assertEqual(most, sorted(most))
            self.assertEqual(sorted(self.subjects(server)), sorted(acknowledged + appended))
            self.assertEqual(len(mailbox.mbox(server.root.mbox_path("anna"))), len(acknowledged + appended))
            for message in server.messages():
                found = re.search(rb"Subject: smtp (.*)\r\n\r\nFrom me\r\nbody (.*)\r\n\Z", message)
                self.assertTrue(found and found.group(1) == found.group(2) or b"Subject: python" in message, message)

    def test_removes(self):
        removed = []

        def work(box):
            for key in list(box.keys())[:2]:
                removed.append(box[key]["Subject"])
                box.remove(key)

        with mail.MailServer() as server:
            acknowledged = self.while_delivering(server, work)
            self.assertGreater(len(removed), 3)
            self.assertEqual(sorted(self.subjects(server) + removed), sorted(acknowledged))

    def test_uidls_outlive_a_mail_reader(self):
        with mail.MailServer(plain=True) as server:
            self.deliver(server, [], [])
            with server.login() as session:
                before = session.lines("UIDL")
            box = mailbox.mbox(server.root.mbox_path("anna"))
            box.lock()
            for key in box.keys():
                message = box[key]
                message.add_flag("ROA")
                box[key] = message
            box.flush()
            box.unlock()
            box.close()
            with server.login() as session:
                self.assertEqual(session.lines("UIDL"), before)
                sizes = [int(line.split()[1]) for line in session.lines("LIST")]
                messages = [session.retr(n + 1) for n in range(len(sizes))]
            self.assertEqual([len(message) for message in messages], sizes)
            self.assertTrue(all(b"\r\nStatus: RO\r\n" in message for message in messages))

    def append_by_procmail(self, server, folder):
        rc = os.path.join(folder, "rc")
        mbox = server.root.mbox_path("anna")
        with open(rc, "w", encoding="ascii") as file:
            file.write("LOCKSLEEP=1\nDEFAULT=%s\n:0:\n%s\n" % (mbox, mbox))
        os.chmod(rc, 0o600)
        for n in range(5):
            letterbox.run(["procmail", "-m", rc], b"From x@y Thu Jan  1 00:00:00 2026\nSubject: procmail %d\n\nbody\n" % n, 120)

    def rewrite_under_dotlock(self, server):
        """A script that knows of the dotlock alone, and works for a while."""
        script = ('dotlockfile -l "$0.lock" && cp "$0" "$0.work" && sleep 0.2 && printf "From x Thu Jan  1 00:00:00 2026\\nSubject: script %s'
                  '\\n\\nbody\\n\\n" "$1" >> "$0.work" && cat "$0.work" > "$0" && rm "$0.work" && dotlockfile -u "$0.lock"')
        for n in range(2):
            letterbox.run(["sh", "-c", script, server.root.mbox_path("anna"), str(n)], seconds=120)

    @unittest.skipUnless(mail.tool("procmail") and mail.tool("dotlockfile"), "procmail or dotlockfile is not installed")
    def test_others_append_and_rewrite(self):
        acknowledged, failures = [], []
        with mail.MailServer(plain=True) as server, tempfile.TemporaryDirectory() as folder:
            server.root.append("users/anna/mbox", "")
            work = [threading.Thread(target=self.deliver, args=(server, acknowledged, failures)),
                    threading.Thread(target=self.append_by_procmail, args=(server, folder)),
                    threading.Thread(target=self.rewrite_under_dotlock, args=(server,))]
            for thread in work:
                thread.start()
            for thread in work:
                thread.join(120)
            self.assertEqual(failures, [])
            others = ["procmail %d" % n for n in range(5)] + ["script %d" % n for n in range(2)]
            self.assertEqual(sorted(self.subjects(server)), sorted(acknowledged + others))


if __name__ == "__main__":
    unittest.main()

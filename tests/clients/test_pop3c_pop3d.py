#!/usr/bin/env python3
"""pop3c against the real pop3d."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import letterbox  # noqa: E402
import mail  # noqa: E402
from client_case import Pop3c  # noqa: E402

COUNT = 250


class WithPop3d(Pop3c):
    def setUp(self):
        super().setUp()
        self.root = letterbox.MailRoot()
        self.addCleanup(self.root.__exit__)
        self.root.add_account("anna", "secret")
        os.makedirs(self.root.file("users", "anna"), exist_ok=True)
        with open(self.root.mbox_path("anna"), "wb") as box:
            for n in range(COUNT):
                box.write(b"From x@example.org Thu Jan  1 00:00:00 2026\nFrom: x@example.org\nSubject: mail %d\n\n"
                          b".dot\n>From me\nend %d\n\n" % (n, n))
        daemon = letterbox.Daemon("pop3d", self.root)
        self.addCleanup(daemon.stop)
        self.address = "127.0.0.1:%d" % daemon.port
        self.port, self.daemon = daemon.port, daemon

    def test_list_fetch_and_delete(self):
        self.run_it(self, "delete", "2", "1")
        out, _ = self.run_it(self, "list")
        self.assertEqual([line.split()[-1] for line in out.splitlines()], [str(n) for n in range(2, COUNT)])
        self.assertIn("248 messages fetched into box, 0 deleted", self.run_it(self, "fetch", "-k", "box")[1])
        self.assertIn("0 messages fetched into box, 248 deleted", self.run_it(self, "fetch", "box")[1])
        self.assertEqual(self.run_it(self, "stat")[0], "0 0\n")
        with open(os.path.join(self.home, "box"), "rb") as box:
            text = box.read()
        self.assertEqual(letterbox.count_messages(text), 248)
        self.assertEqual(text.count(b"\n.dot\n>From me\nend "), 248)
        self.daemon.await_log(lambda line: "method=SCRAM-SHA-256" in line)

    def test_apop_or_scram_of_a_plain_account(self):
        self.root.add_plain_account("bob", "secret")
        self.run_it(self, "-u", "bob", "stat")

    def test_what_it_refuses(self):
        with mail.Pop3(self.port, "anna", "secret"):
            self.assertIn("[IN-USE]", self.said(self, "stat", status=75))
        self.environment["MAIL_PASSWORD"] = "wrong"
        self.said(self, "stat", status=77)
        self.said(self, "-u", "nobody", "stat", status=77)


if __name__ == "__main__":
    unittest.main()

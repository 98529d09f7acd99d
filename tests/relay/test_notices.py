#!/usr/bin/env python3
"""Who is told what of mail that went through the queue, by RFC 3461's wishes; and that a hostile reply stays within its notice."""

import email
import email.policy
import os
import smtplib
import sys
import time
import unittest

for folder in ("lib", "clients"):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), folder))

import letterbox  # noqa: E402
from fake_smtp import FakeSmtp  # noqa: E402

HOSTILE = b"550-5.7.1 " + b"\xff\x1b[31m" * 200 + b"\r\n550-5.7.1 --=_\r\n550 5.7.1 X-Evil: 1\r\n"
REFUSED = b"550 5.1.1 no such user\r\n"


class Notices(unittest.TestCase):
    def setUp(self):
        self.root = letterbox.MailRoot()
        self.addCleanup(self.root.__exit__)
        for user in ("anna", "owner", "postmaster"):
            self.root.add_plain_account(user, "x")

    def send(self, mail, rcpt, text="Subject: Dinner\r\n\r\nAt eight.\r\n", reply=REFUSED, trusted=True, offers=("8BITMIME", "SMTPUTF8"), more=()):
        """All that is to come of it has come; then what each user has got, parsed."""
        offers, options = list(offers), ["hostname=mail.example.org", *more] + ([] if trusted else ["relay-from=none"])
        with FakeSmtp(offers=offers, hooks={"RCPT": reply} if reply else {}) as host:
            self.root.append("routes", "* %s\n" % host.address)
            with letterbox.Daemon("smtpd", self.root, options=options) as daemon:
                with smtplib.SMTP("127.0.0.1", daemon.port, "home.example.org", 30) as smtp:
                    smtp.ehlo()
                    for command in ("MAIL FROM:" + mail, "RCPT TO:" + rcpt):
                        self.assertEqual(smtp.docmd(command)[0], 250, command)
                    self.assertEqual(smtp.data(text.encode())[0], 250)
                event = "failed id=" if reply else "relayed id="
                daemon.await_log(lambda line: event in line, 20)
                deadline = letterbox.Deadline(20)
                while letterbox.queued(self.root.file("queue")):
                    self.assertFalse(deadline.over(), daemon.log())
                    time.sleep(0.01)
        os.unlink(self.root.file("routes"))
        got = {user: self.root.mbox(user) for user in ("anna", "owner", "postmaster")}
        return {user: email.message_from_bytes(mbox.split(b"\n", 1)[1], policy=email.policy.default) for user, mbox in got.items() if mbox}

    def parts(self, notice, kinds):
        self.assertEqual([part.defects for part in notice.walk() if part.defects], [])
        parts = list(notice.iter_parts())
        self.assertEqual([part.get_content_type() for part in parts], kinds)
        return parts

    def test_a_hostile_reply(self):
        got = self.send("<anna@mail.example.org> ENVID=abc+2B1", "<bob@example.net> NOTIFY=FAILURE ORCPT=rfc822;Bob+2Bx@example.net",
                        reply=HOSTILE)
        self.assertEqual(list(got), ["anna"])
        text, status, original = self.parts(got["anna"], ["text/plain", "message/delivery-status", "text/rfc822-headers"])
        self.assertIn("\n        550 5.7.1 X-Evil: 1\n", text.get_content())
        self.assertNotIn("\x1b", text.get_content())
        about, bob = status.get_payload()
        self.assertEqual(about["Original-Envelope-Id"], "abc+1")
        self.assertEqual(bob["Original-Recipient"], "rfc822;Bob+x@example.net")
        self.assertIn("\\xFF\\x1B[31m", bob["Diagnostic-Code"])
        self.assertEqual((bob["X-Evil"], bob["Status"], bob["Action"]), (None, "5.7.1", "failed"))
        self.assertIn("Subject: Dinner\n", original.get_content())

    def test_the_whole_message_and_utf8(self):
        got = self.send("<anna@mail.example.org> RET=FULL SMTPUTF8 BODY=8BITMIME", "<bob@example.net>", reply=HOSTILE,
                        text="Subject: Gr\u00fc\u00dfe\r\n\r\nsch\u00f6n\r\n")
        text, _, original = self.parts(got["anna"], ["text/plain", "message/global-delivery-status", "message/global"])
        self.assertIn("with the subject: Gr\u00fc\u00dfe\n", text.get_content())
        self.assertIn("\nsch\u00f6n\n".encode(), original.as_bytes())

    def test_who_wants_to_hear_of_nothing(self):
        self.assertEqual(self.send("<anna@mail.example.org>", "<bob@example.net> NOTIFY=NEVER"), {})
        self.assertEqual(self.send("<anna@mail.example.org>", "<bob@example.net> NOTIFY=SUCCESS"), {})
        self.assertEqual(self.send("<>", "<bob@example.net>"), {})

    def test_success(self):
        self.assertEqual(self.send("<anna@mail.example.org>", "<bob@example.net>", reply=None), {})
        got = self.send("<anna@mail.example.org>", "<bob@example.net> NOTIFY=SUCCESS", reply=None)
        _, status, _ = self.parts(got["anna"], ["text/plain", "message/delivery-status", "text/rfc822-headers"])
        bob = status.get_payload()[1]
        self.assertEqual((bob["Action"], bob["Status"][0]), ("relayed", "2"))

    def test_a_host_with_dsn_tells_itself(self):
        self.assertEqual(self.send("<anna@mail.example.org>", "<bob@example.net> NOTIFY=SUCCESS", reply=None, offers=("DSN",)), {})

    def test_what_an_alias_sent_on(self):
        self.root.append("aliases", "all: bob@example.net\nowned: bob@example.net\nowner-owned: owner\n")
        for sender, trusted in (("<stranger@example.com>", False), ("<anna@mail.example.org>", True)):
            for alias, told in (("all", "postmaster"), ("owned", "owner")):
                with self.subTest(sender=sender, alias=alias):
                    got = self.send(sender, "<%s@mail.example.org>" % alias, trusted=trusted)
                    self.assertEqual(list(got), [told])
                    self.assertIn("bob@example.net", list(got[told].iter_parts())[0].get_content())
                    os.unlink(self.root.mbox_path(told))

    def test_the_postmaster_of_a_name_that_is_no_domain_of_ours(self):
        """Notices are his, and name him, by the hostname; others of that name are nobody here."""
        self.root.append("aliases", "all: bob@example.net\n")
        got = self.send("<stranger@example.com>", "<all@example.org>", trusted=False, more=["domain=example.org"])
        self.assertEqual(list(got), ["postmaster"])
        with letterbox.Daemon("smtpd", self.root, options=["hostname=mail.example.org", "domain=example.org", "relay-from=none"]) as daemon:
            with smtplib.SMTP("127.0.0.1", daemon.port) as smtp:
                smtp.ehlo()
                smtp.mail("bob@example.net")
                self.assertEqual(smtp.rcpt("Postmaster@MAIL.example.org")[0], 250)
                self.assertEqual(smtp.rcpt("anna@mail.example.org")[0], 550)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""`make demo`: mail goes there and back between two mail servers, and a wrong address comes back as a delivery status notification."""

import email
import email.policy
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import letterbox  # noqa: E402


class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        out, _ = letterbox.run([os.path.join(letterbox.REPOSITORY, "mailboxes", "demo")], seconds=120, cwd=letterbox.REPOSITORY,
                               env=dict(os.environ, BUILD=letterbox.BUILD))
        cls.out = out.decode()
        shown = re.findall(r"^==== (\S+) reads\n\n(.*?)(?=\n==== |\nAll four)", cls.out, re.M | re.S)
        cls.readers = [reader for reader, _ in shown]
        cls.messages = [email.message_from_string(text, policy=email.policy.default) for _, text in shown]

    def test_there_and_back(self):
        self.assertEqual(self.readers, ["bob@south.example", "anna@north.example", "anna@north.example"])
        for message, here, there, subject, text in ((self.messages[0], "south", "north", "Weather", "Is it warm where you are?"),
                                                    (self.messages[1], "north", "south", "Re: Weather", "Warmer than it was.")):
            self.assertEqual((message["Subject"], message.get_payload().strip()), (subject, text))
            received = [" ".join(field.split()) for field in message.get_all("Received")]
            self.assertEqual(len(received), 2)
            self.assertRegex(received[0], r"^from mail\.%s\.example .* by mail\.%s\.example with ESMTP id " % (there, here))
            self.assertRegex(received[1], r" by mail\.%s\.example with ESMTPA id " % there)

    def test_a_wrong_address_comes_back(self):
        notice = self.messages[2]
        self.assertEqual((notice["Return-Path"], notice["To"], notice["Auto-Submitted"]), ("<>", "anna@north.example", "auto-replied"))
        self.assertEqual(notice["From"], "Mail Delivery System <MAILER-DAEMON@mail.north.example>")
        self.assertEqual(notice.get_content_type(), "multipart/report")
        self.assertEqual(notice.get_param("report-type"), "delivery-status")
        self.assertEqual(notice.defects, [])
        text, status, original = notice.iter_parts()
        self.assertIn("nobody@south.example\n    127.0.0.1 said:\n        550 5.1.1 ", text.get_content())
        self.assertIn("with the subject: Hello\n", text.get_content())
        about, recipient = status.get_payload()
        self.assertEqual(about["Reporting-MTA"], "dns; mail.north.example")
        self.assertEqual(recipient["Final-Recipient"], "rfc822; nobody@south.example")
        self.assertEqual((recipient["Action"], recipient["Status"]), ("failed", "5.1.1"))
        self.assertEqual(recipient["Remote-MTA"], "dns; 127.0.0.1")
        self.assertTrue(recipient["Last-Attempt-Date"])
        self.assertRegex(recipient["Diagnostic-Code"], r"^smtp; 550 5\.1\.1 ")
        self.assertEqual(original.get_content_type(), "text/rfc822-headers")
        header = email.message_from_bytes(original.get_payload(decode=True))
        self.assertEqual((header["Subject"], header["To"]), ("Hello", "nobody@south.example"))
        self.assertIn(" id " + recipient["Final-Log-ID"] + "\n", header["Received"] + "\n")

    def test_everything_ends(self):
        ports = re.findall(r"127\.0\.0\.1:([0-9]+)", self.out)
        self.assertGreaterEqual(len(ports), 4)
        for port in ports:
            with self.assertRaises(ConnectionRefusedError):
                letterbox.connect(int(port))


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""Real servers pass mail to smtpd, for a user of it and through it to another server: every byte arrives, once."""

import re
import smtplib
import unittest

from relay_case import RelayCase

import letterbox
import receivers
import servers
from mail import HARD

STORED = re.sub(rb"(?m)^(>*From )", rb">\1", HARD.replace(b"\r\n", b"\n")) + b"\n"
RECIPIENTS = ("anna@b.example", "anna@c.example")


class Own(letterbox.Daemon):
    """A MailServer of ours for a domain, with the user anna. relayhost: where all else goes."""

    def __init__(self, domain, relayhost=None):
        self.root = letterbox.MailRoot()
        self.root.add_plain_account("anna", "secret")
        if relayhost:
            self.root.append("routes", "* 127.0.0.1:%d\n" % relayhost.port)
        super().__init__("smtpd", self.root, ["hostname=mail." + domain, "domain=" + domain])

    def __exit__(self, *why):
        super().__exit__(*why)
        self.root.__exit__()


class Senders(RelayCase):
    def setUp(self):
        super().setUp()
        self.last = self.enter(Own("c.example"))
        self.ours = self.enter(Own("b.example", self.last))

    def pass_on(self, kind, times=3):
        """Through a server whose relayhost is ours, in one session with it; what anna has got of it at ours, and at the one behind."""
        try:
            server = self.enter(kind(self.ours))
        except servers.Skipped as why:
            self.skipTest(str(why))
        self.send_to(server.port, times)
        return [self.await_mail(daemon, times, server.log) for daemon in (self.ours, self.last)]

    def send_to(self, port, times):
        with smtplib.SMTP("127.0.0.1", port, "home.example", 30) as smtp:
            for _ in range(times):
                self.assertEqual(smtp.sendmail("carl@a.example", RECIPIENTS, HARD, ["BODY=8BITMIME"]), {})

    def await_mail(self, daemon, times, log=lambda: ""):
        try:
            daemon.await_log(lambda _: sum(" delivered " in line for line in daemon.lines if line) >= times, 60)
        except letterbox.Failure as why:
            raise letterbox.Failure("%s\n%s" % (why, log())) from None
        found = [b"\n" + each for each in re.split(rb"(?:\A|(?<=\n\n))From ", daemon.root.mbox("anna"))[1:]]
        self.assertEqual(len(found), times)
        return found

    def check(self, kind, hops):
        """hops: Received fields on the way to ours."""
        for i, found in enumerate(self.pass_on(kind)):
            for each in found:
                self.assertIn(b"\nReturn-Path: <carl@a.example>\n", each)
                self.assertEqual(each.count(b"\nReceived: "), hops + i, each)
                self.assertTrue(each.endswith(b"\n" + STORED), each)
        for daemon in (self.ours, self.last):
            self.assertNotIn(" refused ", daemon.log())
            self.assertNotIn(" failed ", daemon.log())

    def test_postfix(self):
        self.check(receivers.Postfix, 2)

    def test_exim(self):
        self.check(receivers.Exim, 2)

    def test_opensmtpd(self):
        self.check(receivers.OpenSmtpd, 2)

    def test_our_own(self):
        self.check(lambda relayhost: Own("a.example", relayhost), 2)

    def test_python(self):
        self.send_to(self.ours.port, 3)
        for daemon in (self.ours, self.last):
            for each in self.await_mail(daemon, 3):
                self.assertTrue(each.endswith(b"\n" + STORED), each)


if __name__ == "__main__":
    unittest.main()

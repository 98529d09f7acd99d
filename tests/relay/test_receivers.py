#!/usr/bin/env python3
"""Real servers take what the relay sends, byte for byte."""

import re
import unittest

from relay_case import TRACE, RelayCase

import receivers
import servers
from mail import HARD, PLAIN


def quoted(message):
    """As most mboxes have it: what was quoted and what was not looks the same."""
    return re.sub(rb"(?m)^From ", b">From ", message.replace(b"\r\n", b"\n"))


class Receivers(RelayCase):
    def serve(self, kind):
        try:
            return self.enter(kind())
        except servers.Skipped as why:
            self.skipTest(str(why))

    def deliver(self, kind, message, recipient, **more):
        """Three messages in one session: what has come, without what the receiver put on top."""
        server = self.serve(kind)
        got = self.send("127.0.0.1:%d" % server.port, message, recipient, **more)
        self.assertEqual([result.verdict for result in got], ["done"] * 3, got)
        return [each[each.index(TRACE.replace(b"\r\n", b"\n")):] for each in receivers.await_messages(server, 3)], got

    def expect(self, kind, message, recipient="r@localhost", flags=(), **more):
        found, got = self.deliver(kind, message, recipient, flags=["-n", "3", *flags], **more)
        self.assertEqual([quoted(each) for each in found], [quoted(TRACE + message)] * 3)
        return got

    def test_postfix(self):
        got = self.expect(receivers.Postfix, HARD, recipient="r@localhost NOTIFY=FAILURE ORCPT=rfc822;q@a.example", flags=["-8", "-r", "HDRS"])
        self.assertEqual(got[0].told, "told")

    def test_exim(self):
        got = self.expect(receivers.Exim, HARD, recipient="r@localhost NOTIFY=FAILURE ORCPT=rfc822;q@a.example", flags=["-8", "-r", "HDRS"])
        self.assertEqual(got[0].told, "told")

    def test_opensmtpd(self):
        got = self.expect(receivers.OpenSmtpd, HARD, recipient="r@localhost NOTIFY=FAILURE ORCPT=rfc822;q@a.example", flags=["-8", "-r", "HDRS"])
        self.assertEqual(got[0].told, "told")

    def test_smtp_sink(self):
        self.expect(receivers.Sink, HARD, flags=["-8"])

    def test_smtp_sink_of_old(self):
        """No PIPELINING, no ESMTP."""
        self.expect(lambda: receivers.Sink("-p"), PLAIN)
        self.expect(lambda: receivers.Sink("-e"), PLAIN)

    def test_aiosmtpd(self):
        self.expect(receivers.Aiosmtpd, HARD, flags=["-8"])

    def test_smtp_sink_that_refuses(self):
        """Its replies are those that it was told to give: to each command 450 or 550, and to the message."""
        for option, verdict in (("-r", "later"), ("-f", "failed")):
            for command in ("MAIL", "RCPT", "DATA", "."):
                with self.subTest(option=option, command=command):
                    server = self.serve(lambda: receivers.Sink(option, command))
                    got = self.send("127.0.0.1:%d" % server.port, PLAIN)
                    self.assertEqual(got[0].verdict, verdict, got)

    def test_smtp_sink_that_hangs_up(self):
        for command in ("EHLO", "MAIL", "RCPT", "DATA", "."):
            with self.subTest(command=command):
                server = self.serve(lambda: receivers.Sink("-q", command))
                got = self.send("127.0.0.1:%d" % server.port, PLAIN)
                self.assertEqual(got[0].verdict, "later", got)


if __name__ == "__main__":
    unittest.main()

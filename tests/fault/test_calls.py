#!/usr/bin/env python3
"""How many system calls a delivery takes: each of them is paid for by everybody who waits for the mailbox."""

import re
import shutil
import tempfile
import unittest

import scenarios
import world as w

MOST = 13


@unittest.skipIf(w.letterbox.SANITIZED or not shutil.which("strace"), "no strace, or a sanitizer with calls of its own")
class Calls(unittest.TestCase):
    def trace(self, users, messages=1, acknowledged=1, more=()):
        """What strace says of a session with so many messages, of which the last ones are acknowledged."""
        with w.World(scenarios.template()[0]) as world, tempfile.NamedTemporaryFile("r") as log:
            w.Peer.wrapper = ("strace", "-o", log.name, "-e", "signal=none", *more)
            try:
                with w.Peer("smtpd", world.root) as peer:
                    went = [w.Delivery() for _ in range(messages)]
                    w.dialogue(peer, users, [(w.letter("one"), delivery) for delivery in went])
            finally:
                w.Peer.wrapper = ()
            self.assertEqual([d.acknowledged for d in went], [set()] * (messages - acknowledged) + [set(users)] * acknowledged)
            return log.read().splitlines()

    def names(self, lines):
        """The calls between the final dot and its 250."""
        last = next(i for i, line in enumerate(lines) if line.startswith("recvfrom") and "Subject" in line)
        reply = next(i for i, line in enumerate(lines) if line.startswith("sendto") and "250 2.0.0" in line)
        return [re.match(r"\w+", line).group() for line in lines[last + 1:reply]]

    def second(self, lines):
        """What the second message opens, its name alone."""
        begins = [i for i, line in enumerate(lines) if line.startswith("recvfrom") and "MAIL FROM" in line][1]
        return [re.search(r'"(?:.*/)?(.*?)"', line).group(1) for line in lines[begins:] if line.startswith("openat")]

    def test_one_recipient(self):
        calls = self.names(self.trace(("anna",)))
        self.assertLessEqual(len(calls), MOST, calls)
        self.assertEqual(calls.count("fdatasync"), 1)

    def test_three_recipients(self):
        calls = self.names(self.trace(w.USERS))
        self.assertLessEqual(len(calls), 3 * MOST, calls)
        self.assertEqual(calls.count("fdatasync"), 3)

    def test_second_message(self):
        """The mailboxes are open still; but not one whose sync has failed."""
        lines = self.trace(w.USERS, 2, 2)
        self.assertEqual(self.second(lines), ["accounts"] * 3 + ["mbox.lock"] * 3)
        opened = self.second(self.trace(("anna",), 2, 1, ("-e", "inject=fdatasync:error=EIO:when=1")))
        self.assertEqual(opened, ["accounts", "anna", "mbox", "mbox.index", "mbox.lock"])


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""How many system calls a delivery takes: each of them is paid for by everybody who waits for the mailbox."""

import re
import shutil
import tempfile
import unittest

import scenarios
import world as w

MOST = 12


@unittest.skipIf(w.letterbox.SANITIZED or not shutil.which("strace"), "no strace, or a sanitizer with calls of its own")
class Calls(unittest.TestCase):
    def trace(self, users, files):
        """The names of the calls between the final dot and its 250."""
        with w.World(files) as world, tempfile.NamedTemporaryFile("r") as log:
            w.Peer.wrapper = ("strace", "-o", log.name, "-e", "signal=none")
            try:
                went = w.deliver(world.root, users, w.letter("one"))
            finally:
                w.Peer.wrapper = ()
            self.assertEqual(went.acknowledged, set(users))
            lines = log.read().splitlines()
        last = next(i for i, line in enumerate(lines) if line.startswith("recvfrom") and "Subject" in line)
        reply = next(i for i, line in enumerate(lines) if line.startswith("sendto") and "250 2.0.0" in line)
        return [re.match(r"\w+", line).group() for line in lines[last + 1:reply]]

    def test_one_recipient(self):
        calls = self.trace(("anna",), scenarios.template()[0])
        self.assertLessEqual(len(calls), MOST, calls)
        self.assertEqual(calls.count("fdatasync"), 1)

    def test_three_recipients(self):
        calls = self.trace(w.USERS, scenarios.template()[0])
        self.assertLessEqual(len(calls), 3 * MOST, calls)
        self.assertEqual(calls.count("fdatasync"), 3)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""A daemon that cannot fork refuses the connection, and serves the next."""

import tempfile
import unittest

import world as w
from world import letterbox


@unittest.skipIf(letterbox.SANITIZED, "a sanitizer makes system calls of its own")
class Fork(unittest.TestCase):
    def greetings(self, program, count, **fault):
        """What so many connections, one after the other, are greeted with."""
        with letterbox.MailRoot({}) as root, letterbox.Daemon(program, root, env=w.environment(root.path, **fault)) as daemon:
            lines = []
            for _ in range(count):
                with letterbox.connect(daemon.port) as peer, peer.makefile("rb") as file:
                    lines.append(file.readline())
            return lines

    def check(self, program, served, refused, companions=0):
        with tempfile.NamedTemporaryFile("r") as log:
            self.assertTrue(self.greetings(program, 1, log=log.name)[0].startswith(served))
            at = [line.split()[0] for line in log if line.split()[1] == "fork"][companions]
        lines = self.greetings(program, 2, at=at, do="EAGAIN")
        self.assertTrue(lines[0].startswith(refused), lines)
        self.assertTrue(lines[1].startswith(served), lines)

    def test_smtpd(self):
        self.check("smtpd", b"220 ", b"421 4.3.", companions=1)

    def test_pop3d(self):
        self.check("pop3d", b"+OK ", b"-ERR [SYS/TEMP]")


if __name__ == "__main__":
    unittest.main()

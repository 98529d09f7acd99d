#!/usr/bin/env python3
"""A disk whose first fdatasync fails, and whose next one says that all is well: no 250 may come out of it, nothing acknowledged be lost.

An ext4 without a journal, in a file that cannot grow any more because memory is short (ENOSPC), or may not be written any more (EIO).
What it really holds shows when it is mounted anew.
"""

import collections
import errno
import os
import smtplib
import sys
import threading
import unittest

import disk
from ledger import Box, GONE, letter
import mail
from server import Root, Server
from letterbox import Failure

SIZE = 20000  # of a message: it needs new blocks
REASON = disk.enter() if __name__ == "__main__" else None


@unittest.skipIf(REASON, REASON)
class LyingDisk:
    """disk_: has fail() and heal()."""

    error, reply = None, None

    def setUp(self):
        self.disk = self.make()
        self.addCleanup(self.disk.__exit__)
        self.root = Root(self.disk.path("mail"))
        self.root.add_plain_account("anna", "secret")
        self.box, self.number, self.lock = Box("anna"), 0, threading.Lock()
        self.server = Server(self.root)
        self.addCleanup(lambda: self.server.kill())  # the last one
        for _ in range(5):
            self.assertEqual(self.send(), 250)
        self.disk.sync()

    def send(self):
        """The code of the reply. What gets 250 must be there."""
        with self.lock:
            self.number += 1
            name = "n%d" % self.number
            self.box.sent(name, SIZE)
        with smtplib.SMTP("127.0.0.1", self.server.smtp, "client", 60) as smtp:
            smtp.ehlo()
            smtp.mail("carl@example.net")
            smtp.rcpt("anna@localhost")
            code = smtp.data(letter(name, SIZE))[0]
        if code == 250:
            self.box.stored(name)
        return code

    def look_at_the_disk(self):
        """As after a restart of the machine."""
        self.server.kill()
        self.disk.heal()
        self.server = Server(self.root)
        self.box.audit(self.server.fetch("anna", "secret")[0], collections.Counter())

    def test_it_lies(self):
        """Else the other tests would show nothing."""
        path = self.disk.path("file")
        with open(path, "wb", 0) as file:
            os.fsync(file.fileno())
            self.disk.sync()
            self.disk.fail()
            file.write(b"x" * SIZE)
            with self.assertRaises(OSError) as caught:
                os.fdatasync(file.fileno())
            self.assertEqual(caught.exception.errno, self.error)
            for _ in range(3):
                try:
                    os.fdatasync(file.fileno())
                    break
                except OSError:
                    pass
            else:
                self.fail("fdatasync goes on failing")
            with open(path, "rb") as again:
                self.assertEqual(again.read(), b"x" * SIZE)
        self.look_at_the_disk()
        if os.path.exists(path):
            with open(path, "rb") as file:
                self.assertNotEqual(file.read(), b"x" * SIZE)

    def test_no_250_comes_out_of_it(self):
        self.disk.fail()
        self.assertEqual([self.send() for _ in range(5)], [self.reply] * 5)
        self.look_at_the_disk()
        self.assertEqual(self.send(), 250)

    def test_nor_when_many_come_at_once(self):
        self.disk.fail()
        codes = []
        threads = [threading.Thread(target=lambda: codes.append(self.send())) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.look_at_the_disk()
        self.assertEqual(codes, [self.reply] * 20)
        self.assertEqual(self.send(), 250)

    def test_an_expunge_deletes_all_or_nothing(self):
        names = list(self.box.state)
        self.disk.fail()
        session = mail.Pop3(self.server.pop3, "anna", "secret")
        session.ask("DELE 2")
        with self.assertRaises(Failure) as caught:
            session.quit()
        self.assertIn("-ERR [SYS/TEMP]", str(caught.exception))
        session.close()
        self.look_at_the_disk()
        with mail.Pop3(self.server.pop3, "anna", "secret") as session:
            session.ask("DELE 2")
        self.box.state[names[1]] = GONE
        self.look_at_the_disk()


class Full(LyingDisk, unittest.TestCase):
    error, reply = errno.ENOSPC, 452

    def make(self):
        return disk.FullDisk()

    def test_it_works_on_when_there_is_room(self):
        self.disk.fail()
        self.assertEqual(self.send(), 452)
        self.disk.make_room()
        self.assertEqual(self.send(), 250)
        with mail.Pop3(self.server.pop3, "anna", "secret") as session:
            self.assertEqual(session.stat()[0], 6)
        self.look_at_the_disk()


class Broken(LyingDisk, unittest.TestCase):
    error, reply = errno.EIO, 451

    def make(self):
        return disk.BrokenDisk()


if __name__ == "__main__":
    unittest.main()

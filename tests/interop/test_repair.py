#!/usr/bin/env python3
"""`pop3d mailbox check` and `repair` on mailboxes that were damaged in every way we know of."""

import fcntl
import os
import re
import shutil
import signal
import smtplib
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import letterbox  # noqa: E402
import mail  # noqa: E402

DATE = b" Tue Nov 24 05:31:18 2026\n"
FOREIGN = b"From carl@example.net" + DATE + b"Subject: foreign\n\nbody\n\n"
# What a repair does to the disk.
CALLS = ("write", "pwrite64", "fchmod", "fsync", "linkat", "unlinkat", "renameat", "renameat2")


def second(mbox):
    """Where the second message begins."""
    return mbox.index(b"\n\nFrom ", 1) + 2


class Repair(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Two messages of ours, the first with a quoted From_ line behind an empty one."""
        with mail.MailServer(plain=True) as server:
            for n, text in enumerate((b"one\r\n\r\nFrom here to there\r\n", b"two\r\n")):
                with smtplib.SMTP("127.0.0.1", server.smtpd.port, "home.example.org", 60) as smtp:
                    smtp.sendmail("carl@example.net", ["anna@localhost"], b"Subject: %d\r\n\r\n" % n + text)
            cls.good = server.root.mbox("anna")

    def setUp(self):
        self.root = letterbox.MailRoot()
        self.addCleanup(self.root.__exit__)
        for name, password in mail.PASSWORDS.items():
            self.root.add_plain_account(name, password)
        os.mkdir(self.root.file("users", "anna"), 0o700)

    def put(self, mbox):
        self.root.append("users/anna/mbox", b"")
        with open(self.root.mbox_path("anna"), "wb") as file:
            file.write(mbox)

    def command(self, *words, status):
        out, err = letterbox.run([letterbox.binary("pop3d"), "-d", self.root.path, "mailbox"] + list(words), status=status)
        self.said = err.decode()
        return out.decode()

    def tree(self):
        """All that can be seen of the mail root but the times of reading."""
        found = {}
        for folder, _, files in os.walk(self.root.path):
            for path in [folder] + [os.path.join(folder, file) for file in files]:
                st = os.lstat(path)
                found[path] = (st.st_ino, st.st_mode, st.st_size, st.st_mtime_ns, st.st_ctime_ns, st.st_nlink)
        return found

    def check(self, status=65):
        before = self.tree()
        out = self.command("check", "anna", status=status)
        self.assertEqual(self.tree(), before)
        return out

    def repair(self, bad, expected, kept="mbox.before-repair"):
        """What check says of it; then repair makes `expected` of it, and check is content."""
        self.put(bad)
        said = self.check()
        done = self.command("repair", "anna", status=0)
        self.assertIn("users/anna/" + kept, done)
        with open(self.root.file("users", "anna", kept), "rb") as file:
            self.assertEqual(file.read(), bad)
        if expected is not None:
            self.assertEqual(self.root.mbox("anna"), expected)
        self.check(0)
        self.assertEqual(os.stat(self.root.mbox_path("anna")).st_mode & 0o777, 0o600)
        os.unlink(self.root.file("users", "anna", kept))
        return said, done

    def fetch(self):
        """Each message over POP3."""
        with letterbox.Daemon("pop3d", self.root) as pop3d, mail.Pop3(pop3d.port, "anna", "apple pie") as session:
            return [session.retr(n + 1) for n in range(session.stat()[0])]

    def test_well(self):
        for mbox, messages in ((b"", 0), (self.good, 2), (FOREIGN * 3, 3)):
            self.put(mbox)
            self.assertIn("anna: %d messages, 0 torn tails, 0 stale locks, 0 unquoted From lines: all is well" % messages,
                          self.check(0))
            self.assertEqual(self.command("anna", status=0), self.command("check", "anna", status=0))
            before = self.tree()
            self.assertIn("nothing to repair", self.command("repair", "anna", status=0))
            self.assertEqual(self.root.mbox("anna"), mbox)
            self.assertNotIn("mbox.before-repair", os.listdir(self.root.file("users", "anna")))
            self.assertEqual(before[self.root.mbox_path("anna")], self.tree()[self.root.mbox_path("anna")])

    def test_index_and_session(self):
        self.put(self.good)
        self.assertEqual(len(self.fetch()), 2)
        self.assertIn("mbox.index", os.listdir(self.root.file("users", "anna")))
        self.check(0)
        index = self.root.file("users", "anna", "mbox.index")
        with open(index, "r+b") as file:
            bytes_ = bytearray(file.read())
            at = bytes_.index(re.search(rb"X-UIDL: (\S+)", self.good).group(1))
            bytes_[at] ^= 1
            file.seek(0)
            file.write(bytes_)
        self.assertIn("mbox.index", self.check())
        self.assertIn("removed", self.command("repair", "anna", status=0))
        self.check(0)
        self.assertEqual(len(self.fetch()), 2)

    def test_torn_tail(self):
        at = second(self.good)
        for cut in (1, 3, 30, 90, 150, len(self.good) - at - 1):
            said, done = self.repair(self.good[:at + cut], self.good[:at])
            self.assertIn("1 torn tail,", said)
            self.assertIn("moved to mbox.torn", done)
            with open(self.root.file("users", "anna", "mbox.torn"), "rb") as file:
                self.assertTrue(file.read().endswith(self.good[at:at + cut] + b"\n"))

    def test_unquoted(self):
        said, _ = self.repair(self.good.replace(b"\n>From here", b"\nFrom here"), self.good)
        self.assertRegex(said, r"anna: message 1, UIDL \S+, byte 0: 1 unquoted From line, at byte [0-9]+")
        self.assertIn("anna: 2 messages, 0 torn tails, 0 stale locks, 1 unquoted From line: not well", said)
        bad = FOREIGN.replace(b"body", b"body\n\nFrom here to there") + self.good
        said, _ = self.repair(bad, bad.replace(b"\nFrom here to", b"\n>From here to"))
        self.assertIn("1 unquoted From line", said)

    def test_nul(self):
        self.repair(self.good + bytes(5000), self.good)
        at = second(self.good)
        self.repair(self.good[:at] + bytes(70000) + self.good[at:], self.good)
        said, _ = self.repair(FOREIGN.replace(b"body", b"bo\0\0dy") + self.good, FOREIGN + self.good)
        self.assertIn("2 NULs", said)
        # A hole in the last message: what a power cut left of one that was never acknowledged.
        self.repair(self.good + FOREIGN + self.good[:300] + bytes(len(self.good[:at]) - 300), self.good + FOREIGN)

    def test_crlf(self):
        said, _ = self.repair(self.good.replace(b"\n", b"\r\n"), self.good)
        self.assertIn("CRLF", said)
        self.repair((FOREIGN + self.good).replace(b"\n", b"\r\n"), FOREIGN + self.good)

    def test_glued(self):
        body = FOREIGN[:-1]
        self.repair(body + FOREIGN, FOREIGN + FOREIGN)
        said, _ = self.repair(body + self.good, FOREIGN + self.good)
        self.assertIn("no empty line before it", said)
        self.repair(body[:-1] + self.good, FOREIGN + self.good)
        self.put(self.good + self.good)
        self.check(0)

    def test_mutt(self):
        mutt = (b"From anna@example.org" + DATE + b"Subject: x\nStatus: RO\nContent-Length: 5\nLines: 1\n\nbody\n\n" +
                b"From anna@example.org" + DATE + b"Subject: y\nContent-Length: 99\nLines: 1\n\nbody\n")
        self.put(mutt)
        self.assertIn("2 messages", self.check(0))
        self.repair(mutt + self.good[:-40], None)
        self.assertTrue(self.root.mbox("anna").startswith(mutt))

    @unittest.skipUnless(shutil.which("mutt"), "mutt is not there")
    def test_mutt_itself(self):
        """mutt writes Status, Content-Length and Lines into our messages, and leaves them right."""
        self.put(self.good)
        mail.mutt(self.root, "anna", "<set-flag>!<sync-mailbox><next-entry><set-flag>!<quit>")
        self.assertIn(b"Content-Length", self.root.mbox("anna"))
        self.assertIn("changed by a mail reader", self.check(0))

    def test_garbage(self):
        for garbage in (b"\n\n\x01garbage", b"hello\nworld\n", b"\xff" * 100000):
            said, _ = self.repair(garbage, b"")
            self.assertIn("anna: 0 messages", said)
            self.assertIn("belong to no message", said)
        self.repair(b"hello\n\n" + FOREIGN, FOREIGN)
        self.assertEqual(self.fetch(), [b"Subject: foreign\r\n\r\nbody\r\n"])

    def test_large(self):
        large = b"From carl@example.net" + DATE + b"Subject: large\n\n" + b"x" * 5000000 + b"\n\n"
        self.repair(self.good + large.replace(b"x\n\n", b"x\r\n\n") + self.good[:-3], None)
        self.assertTrue(self.root.mbox("anna").startswith(self.good + large))

    def test_flipped_bits(self):
        for bit in range(0, len(self.good) * 8, 97):
            bad = bytearray(self.good)
            bad[bit // 8] ^= 1 << bit % 8
            self.put(bytes(bad))
            self.check()

    def test_flipped_bit_is_repaired(self):
        at = self.good.index(b"two")
        bad = self.good[:at] + b"tvo" + self.good[at + 3:]
        self.repair(bad, None)
        self.assertIn(b"\r\ntvo\r\n", self.fetch()[1])
        self.assertIn(b"\ntvo\n", self.root.mbox("anna"))
        at = self.good.index(b"X-UIDL: ") + 10
        self.repair(self.good[:at] + bytes([self.good[at] ^ 1]) + self.good[at + 1:], self.good)

    def test_stale_lock(self):
        self.put(self.good)
        dead = subprocess.Popen(["true"])
        dead.wait()
        lock = self.root.file("users", "anna", "mbox.lock")
        self.root.append("users/anna/mbox.lock", "%d\n" % dead.pid)
        self.assertIn("1 stale lock,", self.check())
        self.assertIn("stale lock", self.command("repair", "anna", status=0))
        self.assertFalse(os.path.exists(lock))
        self.check(0)
        self.root.append("users/anna/mbox.lock", "%d\n" % os.getpid())
        self.assertIn("mbox.lock is there", self.check(0))

    def test_locked(self):
        """check waits a moment and looks all the same; repair leaves a mailbox alone that a session has."""
        self.put(self.good + b"half")
        with open(self.root.mbox_path("anna"), "r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            begun = time.monotonic()
            self.assertIn("another program has locked", self.check(75))
            self.assertLess(time.monotonic() - begun, 10)
        with letterbox.Daemon("pop3d", self.root) as pop3d, mail.Pop3(pop3d.port, "anna", "apple pie"):
            self.command("repair", "anna", status=75)
            self.assertIn("a session has the mailbox", self.said)

    @unittest.skipUnless(shutil.which("strace"), "strace is not there")
    def test_unfinished_expunge(self):
        self.put(self.good)
        letterbox.run(["strace", "-qq", "-o", "/dev/null", "-e", "trace=ftruncate", "-e", "inject=ftruncate:signal=SIGKILL:when=1",
                       letterbox.binary("pop3d"), "-d", self.root.path, "-o", "auth-cleartext=yes", "-i"],
                      stdin=b"USER anna\r\nPASS apple pie\r\nDELE 1\r\nQUIT\r\n", status=None)
        self.assertIn("mbox.redo", os.listdir(self.root.file("users", "anna")))
        self.assertIn("an expunge is not finished", self.check())
        self.assertIn("finished", self.command("repair", "anna", status=0))
        self.assertEqual(self.root.mbox("anna"), self.good[second(self.good):])
        self.check(0)

    def test_no_file(self):
        path = self.root.mbox_path("anna")
        target = self.root.file("elsewhere")
        with open(target, "wb") as file:
            file.write(self.good)
        for make, kind in ((lambda: os.symlink(target, path), "a symbolic link"), (lambda: os.mkfifo(path), "a FIFO"),
                           (lambda: os.link(target, path), "hard link"), (lambda: os.mkdir(path), "a directory")):
            make()
            for word in "check", "repair":
                before = self.tree()
                self.command(word, "anna", status=65)
                self.assertIn(kind, self.said)
                self.assertEqual(self.tree(), before)
            if kind != "a directory":
                os.unlink(path)

    def test_names(self):
        self.put(self.good)
        for words in ((), ("check",), ("repair",), ("check", "../anna"), ("check", "anna", "")):
            self.command(*words, status=64)
            self.assertEqual(self.said.count("\n"), 1)
        self.command("check", "nobody", status=66)
        self.command("repair", "nobody", status=66)
        self.assertIn("bob: no mail has come yet", self.command("check", "anna", "bob", status=0))
        self.command("check", "nobody", "anna", status=66)
        self.put(b"garbage")
        self.command("check", "nobody", "anna", status=65)
        self.assertEqual(os.listdir(self.root.file("users")), ["anna"])

    def test_keeps_every_original(self):
        for suffix in "", ".1", ".2":
            bad = b"garbage" + suffix.encode()
            self.put(bad)
            self.command("repair", "anna", status=0)
            with open(self.root.file("users", "anna", "mbox.before-repair" + suffix), "rb") as file:
                self.assertEqual(file.read(), bad)

    def test_killed_at_every_call(self):
        """Whenever it dies: the mailbox is there, as it was or repaired, and the next repair does what is left."""
        if not shutil.which("strace") or letterbox.SANITIZED:
            self.skipTest("needs strace, and no sanitizer")
        deaths = sum(self.kill_at(call, n) for call in CALLS for n in range(1, self.count(call) + 1))
        self.assertGreater(deaths, 20)

    def broken(self):
        """anna's folder anew, with a mailbox to be repaired."""
        bad = self.good.replace(b"\n>From here", b"\nFrom here") + b"half of"
        shutil.rmtree(self.root.file("users", "anna"))
        os.mkdir(self.root.file("users", "anna"), 0o700)
        self.put(bad)
        return bad

    def traced(self, *inject):
        """repair under strace; its exit status."""
        return subprocess.run(["strace", "-qq", "-o", self.root.file("trace"), *inject, letterbox.binary("pop3d"), "-d",
                               self.root.path, "mailbox", "repair", "anna"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode

    def count(self, call):
        self.broken()
        self.assertEqual(self.traced("-e", "trace=" + call), 0)
        with open(self.root.file("trace"), encoding="latin-1") as trace:
            return sum(line.startswith(call + "(") for line in trace)

    def kill_at(self, call, n):
        bad, folder = self.broken(), self.root.file("users", "anna")
        status = self.traced("-e", "trace=" + call, "-e", "inject=%s:signal=SIGKILL:when=%d" % (call, n))
        self.assertIn(status, (-signal.SIGKILL, 128 + signal.SIGKILL))
        self.assertIn(self.root.mbox("anna"), (bad, self.good))
        self.assertEqual(os.stat(self.root.mbox_path("anna")).st_nlink, 1)
        self.command("repair", "anna", status=0)
        self.assertEqual(self.root.mbox("anna"), self.good)
        files = set(os.listdir(folder))
        originals = {file for file in files if file.startswith("mbox.before-repair")}
        self.assertTrue(originals)
        for file in originals:
            with open(os.path.join(folder, file), "rb") as original:
                self.assertEqual(original.read(), bad)
        self.assertFalse(files & {"mbox.repaired", "mbox.keep", "mbox.lock"})
        return 1

    @unittest.skipUnless(os.geteuid() == 0, "root alone can give files away")
    def test_root_makes_nothing_of_its_own(self):
        self.put(self.good + b"half")
        os.chmod(self.root.path, 0o755)
        for folder, _, files in os.walk(self.root.file("users")):
            for path in [folder] + [os.path.join(folder, file) for file in files]:
                os.chown(path, 65534, 65534)
        self.command("repair", "anna", status=0)
        self.assertEqual({os.lstat(self.root.file("users", "anna", file)).st_uid
                          for file in os.listdir(self.root.file("users", "anna"))}, {65534})


if __name__ == "__main__":
    unittest.main()

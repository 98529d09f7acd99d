#!/usr/bin/env python3
"""`make run`: a message goes through all four programs; a second time on the same mail root; everything has ended after it."""

import os
import pty
import re
import select
import stat
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import letterbox  # noqa: E402


class Run(unittest.TestCase):
    def run_it(self, root):
        out, _ = letterbox.run([os.path.join(letterbox.REPOSITORY, "mailboxes", "run")], seconds=60, cwd=letterbox.REPOSITORY,
                               env=dict(os.environ, MAILBOXES=root, BUILD=letterbox.BUILD))
        out = out.decode()
        self.assertIn("This went from smtpc to smtpd", out)
        found = re.search(r"The user is (\S+), the password ([0-9a-f]{24})\.", out)
        self.assertTrue(found, out)
        return out, found.group(1), found.group(2)

    def test_twice(self):
        with tempfile.TemporaryDirectory(prefix="letterbox-") as folder:
            root = os.path.join(folder, "root")
            _, user, password = self.run_it(root)
            out, _, again = self.run_it(root)
            self.assertEqual(password, again)
            with open(os.path.join(root, "users", user, "mbox"), "rb") as file:
                self.assertEqual(letterbox.count_messages(file.read()), 2)
            for name in ("run.password", "accounts"):
                self.assertEqual(stat.S_IMODE(os.stat(os.path.join(root, name)).st_mode), 0o600)
            for port in re.findall(r"127\.0\.0\.1:([0-9]+)", out):
                with self.assertRaises(ConnectionRefusedError):
                    letterbox.connect(int(port))

    def test_a_visitor_whose_password_is_lost(self):
        with tempfile.TemporaryDirectory(prefix="letterbox-") as root:
            self.run_it(root)
            os.unlink(os.path.join(root, "run.password"))
            self.run_it(root)

    def test_on_a_terminal_it_serves_until_an_interrupt(self):
        with tempfile.TemporaryDirectory(prefix="letterbox-") as root:
            pid, terminal = pty.fork()
            if pid == 0:
                os.chdir(letterbox.REPOSITORY)
                os.environ.update(MAILBOXES=root, BUILD=letterbox.BUILD, TERM="xterm")
                os.environ.pop("PAGER", None)
                os.execv("mailboxes/run", ["mailboxes/run"])
            shown, deadline = "", letterbox.Deadline(60)
            while "Serving until Ctrl-C" not in shown and select.select([terminal], [], [], deadline.left())[0]:
                shown += os.read(terminal, 65536).decode()
            ports = re.findall(r" listens on 127\.0\.0\.1:([0-9]+)| pop3d on 127\.0\.0\.1:([0-9]+)", shown)
            for port in filter(None, sum(ports, ())):
                letterbox.connect(int(port)).close()
            os.write(terminal, b"\x03")
            try:
                while select.select([terminal], [], [], deadline.left())[0] and os.read(terminal, 65536):
                    pass
            except OSError:  # the terminal is closed
                pass
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, shown)
            os.close(terminal)
            self.assertIn("Serving until Ctrl-C", shown)
            self.assertEqual(len(ports), 2, shown)


if __name__ == "__main__":
    unittest.main()

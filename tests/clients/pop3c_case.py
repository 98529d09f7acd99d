"""What the tests of pop3c share: a home of its own for each, a server, a run."""

import os
import shutil
import subprocess
import tempfile
import unittest

import letterbox
from fake_pop3 import FakePop3


class Pop3c(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="letterbox-home-")
        self.environment = {"HOME": self.home, "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TZ": "UTC", "LOGNAME": "anna",
                            "MAIL_PASSWORD": "secret"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)

    def server(self, *arguments, **named):
        server = FakePop3(*arguments, **named)
        server.__enter__()
        self.addCleanup(server.__exit__)
        return server

    def run_it(self, server, *arguments, status=0, seconds=30, **more):
        address = [] if server is None else ["-S", server.address]
        done = subprocess.run([letterbox.binary("pop3c")] + address + list(arguments), stdin=subprocess.DEVNULL,
                              stdout=more.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE, env=self.environment, timeout=seconds,
                              cwd=self.home, **more)
        self.assertEqual(done.returncode, status, (done.stdout or b"")[-1000:] + done.stderr[-2000:])
        self.assertIsNone(letterbox.SANITIZER.search(done.stderr.decode("latin-1")))
        return (done.stdout or b"").decode("utf-8"), done.stderr.decode("utf-8")

    def said(self, *arguments, **more):
        """What it writes on standard error: one line."""
        out, err = self.run_it(*arguments, **more)
        self.assertEqual(out, "")
        self.assertEqual(err.count("\n"), 1, err)
        return err

"""What the tests of the clients share: a home of its own for each, a server, a run, a terminal."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import unittest

import letterbox
from fake_pop3 import FakePop3
from fake_smtp import FakeSmtp


class Client(unittest.TestCase):
    """program: its name; peer: what it is to talk to."""

    program = peer = None

    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="letterbox-home-")
        self.environment = {"HOME": self.home, "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TZ": "UTC", "LOGNAME": "anna"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)

    def server(self, *arguments, **named):
        server = self.peer(*arguments, **named)
        server.__enter__()
        self.addCleanup(server.__exit__)
        return server

    def run_it(self, server, *arguments, text=b"", status=0, seconds=30, **more):
        """What it writes on standard output and error. more: in capital letters for its environment, else for subprocess.run."""
        address = [] if server is None else ["-S", server.address]
        env = dict(self.environment, **{name: more.pop(name) for name in list(more) if name.isupper()})
        done = subprocess.run([letterbox.binary(self.program)] + address + list(arguments), input=text,
                              stdout=more.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE, env=env, timeout=seconds, cwd=self.home,
                              **more)
        self.assertEqual(done.returncode, status, (done.stdout or b"")[-1000:] + done.stderr[-2000:])
        self.assertIsNone(letterbox.SANITIZER.search(done.stderr.decode("latin-1")))
        return (done.stdout or b"").decode("utf-8"), done.stderr.decode("utf-8")

    def said(self, *arguments, **more):
        """What it writes on standard error: one line."""
        out, err = self.run_it(*arguments, **more)
        self.assertEqual(out, "")
        self.assertEqual(err.count("\n"), 1, err)
        return err


class Pop3c(Client):
    program, peer = "pop3c", FakePop3

    def setUp(self):
        super().setUp()
        self.environment["MAIL_PASSWORD"] = "secret"


class Smtpc(Client):
    program, peer = "smtpc", FakeSmtp

    def setUp(self):
        super().setUp()
        self.environment.update(LOGNAME="me", TZ="UTC-2")

    def run_it(self, server, *arguments, text=b"Hello\n", **more):
        said = super().run_it(server, *arguments, text=text, **more)
        if server is not None:
            server.await_end()
        return said


class Terminal:
    """A client with a terminal of its own. `shown` is all that it wrote, with LF alone."""

    def __init__(self, case, server, *arguments):
        self.case = case
        command = [letterbox.binary(case.program), "-S", server.address] + list(arguments)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(case.home)
            os.execve(command[0], command, case.environment)
        self.text = self.shown = ""
        self.status = None
        case.addCleanup(self.end)

    def end(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.status = -signal.SIGKILL
        os.close(self.fd)

    def more(self, deadline):
        """False at the end."""
        ready, _, _ = select.select([self.fd], [], [], deadline.left())
        if not ready:
            raise AssertionError("nothing more comes: %r" % self.text)
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # EIO: the other side is closed
            return False
        self.text += data.decode("utf-8")
        self.shown += data.decode("utf-8").replace("\r\n", "\n")
        return data != b""

    def until(self, what):
        """Read until it comes, a text or a compiled pattern; what stood before it is returned and gone."""
        deadline = letterbox.Deadline(20)
        pattern = what if isinstance(what, re.Pattern) else re.compile(re.escape(what))
        while not pattern.search(self.text):
            if not self.more(deadline):
                raise AssertionError("no %r in %r" % (what, self.text))
        found = pattern.search(self.text)
        before, self.text = self.text[:found.start()], self.text[found.end():]
        return before

    def type(self, line):
        os.write(self.fd, line.encode())

    def wait(self):
        """The rest of what it writes, and its exit status; a signal is negative."""
        deadline = letterbox.Deadline(20)
        while self.more(deadline):
            pass
        _, status = os.waitpid(self.pid, 0)
        self.status = os.waitstatus_to_exitcode(status)
        return self.text, self.status

"""What every Python test shares: mail roots, daemons on loopback, deadlines.

Standard library only. Binaries come from $BUILD (default build/). Everything a test starts it stops, by pid;
everything it makes lies in a temporary directory and goes with it.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(REPOSITORY, os.environ.get("BUILD", "build"))
CORPUS = os.path.join(os.path.dirname(REPOSITORY), "shared", "corpus", "eml")
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:")
SANITIZED = "asan" in os.path.basename(BUILD.rstrip("/"))


class Failure(AssertionError):
    """What a test expected did not happen."""


def binary(name):
    path = os.path.join(BUILD, "bin", name)
    if not os.access(path, os.X_OK):
        raise Failure(path + " is not there: run make first")
    return path


class Deadline:
    """Seconds that run out; left() is what a blocking call may still take."""

    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def left(self):
        return max(0.0, self.end - time.monotonic())

    def over(self):
        return time.monotonic() >= self.end


def run(arguments, stdin=b"", seconds=30, status=0, **more):
    """Run a program to its end. Returns (stdout, stderr) as bytes; another exit status than `status` is a failure (None: any)."""
    done = subprocess.run(arguments, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds, **more)
    if status is not None and done.returncode != status:
        raise Failure("%s: exit status %d, not %d\n%s%s" % (" ".join(map(str, arguments)), done.returncode, status,
                      done.stdout.decode("latin-1")[-2000:], done.stderr.decode("latin-1")[-2000:]))
    return done.stdout, done.stderr


def connect(port, seconds=30):
    return socket.create_connection(("127.0.0.1", port), seconds)


def private(pid):
    """Bytes of memory that only this process has; 0 once it is gone."""
    try:
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
            return 1024 * sum(int(n) for n in re.findall(r"^Private_(?:Clean|Dirty): +([0-9]+) kB", file.read(), re.M))
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0


def children(pid):
    """Pids; none once it is gone."""
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
            return [int(child) for child in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def queued(folder):
    """The names of what there is of messages in a queue."""
    return sorted(set(os.listdir(folder)) - {"flush", "hosts"}) if os.path.isdir(folder) else []


def has_socket(pid):
    try:
        return any(os.readlink("/proc/%d/fd/%s" % (pid, fd)).startswith("socket:") for fd in os.listdir("/proc/%d/fd" % pid))
    except OSError:
        return False


class MailRoot:
    """A mail root in a temporary directory of its own. A context manager; goes away at the end."""

    def __init__(self, accounts=(), directory=None):
        self.path = tempfile.mkdtemp(prefix="letterbox-", dir=directory)
        os.chmod(self.path, 0o700)
        os.mkdir(self.file("users"), 0o700)
        for name, password in dict(accounts).items():
            self.add_account(name, password)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, *parts):
        return os.path.join(self.path, *parts)

    def add_account(self, name, password):
        """Through the real `pop3d user add`: a SCRAM verifier."""
        run([binary("pop3d"), "-d", self.path, "user", "add", name], stdin=password.encode() + b"\n")

    def add_plain_account(self, name, password):
        """Written by hand: the {PLAIN} form that APOP needs, and what costs no key derivation."""
        self.append("accounts", "%s:{PLAIN}%s\n" % (name, password))

    def append(self, name, text):
        """Add text to a file of the mail root, made with mode 0600 if it is not there."""
        path = self.file(name)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())

    def mbox_path(self, user):
        return self.file("users", user, "mbox")

    def mbox(self, user):
        """The bytes of a user's mbox; empty if there is none."""
        try:
            with open(self.mbox_path(user), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""


def count_messages(mbox):
    """From_ lines at the start or after an empty line."""
    return len(re.findall(rb"(?:\A|(?<=\n\n))From ", mbox))


class Daemon:
    """smtpd or pop3d in the foreground on 127.0.0.1:0. A context manager; SIGTERM at the end, exit status 0 is a must."""

    def __init__(self, program, root, options=(), arguments=(), wrapper=(), listen=("127.0.0.1:0",), env=None):
        self.program = program
        command = list(wrapper) + [binary(program), "-d", root.path]
        for address in listen:
            command += ["-l", address]
        for option in options:
            command += ["-o", option]
        self.lines = []
        self.ports = []
        self.changed = threading.Condition()
        self.process = subprocess.Popen(command + list(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, env=dict(os.environ, **(env or {})))
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        try:
            expected = len(listen) + sum(option.startswith("listen-submission=") for option in options)
            self._await(lambda: len(self.ports) >= expected, 15, "the line `listening on`")
        except Failure:
            self.kill()
            raise
        self.port = self.ports[0] if self.ports else None

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.kill()

    def _read_log(self):
        for raw in self.process.stderr:
            line = raw.decode("utf-8", "backslashreplace").rstrip("\n")
            found = re.search(r"listening on (?:\[[^\]]*\]|[0-9.]+):([0-9]+)", line)
            with self.changed:
                self.lines.append(line)
                if found:
                    self.ports.append(int(found.group(1)))
                self.changed.notify_all()
        with self.changed:
            self.lines.append(None)
            self.changed.notify_all()

    def _await(self, condition, seconds, what):
        deadline = Deadline(seconds)
        with self.changed:
            while not condition():
                if None in self.lines:
                    raise Failure("%s ended before %s\n%s" % (self.program, what, self.log()))
                if not self.changed.wait(deadline.left()) and deadline.over():
                    raise Failure("%s: no %s within %g s\n%s" % (self.program, what, seconds, self.log()))

    def log(self):
        return "\n".join(line for line in self.lines if line is not None)

    def await_log(self, matches, seconds=10, what="such a log line"):
        """Wait until a log line satisfies matches(line)."""
        self._await(lambda: any(matches(line) for line in self.lines if line is not None), seconds, what)

    def children(self):
        """Pids of the processes that serve connections now."""
        return [pid for pid in children(self.process.pid) if has_socket(pid)]

    def runners(self):
        """Pids of the runner of the queue and its workers."""
        own = [pid for pid in children(self.process.pid) if not has_socket(pid)]
        return own + [worker for pid in own for worker in children(pid)]

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=40):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure("%s did not end within %g s\n%s" % (self.program, seconds, self.log())) from None

    def _close(self):
        """The log ends when the last process that writes to it has ended."""
        self.reader.join(5)
        if not self.reader.is_alive():
            self.process.stderr.close()

    def stop(self, status=0):
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        got = self.wait()
        self._close()
        if got != status:
            raise Failure("%s: exit status %d after SIGTERM\n%s" % (self.program, got, self.log()))
        if SANITIZER.search(self.log()):
            raise Failure("%s: a sanitizer spoke\n%s" % (self.program, self.log()))

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._close()

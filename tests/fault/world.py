"""A mail root of which every byte is known: built in a moment, driven by one dialogue, looked at by the oracle.

Both daemons run with -i on a pair of sockets: no network, no waiting.
"""

import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib

for each in ("lib", "clients"):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), each))
import letterbox  # noqa: E402
from fake_smtp import FakeSmtp  # noqa: E402

USERS = ("anna", "bert", "carl")
PASSWORD = "secret"
PLACE = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
CLOCK = 1800000000
SHIM = os.path.join(letterbox.BUILD, "fault", "shim.so")
AHEAD = os.path.join(letterbox.BUILD, "relay", "clock.so")
SECONDS = 20
FOREIGN = b"From eve@example.net Thu Jan  1 00:00:00 2026\nSubject: by another program\n\nunlike ours\n\n"

ANY = object()  # UIDL
INVISIBLE = ("EINTR", "short")  # faults that nobody is to notice


class Wrong(Exception):
    """A promise was broken."""


def environment(root, **more):
    """For a program with the shim."""
    fault = {"FAULT_" + name.upper(): str(value) for name, value in more.items() if value is not None}
    return dict(os.environ, LD_PRELOAD=SHIM, ASAN_OPTIONS="verify_asan_link_order=0", FAULT_ROOT=root, FAULT_CLOCK=str(CLOCK), **fault)


class Peer:
    """A daemon's child that serves this one connection."""

    wrapper = ()

    def __init__(self, program, root, env=None, log=subprocess.DEVNULL):
        ours, theirs = socket.socketpair()
        command = [*self.wrapper, letterbox.binary(program), "-d", root, "-o", "hostname=example.org", "-i"]
        self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=log, env=env, close_fds=False)
        theirs.close()
        ours.settimeout(SECONDS)
        self.socket, self.file, self.gone = ours, ours.makefile("rb", 1 << 20), False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()
        try:
            self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Wrong("does not end") from None

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            self.gone = True

    def line(self):
        """The next line without its end; None when the connection is over."""
        try:
            line = self.file.readline()
        except socket.timeout:
            raise Wrong("no answer") from None
        except OSError:
            line = b""
        if not line.endswith(b"\r\n"):
            self.gone = True
            return None
        return line[:-2]

    def text(self):
        """Lines up to the one with the dot, unstuffed; None when the connection was over before."""
        lines = []
        while True:
            line = self.line()
            if line is None:
                return None
            if line == b".":
                return lines
            lines.append(line[1:] if line.startswith(b".") else line)

    def reply(self):
        """SMTP: the last line of a reply."""
        line = self.line()
        while line is not None and line[3:4] == b"-":
            line = self.line()
        return line


class Delivery:
    """How a delivery went: the replies that refused something, and for whom 250 was seen."""

    def __init__(self):
        self.refused, self.acknowledged, self.status = [], set(), None


def deliver(root, users, body, env=None, log=subprocess.DEVNULL):
    """body: with CRLF line ends, no line begins with a dot."""
    went = Delivery()
    with Peer("smtpd", root, env, log) as peer:
        dialogue(peer, users, [(body, went)])
    went.status = peer.process.returncode
    return went


def dialogue(peer, users, messages):
    """messages: each body, and the Delivery that tells how it went."""
    if peer.reply() is None:
        return
    peer.send(b"EHLO client\r\n")
    peer.reply()
    for body, went in messages:
        transaction(peer, users, body, went)
    peer.send(b"QUIT\r\n")
    peer.reply()


def transaction(peer, users, body, went):
    peer.send(b"MAIL FROM:<bob@example.net>\r\n" + b"".join(b"RCPT TO:<%s@example.org>\r\n" % u.encode() for u in users) + b"DATA\r\n")
    peer.reply()
    taken = set()
    for user in users:
        reply = peer.reply() or b""
        if reply.startswith(b"250"):
            taken.add(user)
        elif reply:
            went.refused.append(reply)
    reply = peer.reply()
    if reply is None or not reply.startswith(b"354"):
        return
    peer.send(body + b".\r\n")
    reply = peer.reply() or b""
    if reply.startswith(b"250"):
        went.acknowledged = taken
    elif reply:
        went.refused.append(reply)


class Session:
    """How a POP3 session went."""

    def __init__(self):
        self.errors, self.uidls, self.mail, self.quit, self.status = [], None, {}, False, None

    def ok(self, line):
        if line is not None and not line.startswith(b"+OK"):
            self.errors.append(line)
        return line is not None and line.startswith(b"+OK")


def session(root, user, retrieve=None, delete=(), env=None, log=subprocess.DEVNULL, password=PASSWORD):
    """retrieve: numbers from 1, None for all."""
    went = Session()
    with Peer("pop3d", root, env, log) as peer:
        talk(peer, user, password, retrieve, delete, went)
    went.status = peer.process.returncode
    return went


def talk(peer, user, password, retrieve, delete, went):
    if not went.ok(peer.line()):
        return
    peer.send(b"USER %s\r\nPASS %s\r\n" % (user.encode(), password.encode()))
    if not went.ok(peer.line()) or not went.ok(peer.line()):
        return
    peer.send(b"LIST\r\nUIDL\r\n")
    sizes = peer.text() if went.ok(peer.line()) else None
    uidls = peer.text() if went.ok(peer.line()) else None
    if uidls is None:
        return
    if any(len(line.split()) != 2 for line in uidls):
        raise Wrong("UIDL says %s" % uidls)
    went.uidls = [line.split()[1].decode() for line in uidls]
    numbers = range(1, len(uidls) + 1) if retrieve is None else retrieve
    for number in numbers:
        peer.send(b"RETR %d\r\n" % number)
        text = peer.text() if went.ok(peer.line()) else None
        if text is not None:
            content = b"".join(line + b"\r\n" for line in text)
            if len(content) != int(sizes[number - 1].split()[1]):
                raise Wrong("LIST says %s, RETR sends %d octets" % (sizes[number - 1].decode(), len(content)))
            went.mail[went.uidls[number - 1]] = content
    for number in delete:
        peer.send(b"DELE %d\r\n" % number)
        went.ok(peer.line())
    peer.send(b"QUIT\r\n")
    went.quit = went.ok(peer.line())


def run_queue(world, env, log, is_over):
    """A runner takes out of the queue what is there, and hands it to a receiver; until is_over() or for SECONDS. Its status."""
    here = ["-o", "hostname=example.org", "-o", "domain=example.org later.example"]
    with FakeSmtp(hooks=world.hooks) as receiver:
        world.write("routes", b"* %s\n" % receiver.address.encode())
        with subprocess.Popen([letterbox.binary("smtpd"), "-d", world.root, *here, "-l", "127.0.0.1:0"], stderr=log, env=env) as daemon:
            deadline = letterbox.Deadline(SECONDS)
            try:
                while not is_over() and not deadline.over():
                    time.sleep(0.005)
            finally:
                daemon.terminate()
        world.arrived += [message for message in receiver.messages if message]
    return daemon.returncode


def letter(subject, size=400):
    """A message whose stored length depends on `size` alone: one that replaces another may be as long as that."""
    head = b"Subject: %-20s\r\n\r\n" % subject.encode()
    line = (subject.encode() + b" " + b"." * 80)[:70] + b"\r\n"
    return head + line * (size // len(line))


class World:
    """A mail root: path -> (bytes, inode of the mbox beside it), as capture() gives it."""

    def __init__(self, files):
        self.root = tempfile.mkdtemp(prefix="fault-", dir=PLACE)
        self.hooks, self.arrived = {}, []  # of the receiver, and what came to it
        for path, (data, _) in files.items():
            self.write(path, data)
        for folder, names, entries in os.walk(self.root):
            for name in names + entries:
                path = os.path.join(folder, name)
                os.utime(path, (CLOCK - 1000000000, CLOCK - 1000000000))
                os.chmod(path, 0o700 if name in names else 0o600)
        self.fix(files)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def write(self, path, data):
        """data None: a folder."""
        whole = self.path(path)
        if data is None:
            os.makedirs(whole, exist_ok=True)
            return
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "wb") as file:
            file.write(data)

    def read(self, path):
        try:
            with open(self.path(path), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def queue(self):
        """The names in it; None where there is none."""
        return letterbox.queued(self.path("queue")) if os.path.isdir(self.path("queue")) else None

    def fix(self, files):
        """Files that name the inode of their mbox name the new one's."""
        for path, (data, inode) in files.items():
            folder, name = os.path.split(path)
            if data is None or inode is None or name not in ("mbox.index", "mbox.redo", "mbox.redo.new", "mbox.lock"):
                continue
            try:
                now = os.stat(self.path(folder, "mbox")).st_ino
            except FileNotFoundError:
                continue
            self.write(path, rename_inode(name, data, inode, now))
            os.utime(self.path(path), (CLOCK - 1000000000, CLOCK - 1000000000))

    def capture(self):
        """All there is but for the way to a receiver, to build the same again from."""
        files = {}
        for folder, names, entries in os.walk(self.root):
            for name in names:
                files[os.path.relpath(os.path.join(folder, name), self.root)] = (None, None)
            for name in set(entries) - {"routes"}:
                path = os.path.relpath(os.path.join(folder, name), self.root)
                mbox = os.path.join(folder, "mbox")
                files[path] = (self.read(path), os.stat(mbox).st_ino if os.path.exists(mbox) else None)
        return files


def rename_inode(name, data, old, new):
    if name == "mbox.lock":
        return data.replace(b"\n%d\n" % old, b"\n%d\n" % new)
    if len(data) < 16 or struct.unpack_from("=Q", data, 8)[0] != old:
        return data
    fresh = data[:8] + struct.pack("=Q", new) + data[16:]
    at = 28 if data.startswith(b"LBBURY") else 52
    if name == "mbox.index" or len(data) < at + 4 or struct.unpack_from("=I", data, at)[0] != zlib.adler32(data[:at]):
        return fresh
    return fresh[:at] + struct.pack("=I", zlib.adler32(fresh[:at])) + fresh[at + 4:]


def is_message(content, body):
    """Is this what was sent, below the trace headers?"""
    return content.endswith(b"\r\n" + body) and content.startswith(b"Return-Path: ") and content.count(b"\r\nSubject: ") == 1


def matches(found, expected):
    """found: [(uidl, content)]; expected: [(uidl or None, content)]; without UIDL it is a message of ours with that body."""
    if len(found) != len(expected):
        return False
    return all(is_the_one(uidl, content, *expected_one) for (uidl, content), expected_one in zip(found, expected))


def is_the_one(uidl, content, expected_uidl, expected):
    if expected_uidl is ANY:
        return content == expected
    return (uidl, content) == (expected_uidl, expected) if expected_uidl is not None else is_message(content, expected)


def without_ordinals(found):
    """The index may know of a twin that is gone."""
    return [(uidl.partition("-")[0][:22], content) for uidl, content in found]


NEXT = letter("the next one")


class Oracle:
    """Looks at a world after the fault. allowed: user -> the mailboxes that keep the promises."""

    def __init__(self, world, allowed):
        self.world, self.allowed = world, allowed

    def see(self, user, behind=()):
        """What a session shows; must be one of what is allowed."""
        went = session(self.world.root, user)
        if went.errors or not went.quit or went.uidls is None or len(went.mail) != len(went.uidls):
            raise Wrong("%s: no session afterwards: %s" % (user, went.errors))
        found = [(uidl, went.mail[uidl]) for uidl in went.uidls]
        if not any(matches(found, expected + list(behind)) for expected in self.allowed[user]):
            text = "\n".join("%s %r" % (u, re.sub(rb"(?s).*?Subject: ([^\r]*).*", rb"\1", c)) for u, c in found)
            raise Wrong("%s: not what may be there (%d messages, of %s):\n%s" % (user, len(found), [len(e) for e in self.allowed[user]], text))
        return found

    def deliver_next(self):
        went = deliver(self.world.root, sorted(self.allowed), NEXT)
        if went.acknowledged != set(self.allowed):
            raise Wrong("no delivery afterwards: %s" % went.refused)

    def lose_index(self, user):
        """It is a cache: nothing may hang on it."""
        path = self.world.path("users", user, "mbox.index")
        if os.path.exists(path):
            os.unlink(path)

    def left_over(self):
        for user in self.allowed:
            for name in ("mbox.lock", "mbox.redo"):
                if os.path.lexists(self.world.path("users", user, name)):
                    raise Wrong("users/%s/%s is left" % (user, name))

    def age(self):
        """Some time goes by: a dotlock that says nothing is old."""
        for user in self.allowed:
            lock = self.world.path("users", user, "mbox.lock")
            if os.path.exists(lock):
                os.utime(lock, (CLOCK - 1000000000, CLOCK - 1000000000))

    def run_queue(self):
        """What was promised by way of the queue comes to the mailboxes, a day later; nothing else is left there."""
        if self.world.queue() is None:
            return
        self.world.write("ahead", b"%d" % (CLOCK + 86400 - time.time()))
        env = dict(os.environ, LD_PRELOAD=AHEAD, CLOCK_AHEAD=self.world.path("ahead"))
        run_queue(self.world, env, subprocess.DEVNULL, lambda: not self.world.queue())
        if self.world.queue():
            raise Wrong("%s is left in the queue" % self.world.queue())

    def judge(self, deliver_first):
        self.age()
        self.run_queue()
        behind = [(None, NEXT)]
        if deliver_first:
            self.deliver_next()
        else:
            before = {user: self.see(user) for user in self.allowed}
            self.deliver_next()
        after = {user: self.see(user, behind) for user in self.allowed}
        for user in self.allowed:
            if not deliver_first and after[user][:-1] != before[user]:
                raise Wrong("%s: another session sees other mail" % user)
            self.lose_index(user)
            if without_ordinals(self.see(user, behind)) != without_ordinals(after[user]):
                raise Wrong("%s: without the index a session sees other mail" % user)
        self.left_over()

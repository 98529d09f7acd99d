#!/usr/bin/env python3
"""Runs golden dialogues against the real daemons on loopback. The format stands in README beside this file.

    run.py [-j N] [-v] [FILE]...        without FILE: every smtpd/*.txt and pop3d/*.txt here
"""

import argparse
import base64
import concurrent.futures
import glob
import hashlib
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))

import letterbox  # noqa: E402
from letterbox import Deadline, Failure  # noqa: E402

ACCOUNTS = {"anna": "apple pie", "bob": "banana"}
STEP = re.compile(r"(?:([A-Z][0-9]?) )?(C|c|S~|S)(?:\*([0-9]+))?:(?: (.*))?$")
ACTION = re.compile(r"(?:([A-Z][0-9]?) )?(S\.\.\.|OPEN|CLOSE|CLOSED|SHUT|ABORT)$")
CHECK = re.compile(r"(MBOX|MBOX-NOT|MBOX-COUNT|LOG|LOG-NOT|RUN|SIGNAL|EXIT)(?: ([^ :]+))?(?:: (.*)| <<(\w+))$")
SETTING = re.compile(r"(option|account|plain-account|accounts|alias|config|inetd|submission|deadline|mbox|file|argument): (.*)$")
ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(.))", re.S)


def unescape(text):
    """\\r \\n \\t \\0 \\\\ \\xNN; everything else stands for itself, in UTF-8."""
    plain = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}
    out, at = b"", 0
    for found in ESCAPE.finditer(text):
        out += text[at:found.start()].encode()
        if found.group(1):
            out += bytes([int(found.group(1), 16)])
        elif found.group(2) in plain:
            out += plain[found.group(2)]
        else:
            raise ValueError("unknown escape " + found.group(0))
        at = found.end()
    return out + text[at:].encode()


class Variables(dict):
    """What `${name}` in an S: line has captured, and what C: lines make of it."""

    def expand(self, text):
        return re.sub(r"\$\{([^}]*)\}", lambda found: self._value(found.group(1)), text)

    def _value(self, word):
        kind, _, rest = word.partition(":")
        if kind == "b64":
            return base64.b64encode(unescape(rest)).decode()
        if kind == "md5":
            name, _, secret = rest.partition(":")
            return hashlib.md5((self[name] + secret).encode()).hexdigest()
        if word not in self:
            raise ValueError("${%s} was never captured" % word)
        return self[word]

    def regex(self, pattern):
        """A pattern as a regular expression: * is anything, \\* a star, ${name} captures or must be equal."""
        out = ""
        seen = set()
        for piece in re.split(r"(\\\*|\*|\$\{[a-z]\w*\})", pattern):
            name = piece[2:-1] if piece.startswith("${") else None
            if piece == "*":
                out += ".*"
            elif piece == "\\*":
                out += r"\*"
            elif name and name in self:
                out += re.escape(self[name])
            elif name:
                out += "(?P=%s)" % name if name in seen else "(?P<%s>.+?)" % name
                seen.add(name)
            else:
                out += re.escape(piece)
        return out

    def match(self, regex, line):
        found = re.fullmatch(regex, line, re.S)
        if found:
            self.update(found.groupdict())
        return found is not None


class Connection:
    """A client's end. Sending never blocks on a peer that does not read: what comes meanwhile is kept."""

    def __init__(self, channel, seconds, process=None):
        self.socket, self.seconds, self.process = channel, seconds, process
        self.socket.setblocking(False)
        self.input = b""
        self.ended = False
        self.last = None

    def _receive(self):
        try:
            bytes_ = self.socket.recv(1 << 16)
        except BlockingIOError:
            return
        except ConnectionError:
            bytes_ = b""
        self.input += bytes_
        self.ended = self.ended or not bytes_

    def send(self, data):
        self.last = None
        deadline = Deadline(self.seconds)
        view = memoryview(data)
        while view and not self.ended:
            readable, writable, _ = select.select([self.socket], [self.socket], [], deadline.left())
            if readable:
                self._receive()
            if writable:
                try:
                    view = view[self.socket.send(view[:1 << 16]):]
                except BlockingIOError:
                    pass
                except ConnectionError:
                    return
            if deadline.over():
                raise Failure("the server took only %d of %d bytes" % (len(data) - len(view), len(data)))

    def line(self):
        deadline = Deadline(self.seconds)
        while b"\n" not in self.input:
            if self.ended:
                raise Failure("the connection ended" + (" in a line: %r" % self.input if self.input else ""))
            if not select.select([self.socket], [], [], deadline.left())[0]:
                raise Failure("no reply within %g s" % self.seconds + (", but %r" % self.input if self.input else ""))
            self._receive()
        raw, self.input = self.input.split(b"\n", 1)
        if not raw.endswith(b"\r"):
            raise Failure("a line without CR before LF: %r" % raw)
        self.last = raw[:-1].decode("utf-8", "surrogateescape")
        return self.last

    def closed(self):
        deadline = Deadline(self.seconds)
        while not self.ended:
            if not select.select([self.socket], [], [], deadline.left())[0]:
                raise Failure("still open after %g s" % self.seconds)
            self._receive()
        if self.input:
            raise Failure("closed, but before that: %r" % self.input)

    def close(self, abort=False):
        if abort:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Dialogue:
    """One file: its settings, then its steps as (line number, text, here-document or None)."""

    def __init__(self, path):
        self.path = path
        self.program = os.path.basename(os.path.dirname(os.path.abspath(path)))
        self.name = self.program + "/" + os.path.basename(path)[:-4]
        self.settings, self.steps = [], []
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        at = 0
        while at < len(lines):
            number, text, at = at + 1, lines[at], at + 1
            if not text.strip() or text.startswith("#"):
                continue
            here = re.search(r" <<(\w+)$", text)
            body = None
            if here and not STEP.match(text):
                if here.group(1) not in lines[at:]:
                    raise ValueError("line %d: %s never ends" % (number, here.group(1)))
                end = lines.index(here.group(1), at)
                body, at = lines[at:end], end + 1
            setting = SETTING.match(text)
            if setting and not self.steps:
                self.settings.append((setting.group(1), setting.group(2), body))
            elif STEP.match(text) or ACTION.match(text) or CHECK.match(text):
                self.steps.append((number, text, body))
            else:
                raise ValueError("line %d: not understood: %s" % (number, text))
        if not any(found and found.group(2) in ("S", "S~") for found in (STEP.match(text) for _, text, _ in self.steps)):
            raise ValueError("no S: line, so it tests nothing")

    def of(self, key):
        return [value for name, value, _ in self.settings if name == key]


class Run:
    """A dialogue being spoken: its mail root, its daemon, its connections, and what was said so far."""

    def __init__(self, dialogue):
        self.dialogue = dialogue
        self.seconds = float((dialogue.of("deadline") or ["10"])[0])
        self.said, self.connections, self.variables = [], {}, Variables()
        self.daemon = None
        self.submission = [name or None for line in dialogue.of("submission") for name in line.split(" ")]
        self.root = letterbox.MailRoot()

    def prepare(self):
        accounts = {} if "none" in self.dialogue.of("accounts") else dict(ACCOUNTS)
        for line in self.dialogue.of("account"):
            name, _, password = line.partition(" ")
            accounts[name] = password
        for line in self.dialogue.of("plain-account"):
            name, _, password = line.partition(" ")
            accounts.pop(name, None)
            self.root.add_plain_account(name, password)
        # What smtpd knows of an account is its name; only pop3d's dialogues pay for a verifier.
        add = self.root.add_account if self.dialogue.program == "pop3d" else self.root.add_plain_account
        for name, password in accounts.items():
            add(name, password)
        for key, value, body in self.dialogue.settings:
            if key == "alias":
                self.root.append("aliases", value + "\n")
            elif key == "config":
                self.root.append("config", value + "\n")
            elif key in ("mbox", "file") and body is not None:
                name = value.split(" <<")[0]
                path = "users/%s/mbox" % name if key == "mbox" else name
                self.root.append(path, "".join(line + "\n" for line in body))

    def start(self):
        if "yes" not in self.dialogue.of("inetd"):
            options = self.dialogue.of("option") + ["listen-submission=127.0.0.1:0"] * bool(self.submission)
            self.daemon = letterbox.Daemon(self.dialogue.program, self.root, options,
                                           [word for line in self.dialogue.of("argument") for word in line.split()])

    def connection(self, name):
        if name not in self.connections:
            self.connections[name] = self._connect(name)
        return self.connections[name]

    def _connect(self, name):
        if self.daemon:
            port = self.daemon.ports[1 if name in self.submission else 0]
            return Connection(socket.create_connection(("127.0.0.1", port), self.seconds), self.seconds)
        ours, theirs = socket.socketpair()
        command = [letterbox.binary(self.dialogue.program), "-d", self.root.path, "-i"]
        for option in self.dialogue.of("option"):
            command += ["-o", option]
        with theirs:
            process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL)
        return Connection(ours, self.seconds, process)

    def step(self, text, body):
        found = STEP.match(text)
        if found:
            name, kind, times, rest = found.groups()
            return self.talk(self.connection(name), kind, int(times or 1), rest or "")
        found = ACTION.match(text)
        if found:
            return self.act(found.group(1), found.group(2))
        kind, name, rest, _ = CHECK.match(text).groups()
        return self.check(kind, name, rest, body)

    def talk(self, connection, kind, times, text):
        if kind == "C":
            connection.send((self.variables.expand(text).encode() + b"\r\n") * times)
        elif kind == "c":
            connection.send(unescape(self.variables.expand(text)) * times)
        else:
            for _ in range(times):
                line = connection.line()
                regex = text if kind == "S~" else self.variables.regex(text)
                if not self.variables.match(regex, line):
                    raise Failure("got instead: %s" % line)
                self.say("S", line)

    def act(self, name, kind):
        if kind == "ABORT":
            self.connection(name).close(abort=True)
            del self.connections[name]
        elif kind == "CLOSE":
            self.connection(name).close()
            del self.connections[name]
        elif kind == "SHUT":
            self.connection(name).socket.shutdown(socket.SHUT_WR)
        elif kind == "CLOSED":
            self.connection(name).closed()
            self.connections.pop(name).close()
        elif kind == "S...":
            self.rest(self.connection(name))
        else:
            self.connection(name)

    def rest(self, connection):
        """The rest of a multi-line reply: to a line NNN SP in SMTP, to a lone dot in POP3."""
        smtp = self.dialogue.program == "smtpd"
        if smtp and connection.last and re.match(r"[0-9]{3} ", connection.last):
            raise Failure("the reply has ended already: %s" % connection.last)
        while True:
            line = connection.line()
            self.say("S", line)
            if re.match(r"[0-9]{3}( |$)", line) if smtp else line == ".":
                return

    def check(self, kind, name, text, body):
        if kind.startswith("MBOX"):
            self.check_mbox(kind, name, text, body)
        elif kind == "LOG":
            regex = self.variables.regex("*" + text + "*")
            self.daemon.await_log(lambda line: re.fullmatch(regex, line), self.seconds, "log line like " + text)
        elif kind == "LOG-NOT":
            regex = self.variables.regex("*" + text + "*")
            if any(re.fullmatch(regex, line) for line in self.daemon.lines if line is not None):
                raise Failure("the log has it")
        elif kind == "RUN":
            path = os.path.join(letterbox.BUILD, "bin") + ":" + os.environ["PATH"]
            letterbox.run(["sh", "-ec", self.variables.expand(text)], seconds=self.seconds, status=int(name or 0),
                          cwd=self.root.path, env=dict(os.environ, PATH=path, MAILBOXES=self.root.path))
        elif kind == "SIGNAL":
            self.daemon.signal(getattr(signal, "SIG" + text))
        else:
            self.daemon.stop(int(text))

    def check_mbox(self, kind, name, text, body):
        mbox = self.root.mbox(name)
        lines = mbox.decode("utf-8", "surrogateescape").split("\n")
        if kind == "MBOX-COUNT":
            if letterbox.count_messages(mbox) != int(text):
                raise Failure("%d messages are there" % letterbox.count_messages(mbox))
        elif body is not None:
            regex = "".join("(?:[^\n]*\n)*" if line == "..." else
                            self.variables.regex(line).replace(".*", "[^\n]*") + "\n" for line in body)
            if not self.variables.match(regex, "\n".join(lines)):
                raise Failure("the mbox is another one:\n" + "\n".join(lines))
        elif any(self.variables.match(self.variables.regex(text), line) for line in lines) != (kind == "MBOX"):
            raise Failure(("no such line in" if kind == "MBOX" else "there is such a line in") + " the mbox:\n" + "\n".join(lines))

    def say(self, who, line):
        if not self.said or self.said[-1] != (who, line):
            self.said.append((who, line))

    def finish(self):
        for connection in self.connections.values():
            connection.close()
            if connection.process and connection.process.wait(self.seconds) < 0:
                raise Failure("the inetd session died of a signal")
        if self.daemon and self.daemon.process.poll() is None:
            self.daemon.stop()

    def abandon(self):
        for connection in self.connections.values():
            connection.close()
            if connection.process:
                connection.process.kill()
                connection.process.wait()
        if self.daemon:
            self.daemon.kill()


def speak(path):
    """Run one file. Returns (name, what went wrong or None)."""
    try:
        dialogue = Dialogue(path)
    except (OSError, ValueError) as error:
        return path, "%s: %s" % (path, error)
    run = Run(dialogue)
    where = "before the first line"
    try:
        with run.root:
            try:
                run.prepare()
                run.start()
                for number, text, body in dialogue.steps:
                    where = "%s:%d: %s" % (path, number, text)
                    run.step(text, body)
                    if not re.match(r"(?:[A-Z][0-9]? )?S", text):
                        run.say(">", text)
                where = "at the end"
                run.finish()
            finally:
                run.abandon()
    except (Failure, OSError, ValueError, subprocess.TimeoutExpired) as error:
        said = "".join("    %s %s\n" % (who, line[:200]) for who, line in run.said)
        log = "".join("    %s\n" % line for line in (run.daemon.lines if run.daemon else [])[-15:] if line)
        return dialogue.name, "%s\n  ! %s\n  said so far:\n%s  log:\n%s" % (where, error, said, log)
    return dialogue.name, None


def main():
    parser = argparse.ArgumentParser(description="golden dialogues against the real daemons")
    parser.add_argument("-j", type=int, default=4, help="at once")
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()
    files = arguments.files or sorted(glob.glob(os.path.join(HERE, "smtpd", "*.txt")) + glob.glob(os.path.join(HERE, "pop3d", "*.txt")))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
        for number, (name, wrong) in enumerate(pool.map(speak, files), 1):
            print("%s %d - %s" % ("not ok" if wrong else "ok", number, name), flush=True)
            if wrong:
                failed += 1
                print("  " + wrong.encode("utf-8", "backslashreplace").decode(), flush=True)
    print("wire: %d passed, %d failed" % (len(files) - failed, failed))
    return 1 if failed or not files else 0


if __name__ == "__main__":
    sys.exit(main())

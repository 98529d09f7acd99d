#!/usr/bin/env python3
"""`smtpd explain` says what a client is answered: random configurations and envelopes, each asked of both.

EXPLAIN=100 is how many; SEED another draw.
"""

import base64
import os
import random
import socket
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import letterbox  # noqa: E402

ROUNDS = int(os.environ.get("EXPLAIN", "100"))
SEED = os.environ.get("SEED", "letterbox")
ENVELOPES = 4  # a configuration
DOMAINS = ["example.org", "Example.ORG", "other.example", "mail.example.org", "localhost", "example.net", "sub.example.org",
           "[127.0.0.1]", "[127.0.0.9]", "[IPv6:::1]", "example.org."]
NAMES = ["anna", "anna", "bob", "bob", "carl", "carl", "dora", "team", "out", "loop", "ring", "bad", "ghost", "postmaster", "all", "owner-out"]
STATUS = {"2": 0, "4": 75, "5": 65}


def local(rng):
    name = rng.choice(NAMES)
    if rng.random() < 0.7:
        return rng.choice([name, name.upper(), name + "+tag", '"%s"' % name])
    return rng.choice([name + "%example.net", "example.net!" + name, '"%s@example.net"' % name, name + "@example.net", "", "." + name,
                       "ä" + name, "x y"])


def address(rng):
    if rng.random() < 0.1:
        return rng.choice(["", "Postmaster", "anna", "@example.net:anna@example.org", "@example.org:carl@example.net", "<anna@example.org>",
                           "anna@", "a" * 600 + "@example.org", "carl@xn--bcher-kva.example", "anna@bücher.example"])
    return local(rng) + "@" + rng.choice(DOMAINS if rng.random() < 0.5 else ["example.org"])


def aliases(rng):
    targets = 3 * NAMES + ["carl@example.net", "anna@example.org", "bob@OTHER.example", "\\anna", "bob+x", "|cat", "/tmp/x", "anna@", "x@[192.0.2.1]"]
    return "".join("%s: %s\n" % (name, ", ".join(rng.choices(targets, k=rng.randint(1, 3)))) for name in NAMES if rng.random() < 0.3)


def options(rng):
    others = ["other.example", "localhost", "sub.example.org", "[127.0.0.9]"]
    yield "domain=" + " ".join([rng.choice(["example.org", "EXAMPLE.org", "example.net"]), *rng.sample(others, rng.randint(0, 2))])
    yield "relay-from=" + rng.choice(["none", "127.0.0.0/8", "127.0.0.2", "192.0.2.0/24 127.0.0.3/32", "::1"])
    yield "mailbox-size=" + rng.choice(["0", "0", "1", "300", "1K"])
    yield "sender-check=" + rng.choice(["yes", "yes", "no"])
    yield "hostname=" + rng.choice(["mail.example.org", "localhost", "example.net"])


def spoil(rng, root, user):
    """A mailbox with some mail, or none, or what is no mailbox."""
    os.mkdir(root.file("users", user), 0o700)
    kind = rng.choice(["none", "none", "none", "mail", "mail", "mail", "directory", "link"])
    if kind == "mail":
        root.append("users/%s/mbox" % user, "From carl@example.net Thu Jan  1 12:00:00 2026\n\n%s\n\n" % ("x" * rng.choice([10, 280, 2000])))
    elif kind == "directory":
        os.mkdir(root.mbox_path(user))
    elif kind == "link":
        os.symlink("/etc/hostname", root.mbox_path(user))


class Live:
    """A session up to RCPT, from an address of the loopback network."""

    def __init__(self, port, source):
        self.socket = socket.create_connection(("127.0.0.1", port), 30, (source, 0))
        self.file = self.socket.makefile("rb")
        self.reply()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def reply(self):
        line = self.file.readline()
        while line[3:4] == b"-":
            line = self.file.readline()
        return line.decode().rstrip("\r\n")

    def ask(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()


def live(port, source, user, sender, to):
    utf8 = "" if (sender + to).isascii() else " SMTPUTF8"
    with Live(port, source) as session:
        session.ask("EHLO home.example.net")
        if user:
            login = base64.b64encode(b"\0%s\0secret" % user.encode()).decode()
            reply = session.ask("AUTH PLAIN " + login)
            if not reply.startswith("235"):
                raise letterbox.Failure(reply)
        reply = session.ask("MAIL FROM:<%s>%s" % (sender, utf8))
        return session.ask("RCPT TO:" + (to if to.startswith("<") else "<%s>" % to)) if reply.startswith("2") else reply


class Explain(unittest.TestCase):
    def test_agrees_with_rcpt(self):
        rng = random.Random(SEED)
        seen = {}
        for number in range(0, ROUNDS, ENVELOPES):
            with letterbox.MailRoot() as root:
                self.configuration(rng, root, seen)
        # What is always refused, or always taken, would prove nothing.
        self.assertLessEqual({"250", "451", "501", "550", "553"} | ({"452"} if ROUNDS >= 1000 else set()), set(seen))
        print("explain: %d envelopes, replies %s" % (sum(seen.values()), " ".join("%s %d" % pair for pair in sorted(seen.items()))))

    def configuration(self, rng, root, seen):
        users = rng.sample(["anna", "bob", "carl", "postmaster"], rng.randint(2, 4))
        for user in users:
            root.add_plain_account(user, "secret")
            spoil(rng, root, user)
        root.append("aliases", aliases(rng))
        root.append("routes", "* 127.0.0.1:9\n")
        chosen = list(options(rng))
        with letterbox.Daemon("smtpd", root, chosen) as daemon:
            for _ in range(ENVELOPES):
                user = rng.choice([None, None, None, *users])
                source = "127.0.0.%d" % rng.randint(1, 3)
                own = "%s@example.org" % (user or "anna")
                sender = rng.choice(["", "", own, own, own.replace("@", "+x@").upper(), address(rng)])
                if sender.startswith("<"):
                    sender = ""
                to = address(rng)
                said = live(daemon.port, source, user, sender, to)
                told = self.explain(root, chosen, source, user, sender, to, STATUS[said[0]])
                self.assertEqual(told, said, (chosen, users, user, source, sender, to, daemon.log()))
                seen[said[:3]] = seen.get(said[:3], 0) + 1

    def explain(self, root, chosen, source, user, sender, to, status):
        command = [letterbox.binary("smtpd"), "-d", root.path]
        for option in chosen:
            command += ["-o", option]
        command += ["explain", "-a", source, "-f", sender]
        if user:
            command += ["-u", user]
        said, _ = letterbox.run([*command, "--", to], status=status)
        return said.decode().splitlines()[-1]


if __name__ == "__main__":
    unittest.main()

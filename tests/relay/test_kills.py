#!/usr/bin/env python3
"""KILLS=200: kill -9 of smtpd, of whatever process of it, between its 250 and the next server's; and two of them on one queue.

What got its 250 arrives, or its sender is told, once. Twice only what the next server has the final dot of, and whose connection was gone behind it.
"""

import collections
import os
import random
import re
import select
import signal
import smtplib
import sys
import threading
import unittest

from relay_case import HERE, RelayCase

sys.path.insert(0, os.path.join(os.path.dirname(HERE), "kill"))

import letterbox  # noqa: E402
import run  # noqa: E402
from fake_smtp import FakeSmtp  # noqa: E402
from test_queue import until  # noqa: E402

KILLS = int(os.environ.get("KILLS", "15"))
SENDERS = 4
MOST = 20 * KILLS  # messages: what is slow, under a sanitizer say, must not get ever more to clear away
KINDS = (("r@b.example",), ("refused@b.example",), ("r@b.example", "bob@a.example"), ("r@dead.example",))


class Ledger(FakeSmtp):
    """Any number of connections at once. cut: the messages whose connection was gone behind the final dot."""

    def __init__(self):
        super().__init__(hooks={"RCPT TO:<refused@b.example>": b"550 5.1.1 no such user\r\n"})
        self.last, self.cut, self.guests = {}, [], []

    def _take(self, connection):
        self.guests.append(threading.Thread(target=self._serve_one, args=(connection,), daemon=True))
        self.guests[-1].start()

    def _serve_one(self, connection):
        super()._take(connection)
        self.cut += self.last.pop(connection, [])

    def _answer(self, peer, usual, *words):
        self.last[peer] = self.messages[-1:] if "." in words else []
        return super()._answer(peer, usual, *words)


class Load:
    """Senders, each over connections of a few messages; taken: number -> its kind, of what got its 250."""

    def __init__(self, ports):
        self.ports, self.taken, self.over, self.lock, self.number = ports, {}, threading.Event(), threading.Lock(), 0
        self.threads = [threading.Thread(target=self.send) for _ in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def send(self):
        while not self.over.is_set() and self.number < MOST:
            try:
                with smtplib.SMTP("127.0.0.1", random.choice(self.ports()), timeout=60) as client:
                    for _ in range(random.randrange(1, 8)):
                        self.send_one(client)
            except (smtplib.SMTPException, OSError):
                self.over.wait(0.01)

    def send_one(self, client):
        with self.lock:
            self.number += 1
            number = self.number
        kind = KINDS[number % len(KINDS)]
        if not client.sendmail("anna@a.example", kind, "Subject: number %d.\r\n\r\nhello\r\n" % number):
            self.taken[number] = kind
        self.over.wait(random.random() / 20)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


class Kills(RelayCase):
    def setUp(self):
        super().setUp()
        for user in ("anna", "bob"):
            self.root.add_plain_account(user, "secret")
        self.root.append("config", "hostname mail.a.example\ndomain a.example\nmax-per-source 1000\n")
        self.ledger = self.enter(Ledger())
        self.root.append("routes", "dead.example 127.0.0.1:1\n* %s\n" % self.ledger.address)
        self.count = collections.Counter()

    def queue(self, *words, status=0):
        return letterbox.run([letterbox.binary("smtpd"), "-d", self.root.path, "queue", *words], status=status)[0].decode()

    def remove_dead(self, most=None):
        """What can never arrive, the postmaster takes away: how much."""
        dead = [line.split()[0] for line in self.queue("list").splitlines() if "r@dead.example" in line][:most]
        for entry in dead:
            self.queue("remove", entry)
        self.count["removed"] += len(dead)
        return dead

    def strike(self, services):
        """One process of one of them."""
        service = random.choice(services)
        others = service.daemon.runners()
        if random.random() < 0.1:
            service.kill_parent(random.random() < 0.5)
            self.count["parents"] += 1
        elif random.random() < 0.5 and others:
            self.count["runners and workers"] += kill(random.choice(others))
        elif service.daemon.children():
            self.count["sessions"] += service.kill_child(random.choice(service.daemon.children()))

    def under_load(self, services, victims):
        load = Load(lambda: [service.port for service in services])
        try:
            while sum(self.count[what] for what in ("parents", "runners and workers", "sessions")) < KILLS:
                load.over.wait(random.uniform(0.02, 0.2))
                self.strike(victims)
                if random.random() < 0.2:
                    self.remove_dead(10)
                    self.queue("flush")
        finally:
            load.stop()
        until(self.is_empty, 90 + KILLS, "nothing in the queue")
        # What the dead had begun is cleared away once a minute, or when smtpd starts.
        services[0].kill_parent(True)
        until(lambda: not letterbox.queued(self.root.file("queue")), 30, "no file in the queue")
        for service in services:
            service.daemon.stop()
            service.await_orphans()
        self.audit(load.taken)

    def is_empty(self):
        self.remove_dead()
        self.queue("flush")
        return not self.queue("list")

    def audit(self, taken):
        arrived, cut = (collections.Counter(numbers(b"".join(found))) for found in (self.ledger.messages, self.ledger.cut))
        bounces, here = (collections.Counter(numbers(self.root.mbox(user))) for user in ("anna", "bob"))
        wrong = []
        for number in range(1, max(taken) + 1):
            kind = taken.get(number, ())
            for where, found, rcpt, more in (("next server", arrived, "r@b.example", cut[number]), ("notices", bounces, "refused@b.example", 0),
                                             ("mailbox", here, "bob@a.example", 0)):
                least = int(rcpt in kind)
                most = 1 if rcpt in KINDS[number % len(KINDS)] else 0
                if not least <= found[number] <= most + more:
                    wrong.append("number %d: %s %d times" % (number, where, found[number]))
        twice = sum(n - 1 for n in arrived.values() if n > 1)
        print("queue: %d messages, %d kills (%s), %d removed, %d cut behind the final dot, %d came twice" % (
            len(taken), sum(self.count.values()) - self.count["removed"],
            ", ".join("%d of %s" % (n, what) for what, n in sorted(self.count.items()) if what != "removed"),
            self.count["removed"], sum(cut.values()), twice))
        self.assertEqual(wrong, [])

    def test_one(self):
        service = run.Service("smtpd", self.root)
        self.under_load([service], [service])

    def test_two_nodes(self):
        """Of which one is killed."""
        services = [run.Service("smtpd", self.root) for _ in range(2)]
        self.under_load(services, services[1:])


def numbers(text):
    return [int(number) for number in re.findall(rb"Subject: number ([0-9]+)\.\r?\n", text)]


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return 0
    return 1


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""The queue and its runner: five days of retries, hosts that are dead."""

import os
import pwd
import re
import signal
import smtplib
import threading
import time
import unittest

from relay_case import QueueCase, until

import letterbox
import receivers
from fake_smtp import FakeSmtp

CLOCK = os.path.join(letterbox.BUILD, "relay", "clock.so")
MESSAGES, HOSTS, DEAD = (int(n) for n in os.environ.get("QUEUE", "400 10 2").split())
LIFETIME = 5 * 86400


class Queue(QueueCase):
    @unittest.skipIf(os.getuid() != 0, "only root becomes another user")
    def test_what_root_makes_is_the_users(self):
        user = pwd.getpwnam("nobody").pw_uid
        self.root.append("config", "user nobody\n")
        os.mkdir(self.root.file("queue"))
        for path in self.root.path, self.root.file("queue"):
            os.chown(path, user, -1)
        self.queue("flush")
        self.assertEqual(os.stat(self.root.file("queue/flush")).st_uid, user)

    def start_ahead(self):
        """A daemon, and what sets its clock ahead."""
        ahead = self.root.file("ahead")
        daemon = self.start(env=dict(os.environ, LD_PRELOAD=CLOCK, CLOCK_AHEAD=ahead, ASAN_OPTIONS="verify_asan_link_order=0"))

        def set_ahead(seconds):
            with open(ahead + ".new", "w", encoding="ascii") as file:
                file.write("%d" % seconds)
            os.rename(ahead + ".new", ahead)
            daemon.signal(signal.SIGHUP)
        return daemon, set_ahead

    def test_what_cannot_be_opened(self):
        """An entry that the system does not give us now is looked at again; one that is malformed is told of once."""
        self.route("127.0.0.1:1")
        with self.start() as daemon:
            self.send(daemon, ["r@b.example"])
            until(lambda: self.tries(daemon), 20, "a try")
        [entry] = self.entries()
        path = self.root.file("queue/" + entry)
        os.rename(path, path + "~")
        os.symlink(entry + "~", path)
        malformed = entry[:-1] + ("0" if entry[-1] != "0" else "1")
        with open(self.root.file("queue/" + malformed), "w", encoding="ascii") as file:
            file.write("no entry\n")
        daemon, set_ahead = self.start_ahead()
        until(lambda: daemon.log().count(" queue-broken ") == 2, 20, "word of both")
        set_ahead(61)
        until(lambda: daemon.log().count(" queue-broken id=%s " % entry) == 2, 20, "a second look")
        os.rename(path + "~", path)
        self.route(self.enter(FakeSmtp()).address)
        set_ahead(200)
        until(lambda: " relayed " in daemon.log(), 20, "the message")
        self.assertEqual(daemon.log().count(" queue-broken id=%s " % malformed), 1)

    def test_five_days(self):
        """1, 2, 5, 10, 20, 40 minutes, then about an hour; word of it once after four hours, and at the end."""
        busy = self.enter(FakeSmtp(hooks={"MAIL": b"451 4.3.2 not today\r\n"}))
        self.route(busy.address)
        daemon, set_ahead = self.start_ahead()
        self.send(daemon, ["r@b.example"])
        begun = time.monotonic()
        waited, told, delays = 0, [], []
        while True:
            tries = len(delays) + 1
            until(lambda: self.tries(daemon) >= tries or " expired " in daemon.log(), 20, "try %d" % tries)
            if " expired " in daemon.log():
                break
            if not told and " notice " in daemon.log():
                told.append(waited)
            delay = int(re.findall(r" deferred .*to=r@b.example .*seconds=([0-9]+)", daemon.log())[-1])
            delays.append(delay)
            waited += delay
            set_ahead(waited)
        self.assertEqual(delays[:6], [60, 120, 300, 600, 1200, 2400])
        self.assertTrue(all(55 * 60 <= delay < 65 * 60 for delay in delays[6:]), delays)
        self.assertGreater(len(set(delays[6:])), 10)
        waited += time.monotonic() - begun + 1  # that much passed, too
        self.assertTrue(LIFETIME <= waited < LIFETIME + 65 * 60, waited)
        self.assertEqual(len(told), 1)
        self.assertTrue(4 * 3600 <= told[0] < 5 * 3600 + 600, told)
        until(lambda: letterbox.count_messages(self.root.mbox("anna")) == 2 and not self.entries(), 20, "both notices")
        self.assertIn(b"451 4.3.2 not today", self.root.mbox("anna"))

    @staticmethod
    def tries(daemon):
        return len(re.findall(r" deferred .*to=r@b.example ", daemon.log()))

    def test_dead_hosts(self):
        """QUEUE="5000 50 10": so many messages to so many hosts, of which so many are dead. The living ones get theirs at once."""
        sinks = [self.enter(receivers.Sink()) for _ in range(HOSTS - DEAD)]
        with open(self.root.file("routes"), "w", encoding="ascii") as file:
            for host in range(HOSTS):
                file.write("h%d.example 127.0.0.1:%d\n" % (host, 1 if host < DEAD else sinks[host - DEAD].port))
        daemon = self.start()
        begun = time.monotonic()
        for worker in [threading.Thread(target=self.send_some, args=(daemon, n)) for n in range(8)]:
            worker.start()
        until(lambda: daemon.log().count(" queued ") == MESSAGES, 300, "all taken")
        until(lambda: len(self.entries()) <= MESSAGES * DEAD // HOSTS, 60, "what is for living hosts")
        print("queue: %d messages to %d hosts, %d of them dead: the living ones had theirs after %.1f s"
              % (MESSAGES, HOSTS, DEAD, time.monotonic() - begun))
        until(lambda: all("cannot be reached" in line for line in self.queue().splitlines()), 90, "a reply for each that waits")
        left = self.queue().splitlines()
        self.assertEqual(len(left), MESSAGES * DEAD // HOSTS)
        self.assertEqual({re.search(r"@(h[0-9]+)\.example", line).group(1) for line in left}, {"h%d" % host for host in range(DEAD)})

    def send_some(self, daemon, worker):
        with smtplib.SMTP("127.0.0.1", daemon.port) as client:
            for number in range(worker, MESSAGES, 8):
                client.sendmail("anna@a.example", ["r@h%d.example" % (number % HOSTS)], "Subject: x\r\n\r\nhello\r\n")


if __name__ == "__main__":
    unittest.main()

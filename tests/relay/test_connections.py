#!/usr/bin/env python3
"""How many connections there are to a host, and what goes over each."""

import smtplib
import threading
import time
import unittest

from relay_case import QueueCase, until

from crowd import Crowd
from fake_smtp import FakeSmtp

MOST = 4


class Narrow(Crowd):
    """It takes one connection at a time."""

    def _answer(self, peer, usual, *words):
        if words == ("CONNECT",) and self.now > 1:
            usual = b"421 4.7.0 one at a time\r\n"
        return super()._answer(peer, usual, *words)


class Connections(QueueCase):
    def receive(self, **more):
        host = self.enter(Crowd(**more))
        self.route(host.address)
        return host

    def send_many(self, daemon, count):
        with smtplib.SMTP("127.0.0.1", daemon.port) as client:
            for number in range(count):
                client.sendmail("anna@a.example", ["r@d%d.example" % (number % 20)], "Subject: x\r\n\r\nhello\r\n")

    def until_sent(self, host, count, seconds=30):
        until(lambda: len(host.messages) >= count and not self.entries(), seconds, "%d of %d messages" % (len(host.messages), count))
        self.assertEqual(len(host.messages), count)

    def test_a_transaction_for_domains_of_one_route(self):
        host, daemon = self.receive(), self.start()
        self.send(daemon, ["r@b.example", "r@c.example", "r@d.example"])
        self.until_sent(host, 1)
        self.assertEqual((host.count("EHLO"), host.count("MAIL"), host.count("RCPT")), (1, 1, 3))

    def test_four_to_a_smarthost(self):
        host, daemon = self.receive(pause=0.02), self.start()
        self.send_many(daemon, 200)
        self.until_sent(host, 200)
        self.assertEqual(host.most, MOST)

    def test_four_of_two_machines(self):
        host, daemons = self.receive(pause=0.02), [self.start(), self.start()]
        senders = [threading.Thread(target=self.send_many, args=(daemon, 100)) for daemon in daemons]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        self.until_sent(host, 200)
        self.assertEqual(host.most, MOST)
        for daemon in daemons:
            self.assertNotIn(" deferred ", daemon.log())

    def test_a_second_message_over_the_same(self):
        host, daemon = self.receive(), self.start()
        for number in range(1, 4):
            self.send(daemon, ["r@b.example"])
            self.until_sent(host, number)
        self.assertEqual((host.count("EHLO"), host.count("MAIL")), (1, 3))

    def test_it_ends_after_a_hundred(self):
        host = self.enter(Narrow())
        self.route(host.address)
        self.send_many(self.start(), 101)
        self.until_sent(host, 101)
        self.assertEqual(host.count("EHLO"), 2)

    def test_the_server_ends_it_between_two(self):
        for more in {"patience": 0.2}, {"mails": 1}:
            with self.subTest(**more):
                host, daemon = self.receive(**more), self.start()
                self.send(daemon, ["r@b.example"])
                self.until_sent(host, 1)
                until(lambda: "patience" not in more or host.now == 0, 10, "the end of the session")
                self.send(daemon, ["r@b.example"])
                self.until_sent(host, 2)
                self.assertEqual(host.count("EHLO"), 2)
                self.assertNotIn(" deferred ", daemon.log())
                daemon.stop()

    def test_a_route_that_has_changed(self):
        self.route("127.0.0.1:1")
        daemon = self.start()
        self.send(daemon, ["r@b.example", "r@c.example"])
        daemon.await_log(lambda line: " deferred " in line)
        host = self.receive()
        self.queue("flush")
        self.until_sent(host, 1, 15)
        self.assertEqual(host.count("RCPT"), 2)

    def test_a_flush_is_one_try(self):
        """Of each of two hosts that put the same message off: neither's answer is a reason to try the other again."""
        hosts = [self.enter(FakeSmtp(hooks={"MAIL": b"451 4.3.2 not now\r\n"})) for _ in range(2)]
        with open(self.root.file("routes"), "w", encoding="ascii") as file:
            file.write("b.example %s\nc.example %s\n" % tuple(host.address for host in hosts))
        daemon = self.start()
        self.send(daemon, ["r@b.example", "r@c.example"])
        until(lambda: daemon.log().count(" deferred ") == 2, 10, "a try of each")
        self.queue("flush")
        until(lambda: daemon.log().count(" deferred ") >= 4, 10, "another try of each")
        time.sleep(1)
        self.assertEqual(daemon.log().count(" deferred "), 4)

    def test_what_takes_long_holds_nothing_up(self):
        go_on = threading.Event()
        self.addCleanup(go_on.set)

        class Slow(Crowd):
            def _content(self, peer, lines):
                if self.told[-2] == "RCPT TO:<slow@b.example>":
                    go_on.wait(30)
                super()._content(peer, lines)

        host = self.enter(Slow())
        self.route(host.address)
        daemon = self.start()
        self.send(daemon, ["slow@b.example"])
        until(lambda: host.count("RCPT TO:<slow"), 10, "the slow one")
        for _ in range(6):
            self.send(daemon, ["r@b.example"])
        until(lambda: len(host.messages) == 6, 15, "what came behind it")
        go_on.set()
        self.until_sent(host, 7)

    def test_a_server_that_takes_one_connection(self):
        """That it refuses others is no failure of a message."""
        host = self.enter(Narrow(pause=0.02))
        self.route(host.address)
        daemon = self.start()
        self.send_many(daemon, 60)
        self.until_sent(host, 60)
        self.assertGreater(host.most, 1)
        self.assertNotIn(" deferred ", daemon.log())


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""MX at their own port, 25, in a network that is nothing but loopback: who of them gets the mail. Runs itself in that network."""

import fcntl
import os
import smtplib
import socket
import struct
import subprocess
import sys
import unittest

from relay_case import QueueCase, Result, drive, until

import mail
from crowd import Crowd
from fake_smtp import FakeSmtp
from mail import PLAIN
from name_server import Dnsmasq

ALONE = "RELAY_TEST_ALONE"


def enter_network():
    """Run this program where there is nothing but loopback; why it cannot be, or does not return."""
    alone = ["unshare", "--net"] if os.getuid() == 0 else ["unshare", "--net", "--user", "--map-root-user"]
    if mail.tool("unshare") is None or subprocess.run(alone + ["true"], stderr=subprocess.DEVNULL).returncode != 0:
        return "no network namespaces here"
    os.environ[ALONE] = "1"
    os.execvp(alone[0], alone + [sys.executable] + sys.argv)


def bring_loopback_up():
    up, running, set_flags = 0x1, 0x40, 0x8914
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", b"lo", up | running))


@unittest.skipUnless(mail.tool("dnsmasq"), "dnsmasq is not installed")
@unittest.skipUnless(ALONE in os.environ, "no network namespaces here")
class Exchangers(QueueCase):
    RECORDS = ["--host-record=mx%d.example,127.0.0.%d" % (n, n) for n in range(2, 9)]

    def send_to(self, *records):
        """What came of it; records: the MX of a.example, preference and number."""
        server = self.enter(Dnsmasq(self.RECORDS + ["--mx-host=a.example,mx%d.example,%d" % (n, p) for p, n in records] +
                                    ["--host-record=a.example,127.0.0.2"]))
        lines = drive(self.root, "send", "a.example", "s@s.example", "r@a.example", stdin=PLAIN, options=["resolver=" + server.address])
        return Result(*lines[0].split(" ", 4))

    def serve(self, number, **hooks):
        return self.enter(FakeSmtp(hooks=hooks, host="127.0.0.%d" % number, port=25))

    def test_four_to_the_host_of_many_domains(self):
        domains = ["d%d.example" % n for n in range(8)]
        server = self.enter(Dnsmasq(self.RECORDS + ["--mx-host=%s,mx2.example,10" % domain for domain in domains]))
        host = self.enter(Crowd(pause=0.02, host="127.0.0.2", port=25))
        daemon = self.start(options=["resolver=" + server.address])
        with smtplib.SMTP("127.0.0.1", daemon.port) as client:
            for domain in domains * 5:
                client.sendmail("anna@a.example", ["r@" + domain], "Subject: x\r\n\r\nhello\r\n")
        until(lambda: not self.entries(), 30, "%d messages" % len(host.messages))
        self.assertEqual(len(host.messages), 40)
        self.assertEqual(host.most, 4)
        self.assertNotIn(" deferred ", daemon.log())

    def test_the_best(self):
        best, worse = self.serve(3), self.serve(4)
        self.assertEqual(self.send_to((20, 4), (10, 3))[:3], ("done", "2.0.0", "mx3.example"))
        self.assertEqual((len(best.messages), len(worse.messages)), (1, 0))

    def test_the_next_where_the_best_is_down(self):
        worse = self.serve(4)
        self.assertEqual(self.send_to((20, 4), (10, 3))[:3], ("done", "2.0.0", "mx4.example"))
        self.assertEqual(len(worse.messages), 1)

    def test_the_next_where_the_best_is_full(self):
        self.serve(3, CONNECT=b"421 4.3.2 full\r\n")
        self.serve(4)
        self.assertEqual(self.send_to((20, 4), (10, 3))[:3], ("done", "2.0.0", "mx4.example"))

    def test_a_refusal_is_final(self):
        """RFC 5321 5.1: the next one would only say the same, or worse: take it."""
        self.serve(3, RCPT=b"550 5.1.1 no\r\n")
        worse = self.serve(4)
        self.assertEqual(self.send_to((20, 4), (10, 3))[:3], ("failed", "5.1.1", "mx3.example"))
        self.assertEqual(worse.told, [])

    def test_all_down(self):
        self.assertEqual(self.send_to((20, 4), (10, 3))[:2], ("later", "4.4.1"))

    def test_the_domain_itself(self):
        """Where there is no MX, and only there."""
        itself = self.serve(2)
        self.assertEqual(self.send_to()[:3], ("done", "2.0.0", "a.example"))
        self.assertEqual(self.send_to((10, 3))[:2], ("later", "4.4.1"))
        self.assertEqual(len(itself.messages), 1)


if __name__ == "__main__":
    if ALONE in os.environ:
        bring_loopback_up()
    else:
        enter_network()
    unittest.main()

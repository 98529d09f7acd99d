#!/usr/bin/env python3
"""smtpd passes mail on: from socket to socket, through its queue."""

import os
import re
import socket
import time
import unittest

from relay_case import RelayCase

import letterbox
import receivers
import servers
from fake_server import Drop
from fake_smtp import OFFERS, FakeSmtp
from letterbox import Daemon, MailRoot, connect
from mail import HARD, PLAIN


class Client:
    """A trusted client that can say anything."""

    def __init__(self, daemon):
        self.socket = connect(daemon.port)
        self.file = self.socket.makefile("rb")
        self.reply()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def reply(self):
        """The last line of a reply; None at the end."""
        line = self.file.readline()
        while line[3:4] == b"-":
            line = self.file.readline()
        return line.decode().rstrip() if line else None

    def ask(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()

    def send(self, message, *recipients, sender="anna@a.example", body="BODY=8BITMIME"):
        """The reply to the message, dots stuffed here."""
        self.ask("EHLO client.example")
        self.ask("MAIL FROM:<%s> %s" % (sender, body))
        for recipient in recipients:
            reply = self.ask("RCPT TO:<%s>" % recipient)
            if not reply.startswith("250"):
                raise letterbox.Failure(reply)
        self.ask("DATA")
        self.socket.sendall(re.sub(rb"(?m)^\.", b"..", message) + b".\r\n")
        return self.reply()


class PassingOn(RelayCase):
    def server(self, name, root=None):
        """smtpd for NAME.example, with the user anna."""
        if root is None:
            root = self.enter(MailRoot())
            root.add_plain_account("anna", "secret")
        return root, self.enter(Daemon("smtpd", root, ["hostname=mail.%s.example" % name, "domain=%s.example" % name]))

    def await_mail(self, daemon, root):
        """Anna's mailbox with the one message that she gets."""
        daemon.await_log(lambda line: " delivered " in line, 60)
        self.assertEqual(letterbox.count_messages(root.mbox("anna")), 1)
        return root.mbox("anna")

    def test_two_servers(self):
        """Each sends to the other; every byte arrives, below the trace fields of both."""
        (a, first), (b, second) = self.server("a"), self.server("b")
        a.append("routes", "b.example 127.0.0.1:%d\n" % second.port)
        b.append("routes", "a.example 127.0.0.1:%d\n" % first.port)
        for here, there, root, to, sender in ((first, second, b, "anna@b.example", "anna@a.example"), (second, first, a, "anna@a.example", "anna@b.example")):
            with Client(here) as client:
                self.assertRegex(client.send(HARD, to, sender=sender), "^250 2.0.0 ")
            got = self.await_mail(there, root)
            self.assertEqual(got.count(b"\nReceived: from "), 2)
            self.assertIn(b"\nReturn-Path: <%s>\n" % sender.encode(), got)
            stored = re.sub(rb"(?m)^(>*From )", rb">\1", HARD.replace(b"\r\n", b"\n"))
            self.assertTrue(got.endswith(b"\n" + stored + b"\n"), got)

    def test_the_log(self):
        root, smtpd = self.server("a")
        hooks = {"RCPT TO:<no@b.example>": b"550 5.1.1 no such \"user\"\r\n", "RCPT TO:<later@b.example>": b"450-4.2.1 busy\r\n450 4.2.1 here\r\n"}
        other = self.enter(FakeSmtp(hooks=hooks))
        root.append("routes", "* %s\n" % other.address)
        with Client(smtpd) as client:
            reply = client.send(PLAIN, "yes@b.example", "no@b.example", "later@b.example")
        found = re.search(r"[0-9a-z]{26}", reply).group()
        for event, to, said in (("relayed", "yes", 'host=127.0.0.1 reply="250 2.0.0 taken as 42"'), ("failed", "no", r'reply="550 5.1.1 no such \x22user\x22"'),
                                ("deferred", "later", r'reply="450-4.2.1 busy\x0a450 4.2.1 here"')):
            smtpd.await_log(lambda line, e=event, t=to, s=said: " %s id=%s " % (e, found) in line and "to=%s@b.example" % t in line and s in line)
        self.assertEqual(len(other.messages), 1)
        shown = letterbox.run([letterbox.binary("smtpd"), "-d", root.path, "queue", "show", found])[0].decode()
        self.assertIn("b.example has a route, port %d of 127.0.0.1\n" % other.port, shown)
        self.assertIn("later@b.example would be sent there now\n", shown)
        bounce = self.await_mail(smtpd, root)
        self.assertIn(b"550 5.1.1 no such \"user\"", bounce)
        self.assertNotIn(b"later@b.example", bounce)

    def test_a_message_that_comes_back_ends(self):
        """An address of this machine is no loop by itself. Here it is one, and the 101st Received ends it; the sender is told once."""
        root, smtpd = self.server("a")
        root.append("routes", "b.example 127.0.0.1:%d\n" % smtpd.port)
        with Client(smtpd) as client:
            self.assertRegex(client.send(PLAIN, "r@b.example"), "^250 ")
        smtpd.await_log(lambda line: " failed " in line and "554 5.4.6" in line, 120)
        self.assertIn(b"554 5.4.6", self.await_mail(smtpd, root))

    def test_a_message_that_would_be_damaged(self):
        root, smtpd = self.server("a")
        other = self.enter(FakeSmtp(offers=["PIPELINING"]))
        root.append("routes", "* %s\n" % other.address)
        with Client(smtpd) as client:
            self.assertRegex(client.send(HARD, "r@b.example"), "^250 ")
        self.assertIn(b"5.6.3", self.await_mail(smtpd, root))
        self.assertEqual(other.messages, [])

    def test_smtputf8_only_where_it_is_needed(self):
        """What is all ASCII goes to a host without it, whatever the client said; UTF-8 in a header, an address, or our Received does not."""
        root, smtpd = self.server("a")
        other = self.enter(FakeSmtp(offers=["8BITMIME"]))
        root.append("routes", "* %s\n" % other.address)
        root.append("aliases", "b\u00e4r: r@b.example\n")
        with Client(smtpd) as client:
            for text, to in ((PLAIN, "r@b.example"), ("Subject: \u00e4\r\n\r\n".encode(), "r@b.example"), (PLAIN, "b\u00e4r@b.example"),
                             (PLAIN, "b\u00e4r@a.example")):
                self.assertRegex(client.send(text, to, body="SMTPUTF8 BODY=8BITMIME"), "^250 ")
        smtpd.await_log(lambda _: sum(" failed " in line for line in smtpd.lines if line) == 3 and any(" relayed " in line for line in smtpd.lines if line), 60)
        self.assertEqual(smtpd.log().count("no SMTPUTF8"), 3)
        self.assertEqual(len(other.messages), 1)
        self.assertTrue(any(re.fullmatch(r"MAIL FROM:<anna@a.example> *", line) for line in other.told), other.told)

    def test_dsn_goes_along(self):
        root, smtpd = self.server("a")
        other = self.enter(FakeSmtp(offers=OFFERS + ["DSN"]))
        root.append("routes", "* %s\n" % other.address)
        with Client(smtpd) as client:
            client.ask("EHLO client.example")
            client.ask("MAIL FROM:<anna@a.example> RET=HDRS ENVID=QQ314159")
            client.ask("RCPT TO:<r@b.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;q@c.example")
            client.ask("DATA")
            client.socket.sendall(PLAIN + b".\r\n")
            self.assertRegex(client.reply(), "^250 ")
        smtpd.await_log(lambda line: " relayed " in line)
        self.assertRegex(other.told[1], r"^MAIL FROM:<anna@a.example> SIZE=\d+ RET=HDRS ENVID=QQ314159$")
        self.assertEqual(other.told[2], "RCPT TO:<r@b.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;q@c.example")

    def test_a_silent_host_does_not_hold_up_the_end(self):
        """Nor is its mail lost, or tried any less."""
        root, smtpd = self.server("a")
        with socket.create_server(("127.0.0.1", 0)) as silent:
            root.append("routes", "* 127.0.0.1:%d\n" % silent.getsockname()[1])
            with Client(smtpd) as client:
                client.send(PLAIN, "r@b.example")
            silent.settimeout(30)
            with silent.accept()[0]:
                started = time.monotonic()
                smtpd.stop()
                self.assertLess(time.monotonic() - started, 15)
        self.assertNotIn("crashed", smtpd.log())
        other = self.enter(FakeSmtp())
        os.unlink(root.file("routes"))
        root.append("routes", "* %s\n" % other.address)
        _, smtpd = self.server("a", root)
        smtpd.await_log(lambda line: " relayed " in line, 60)
        self.assertEqual(len(other.messages), 1)

    def test_the_lost_reply(self):
        """The message may be there twice, but not never; nobody is told that it failed."""
        root, smtpd = self.server("a")
        other = self.enter(FakeSmtp(hooks={".": Drop}))
        root.append("routes", "* %s\n" % other.address)
        with Client(smtpd) as client:
            client.send(PLAIN, "r@b.example")
        smtpd.await_log(lambda line: " deferred " in line and "may have taken it" in line)
        other.hooks.clear()
        deadline = letterbox.Deadline(60)
        while not any(" relayed " in line for line in smtpd.lines):
            # What is in work still, because the log is written before the worker ends, is not flushed.
            letterbox.run([letterbox.binary("smtpd"), "-d", root.path, "queue", "flush"])
            try:
                smtpd.await_log(lambda line: " relayed " in line, 2)
            except letterbox.Failure:
                if deadline.over():
                    raise
        self.assertEqual(len(other.messages), 2)
        self.assertEqual(root.mbox("anna"), b"")

    ENDS = (b"\n.\n", b"\r.\r", b"\r\n.\n", b"\n.\r\n", b"\r\n.\r", b"\r.\r\n", b"\r\n.\r\n", b"\r\n..\r\n", b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\n\n.\r\n", b"\r\r\n.\r\n",
            b"\n..\r\n", b"\r..\r\n", b"\n.\r", b"\r.\n", b"\r\n.\r\r\n", b"\r\n.\n\r\n", b"\0\n.\n", b"\r\0\n.\r\0\n", b"\x0b.\x0b", b"\x85.\x85",
            b"\xe2\x80\xa8.\xe2\x80\xa8")
    INNER = b"MAIL FROM:<evil@a.example>\r\nRCPT TO:<r@localhost>\r\nDATA\r\nSubject: smuggled\r\n\r\nx"

    def say(self, smtpd, content, chunked):
        """How many messages were taken; what stands behind an end of the content are commands."""
        with Client(smtpd) as client:
            client.ask("EHLO client.example")
            client.ask("MAIL FROM:<anna@a.example> BODY=8BITMIME")
            client.ask("RCPT TO:<r@localhost>")
            if chunked:
                client.socket.sendall(b"BDAT %d LAST\r\n" % len(content) + content)
            else:
                client.ask("DATA")
                client.socket.sendall(content + b".\r\n")
            client.socket.sendall(b"QUIT\r\n")
            try:
                return len(re.findall(rb"(?m)^250 2\.0\.0 .*[0-9a-z]{26}", client.file.read()))
            except ConnectionResetError:
                return 0

    def smuggle(self, other):
        """As DATA and as BDAT, whose chunks may have CRLF.CRLF in them, too. How many were taken, once as many have been passed on."""
        root, smtpd = self.server("a")
        root.append("routes", "* 127.0.0.1:%d\n" % other.port)
        taken = 0
        for end in self.ENDS:
            content = b"Subject: outer\r\n\r\nx" + end + self.INNER + end + b"x\r\n"
            taken += self.say(smtpd, content, False) + self.say(smtpd, content, True)
        self.assertGreaterEqual(taken, 7)
        smtpd.await_log(lambda line: sum(" relayed " in each for each in smtpd.lines if each) >= taken, 60)
        return taken

    def test_never_more_messages_out_than_in(self):
        other = self.enter(FakeSmtp())
        self.assertEqual(self.smuggle(other), len(other.messages))
        for each in other.messages:
            self.assertIsNone(re.search(rb"(?<!\r)\n|\r(?!\n)|\0", each), "what a lenient server could take for an end")

    def test_never_more_messages_at_real_servers(self):
        for kind in (receivers.Postfix, receivers.Exim, receivers.OpenSmtpd, receivers.Aiosmtpd, receivers.Sink):
            with self.subTest(kind=kind.__name__):
                try:
                    other = self.enter(kind())
                except servers.Skipped as why:
                    self.skipTest(str(why))
                try:
                    taken = self.smuggle(other)
                except letterbox.Failure as why:
                    raise letterbox.Failure("%s\n%s" % (why, other.log())) from None
                self.assertEqual(len(receivers.await_messages(other, taken)), taken)
                other.settle()
                self.assertEqual(len(other.messages()), taken)


if __name__ == "__main__":
    unittest.main()

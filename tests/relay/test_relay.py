#!/usr/bin/env python3
"""A message out of the queue, over SMTP, to servers of every kind: what comes of it for each recipient."""

import os
import socket
import time
import unittest

from relay_case import TRACE, RelayCase

from fake_server import Drop, FakeServer
from fake_smtp import OFFERS, FakeSmtp
from mail import HARD, PLAIN
from name_server import A, Liar, record, response

MANY = ["r%d@a.example" % n for n in range(250)]


class Sending(RelayCase):
    """What the server hears."""

    def serve(self, **more):
        return self.enter(FakeSmtp(**more))

    def test_every_byte(self):
        server = self.serve()
        got = self.send(server.address, HARD, flags=["-8"])
        self.assertEqual([result[:4] for result in got], [("done", "2.0.0", "127.0.0.1", "-")])
        self.assertEqual(got[0].reply, "250 2.0.0 taken as 42")
        self.assertEqual(server.messages, [TRACE + HARD])
        self.assertEqual(server.told[0], "EHLO self.example")
        self.assertRegex(server.told[1], r"^MAIL FROM:<s@s.example> SIZE=\d+ BODY=8BITMIME$")
        self.assertEqual(server.told[2:], ["RCPT TO:<r@a.example>", "DATA", "QUIT"])

    def test_a_name_that_is_none(self):
        server = self.serve()
        self.send(server.address, PLAIN, options=["hostname=self"])
        self.assertEqual(server.told[0], "EHLO [127.0.0.1]")

    def test_without_pipelining(self):
        server = self.serve(offers=["8BITMIME"])
        self.assertEqual(self.send(server.address, HARD, "r@a.example", "q@a.example", flags=["-8"])[1].verdict, "done")
        self.assertEqual(server.messages, [TRACE + HARD])

    def test_a_server_of_old(self):
        server = self.serve(hooks={"EHLO": b"502 what?\r\n"})
        self.assertEqual(self.send(server.address, PLAIN)[0].verdict, "done")
        self.assertEqual(server.messages, [TRACE + PLAIN])

    def test_a_hundred_at_a_time(self):
        server = self.serve()
        got = self.send(server.address, PLAIN, *MANY)
        self.assertEqual([result.verdict for result in got], ["done"] * 250)
        self.assertEqual(len(server.messages), 3)
        self.assertEqual([line for line in server.told if line.startswith("RCPT")], ["RCPT TO:<%s>" % each for each in MANY])
        self.assertEqual(server.told.count("EHLO self.example"), 1)

    def test_message_after_message(self):
        server = self.serve()
        self.assertEqual(len(self.send(server.address, PLAIN, flags=["-n", "5"])), 5)
        self.assertEqual(server.messages, [TRACE + PLAIN] * 5)
        self.assertEqual(server.told.count("EHLO self.example"), 1)

    def test_dsn(self):
        flags = ["-r", "HDRS", "-e", "QQ314159"]
        recipients = ["r@a.example NOTIFY=SUCCESS,DELAY ORCPT=rfc822;q@a.example", "q@a.example NOTIFY=NEVER"]
        server = self.serve(offers=OFFERS + ["DSN"])
        self.assertEqual([r.told for r in self.send(server.address, PLAIN, *recipients, flags=flags)], ["told", "told"])
        self.assertRegex(server.told[1], r"^MAIL FROM:<s@s.example> SIZE=\d+ RET=HDRS ENVID=QQ314159$")
        self.assertEqual(server.told[2:4], ["RCPT TO:<r@a.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;q@a.example", "RCPT TO:<q@a.example> NOTIFY=NEVER"])
        server = self.serve()
        self.assertEqual([r.told for r in self.send(server.address, PLAIN, *recipients, flags=flags)], ["-", "-"])
        self.assertEqual(server.told[2:4], ["RCPT TO:<r@a.example>", "RCPT TO:<q@a.example>"])

    def test_a_list_sends_in_its_owners_name(self):
        recipients = ["r@a.example", "m1@a.example OWNER=owner-list@ours.example NOTIFY=SUCCESS", "m2@a.example OWNER=owner-list@ours.example",
                      "f@a.example OWNER=postmaster"]
        server = self.serve(offers=["DSN"])
        self.assertEqual([r.verdict for r in self.send(server.address, PLAIN, *recipients)], ["done"] * 4)
        self.assertEqual([line for line in server.told if line[:4] in ("MAIL", "RCPT")], [
            "MAIL FROM:<s@s.example>", "RCPT TO:<r@a.example>", "MAIL FROM:<owner-list@ours.example>", "RCPT TO:<m1@a.example>",
            "RCPT TO:<m2@a.example>", "MAIL FROM:<s@s.example>", "RCPT TO:<f@a.example>"])
        server = self.serve()
        self.send(server.address, PLAIN, recipients[1], sender="")
        self.assertIn("MAIL FROM:<>", " ".join(server.told))

    def test_what_it_cannot_take(self):
        server = self.serve(offers=["PIPELINING", "SMTPUTF8"])
        got = self.send(server.address, HARD, flags=["-8"])
        self.assertEqual((got[0].verdict, got[0].status), ("failed", "5.6.3"))
        server = self.serve(offers=["PIPELINING", "8BITMIME"])
        got = self.send(server.address, HARD, flags=["-u", "-8"])
        self.assertEqual((got[0].verdict, got[0].status), ("failed", "5.6.7"))
        got = self.send(server.address, PLAIN, "r@a.example", "bü@a.example", "q@a.example")
        self.assertEqual([(r.verdict, r.status) for r in got], [("done", "2.0.0"), ("failed", "5.6.7"), ("done", "2.0.0")])
        got = self.send(server.address, PLAIN, "r@a.example", "a" * 3000 + "@a.example")
        self.assertEqual({(r.verdict, r.status) for r in got}, {("failed", "5.1.3")})
        server = self.serve(offers=["SIZE 100"])
        got = self.send(server.address, PLAIN)
        self.assertEqual((got[0].verdict, got[0].status), ("failed", "5.3.4"))

    def test_utf8(self):
        server = self.serve()
        self.assertEqual(self.send(server.address, PLAIN, "bü@a.example")[0].verdict, "done")
        self.assertIn("SMTPUTF8", server.told[1])
        self.assertEqual(server.told[2], "RCPT TO:<bü@a.example>")

    def test_no_message_fails_for_an_orcpt(self):
        orcpt = " ORCPT=utf-8;bü@a.example"
        for offers, mail in (["DSN"], ""), (["SMTPUTF8"], " SMTPUTF8"), (["DSN", "SMTPUTF8"], " SMTPUTF8"):
            server = self.serve(offers=offers)
            got = self.send(server.address, PLAIN, "r@a.example", "b@a.example" + orcpt)
            self.assertEqual([r.verdict for r in got], ["done", "done"])
            self.assertEqual(server.told[1:4], ["MAIL FROM:<s@s.example>" + mail, "RCPT TO:<r@a.example>",
                                                "RCPT TO:<b@a.example>" + (orcpt if len(offers) > 1 else "")])

    def test_dots_smuggle_nothing(self):
        """However line ends and dots stand, one message in is one message out. (A bare CR or LF is refused on its way in; here the queue has it.)"""
        for end in (b"\n.\n", b"\r.\r", b"\r\n.\n", b"\n.\r\n", b"\r\n.\r", b"\r.\r\n", b"\r\n.\r\n", b"\r\n..\r\n", b"\r\n\0.\r\n", b"\r\n.\0\r\n"):
            server = self.serve()
            inner = b"MAIL FROM:<evil@s.example>\r\nRCPT TO:<v@a.example>\r\nDATA\r\nSubject: smuggled\r\n"
            self.send(server.address, PLAIN + b"x" + end + inner + b"x" + end)
            with self.subTest(end=end):
                self.assertLessEqual(len(server.messages), 1)
                self.assertNotIn("MAIL FROM:<evil@s.example>", server.told)


class Answers(RelayCase):
    """What is made of what the server says."""

    def expect(self, hooks, *expected, recipients=("r@a.example", "q@a.example"), offers=None, message=PLAIN, flags=()):
        """expected: (verdict, status, the reply or a part of it) of each recipient."""
        server = self.enter(FakeSmtp(hooks=hooks, offers=offers))
        got = self.send(server.address, message, *recipients, flags=flags)
        self.assertEqual([(r.verdict, r.status) for r in got], [each[:2] for each in expected], got)
        for result, each in zip(got, expected):
            self.assertIn(each[2], result.reply)
        return server, got

    def test_each_recipient_by_itself(self):
        for offers in (None, []):
            server, got = self.expect({"RCPT TO:<q@a.example>": b"550-5.1.1 no such\r\n550 5.1.1 user\r\n"}, ("done", "2.0.0", "taken"),
                                      ("failed", "5.1.1", "550-5.1.1 no such|550 5.1.1 user"), offers=offers)
            self.assertEqual(got[1].host, "127.0.0.1")
            self.assertEqual(server.messages, [TRACE + PLAIN])
            self.expect({"RCPT TO:<q@a.example>": b"452 4.5.3 too many\r\n"}, ("done", "2.0.0", "taken"), ("later", "4.5.3", "452"), offers=offers)
            self.expect({"RCPT TO:<q@a.example>": b"552 too many\r\n"}, ("done", "2.0.0", "taken"), ("later", "4.0.0", "552 too"), offers=offers)
            self.expect({"RCPT": b"552 5.2.2 full\r\n"}, ("failed", "5.2.2", "552"), ("failed", "5.2.2", "552"), offers=offers)
            self.expect({"RCPT TO:<q@a.example>": b"421 4.3.2 bye\r\n"}, ("later", "4.3.2", "421"), ("later", "4.3.2", "421"), offers=offers)

    def test_the_message_for_all(self):
        for offers in (None, []):
            for what in ("MAIL", "DATA", "."):
                with self.subTest(what=what):
                    self.expect({what: b"451 4.2.0 busy\r\n"}, *[("later", "4.2.0", "451 4.2.0 busy")] * 2, offers=offers)
                    self.expect({what: b"554 5.7.1 spam\r\n"}, *[("failed", "5.7.1", "554 5.7.1 spam")] * 2, offers=offers)
                    self.expect({what: b"554 spam\r\n"}, *[("failed", "5.0.0", "554 spam")] * 2, offers=offers)
                    self.expect({what: b"251 what\r\n" if what != "." else b"354 what\r\n"}, *[("later", "4.0.0", " what")] * 2, offers=offers)

    def test_one_refused_and_the_message_later(self):
        self.expect({"RCPT TO:<r@a.example>": b"550 5.1.1 no\r\n", ".": b"451 later\r\n"}, ("failed", "5.1.1", "550"), ("later", "4.0.0", "451"))

    def test_no_session(self):
        for hook in ("CONNECT", "EHLO"):
            self.expect({hook: b"554 5.7.1 not you\r\n", "HELO": b"554 5.7.1 not you\r\n"}, ("later", "4.7.1", "554 5.7.1 not you"))
            self.expect({hook: b"421 4.3.2 full\r\n"}, ("later", "4.3.2", "421 4.3.2 full"))

    def test_the_end_of_the_connection(self):
        for what in ("CONNECT", "EHLO"):
            self.expect({what: Drop}, ("later", "4.4.2", "closed the connection"))
        for what in ("MAIL", "RCPT", "DATA"):
            self.expect({what: Drop}, *[("later", "4.4.2", "closed the connection")] * 2)
        self.expect({"BODY": Drop}, *[("later", "4.4.2", "127.0.0.1: the ")] * 2, message=PLAIN + b"0123456789abcde\r\n" * 500000)

    def test_the_last_reply_is_lost(self):
        server, _ = self.expect({".": Drop}, *[("later", "4.4.2", "it may have taken it")] * 2)
        self.assertEqual(server.messages, [TRACE + PLAIN])

    def test_talk_out_of_turn(self):
        self.expect({"CONNECT": b"220 hello\r\n250 go on\r\n"}, ("later", "4.5.0", "out of turn"))
        self.expect({"DATA": b"354 go\r\n250 taken\r\n"}, *[("later", "4.0.0", "250 taken")] * 2)
        self.expect({"EHLO": b"250 ok\r\n250 ok\r\n"}, *[("later", "4.5.0", "out of turn")] * 2)

    def test_what_is_no_smtp(self):
        for hello in (b"SSH-2.0-OpenSSH\r\n", b"\x16\x03\x01\r\n", b"220-a\r\n221 b\r\n", b"999 x\r\n", b"\0\r\n"):
            self.expect({"CONNECT": hello}, ("later", "4.5.0", "malformed"))

    def test_a_session_that_ends_early(self):
        server = self.enter(FakeSmtp(hooks={".": b"421 4.3.2 enough\r\n"}))
        got = self.send(server.address, PLAIN, *MANY)
        self.assertEqual([r.status for r in got], ["4.3.2"] * 100 + ["4.4.2"] * 150)

    def test_a_slow_greeting_is_awaited(self):
        class Slow(FakeServer):
            def session(self, connection):
                for byte in b"220 slow\r\n":
                    connection.sendall(bytes([byte]))
                    time.sleep(0.01)
                connection.recv(1000)
                connection.sendall(b"421 enough\r\n")
        server = self.enter(Slow({}))
        self.assertEqual(self.send(server.address, PLAIN)[0].reply, "421 enough")

    def test_endless_replies(self):
        for text in (b"220-" + b"x" * 1000 + b"\r\n", b"220-" + b"x" * 4000, b"\r\n", b"220 x\r\n" * 100):
            class Endless(FakeServer):
                def session(self, connection, text=text):
                    while True:
                        connection.sendall(text)
            server = self.enter(Endless({}))
            started = time.monotonic()
            got = self.send(server.address, PLAIN)
            self.assertEqual((got[0].verdict, got[0].status), ("later", "4.5.0"), got)
            self.assertLess(time.monotonic() - started, 20)


class Hosts(RelayCase):
    """Which address is taken. The host of the route has several."""

    def resolver(self, *addresses):
        def answer(query, tcp):
            kind = query[query.index(b"\0", 12) + 2]
            return response(query, [record(A, socket.inet_aton(each)) for each in addresses] if kind == A else [])
        return "resolver=" + self.enter(Liar(answer)).address

    def send_to(self, port, resolver):
        return self.send("two.example:%d" % port, PLAIN, options=[resolver])

    def test_the_next_one_where_the_first_does_not_want(self):
        for hooks in ({"CONNECT": b"554 not me\r\n"}, {"CONNECT": b"421 full\r\n"}, {"CONNECT": Drop}, {"EHLO": b"421 no\r\n"}, {"CONNECT": b"hello\r\n"}):
            first = self.enter(FakeSmtp(hooks=hooks, host="127.0.0.2"))
            second = self.enter(FakeSmtp(host="127.0.0.3", port=first.port))
            got = self.send_to(first.port, self.resolver("127.0.0.2", "127.0.0.3"))
            self.assertEqual((got[0].verdict, got[0].host), ("done", "two.example"))
            self.assertEqual((len(first.messages), len(second.messages)), (0, 1))

    def test_the_next_one_where_nobody_listens(self):
        second = self.enter(FakeSmtp(host="127.0.0.3"))
        got = self.send_to(second.port, self.resolver("127.0.0.2", "127.0.0.3"))
        self.assertEqual(got[0].verdict, "done")

    def test_a_name_that_the_system_knows(self):
        """Without a resolver of our own, hosts(5) counts; ::1 may come first, where nobody listens."""
        server = self.enter(FakeSmtp())
        got = self.send("localhost:%d" % server.port, PLAIN)
        self.assertEqual((got[0].verdict, got[0].host), ("done", "localhost"))

    def test_a_route_to_nowhere_waits(self):
        """A slip of the postmaster's is no reason to send mail back."""
        got = self.send_to(25, self.resolver())
        self.assertEqual(got[0][:3], ("later", "4.3.5", "-"))

    def test_nobody_listens(self):
        with socket.socket() as free:
            free.bind(("127.0.0.2", 0))
            got = self.send_to(free.getsockname()[1], self.resolver("127.0.0.2"))
        self.assertEqual(got[0][:4], ("later", "4.4.1", "-", "-"))
        self.assertIn("two.example (127.0.0.2) cannot be reached: Connection refused", got[0].reply)

    def test_a_reply_says_more_than_silence(self):
        first = self.enter(FakeSmtp(hooks={"CONNECT": b"421 4.3.2 full\r\n"}, host="127.0.0.2"))
        got = self.send_to(first.port, self.resolver("127.0.0.2", "127.0.0.3"))
        self.assertEqual(got[0].reply, "421 4.3.2 full")


class Login(RelayCase):
    """At a smarthost."""

    def send_with(self, password, options=(), **more):
        server = self.enter(FakeSmtp(**more))
        self.root.append("routes.auth", "%s anna %s\n" % (server.address, password))
        got = self.send(server.address, PLAIN, options=options)
        return server, got[0]

    def test_by_each_way(self):
        for ways in ("SCRAM-SHA-256 PLAIN LOGIN", "PLAIN LOGIN", "LOGIN"):
            server, got = self.send_with("secret", offers=["AUTH " + ways])
            self.assertEqual(got.verdict, "done", got)
            self.assertTrue(server.told[1].startswith("AUTH " + ways.split()[0]))

    def test_a_wrong_password_is_later(self):
        server, got = self.send_with("wrong", offers=["AUTH PLAIN"])
        self.assertEqual(got, ("later", "4.7.8", "127.0.0.1", "-", "535 5.7.8 no"))
        self.assertEqual(server.messages, [])

    def test_no_way(self):
        server, got = self.send_with("secret", offers=["AUTH GSSAPI"])
        self.assertEqual((got.verdict, got.status), ("later", "4.7.0"))
        self.assertEqual(server.messages, [])
        server, got = self.send_with("secret", hooks={"EHLO": b"502 what?\r\n"})
        self.assertIn("offers no way to log in", got.reply)

    def test_a_server_that_does_not_know_it(self):
        server, got = self.send_with("secret", offers=["AUTH SCRAM-SHA-256"], scram="lie")
        self.assertEqual((got.verdict, got.status), ("later", "4.7.0"))
        self.assertEqual(server.messages, [])

    def test_not_readable_where_that_is_forbidden(self):
        server, got = self.send_with("secret", ["auth-cleartext=no"], offers=["AUTH PLAIN LOGIN"])
        self.assertEqual((got.verdict, got.status), ("later", "4.7.0"))
        self.assertIn("auth-cleartext", got.reply)
        self.assertEqual(server.told, ["EHLO self.example", "QUIT"])
        server, got = self.send_with("secret", ["auth-cleartext=no"], offers=["AUTH PLAIN SCRAM-SHA-256"])
        self.assertEqual(got.verdict, "done")

    def test_who_may_read_it(self):
        server = self.enter(FakeSmtp(offers=["AUTH PLAIN"]))
        self.root.append("routes.auth", "%s anna secret\n" % server.address)
        os.chmod(self.root.file("routes.auth"), 0o644)
        got = self.send(server.address, PLAIN)[0]
        self.assertEqual((got.verdict, got.status), ("later", "4.3.5"))
        self.assertEqual(server.told, [])


if __name__ == "__main__":
    unittest.main()

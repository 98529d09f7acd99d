#!/usr/bin/env python3
"""pop3c on a terminal: the session, the pager, the question for the password, progress, interrupts."""

import os
import re
import select
import signal
import sys
import termios
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import letterbox  # noqa: E402
from client_case import Pop3c, Terminal  # noqa: E402
from fake_pop3 import Drop  # noqa: E402

MAILS = [b"From: Anna <anna@example.org>\r\nDate: Tue, 24 Nov 2026 05:31:18 +0000\r\nSubject: =?utf-8?q?gr=C3=BCn?=\r\n\r\nfirst \x1b[31mred\x07\r\n",
         b"From: bob@example.org\r\nDate: Tue, 24 Nov 2026 06:00:00 +0000\r\nSubject: two\x1b]0;x\x07\r\n\r\nsecond\r\n",
         b"From: carl@example.org\r\nSubject: three\r\n\r\nthird\r\n"]
PROMPT = "mail number (? for help): "
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class Session(Pop3c):
    def setUp(self):
        super().setUp()
        self.environment.update(PAGER="cat", TERM="dumb")

    def begin(self, mails=None, **more):
        self.fake = self.server(MAILS if mails is None else mails, **more)
        terminal = Terminal(self, self.fake)
        return terminal, terminal.until(PROMPT)

    def answer(self, terminal, line):
        """Type a line; what comes up to the next prompt, without the echo."""
        terminal.type(line + "\n")
        return terminal.until(PROMPT).split("\r\n", 1)[1]

    def test_the_list(self):
        _, shown = self.begin()
        lines = [re.split(r"  +", line.strip()) for line in shown.splitlines()]
        self.assertEqual(lines, [["1", "Anna <anna@example.org>", "2026-11-24 05:31", "grün"],
                                 ["2", "bob@example.org", "2026-11-24 06:00", "two ]0;x"],
                                 ["3", "carl@example.org", "---------- --:--", "three"]])
        self.assertIsNone(CONTROL.search(shown))

    def test_a_mail_is_shown(self):
        terminal, _ = self.begin()
        shown = self.answer(terminal, "1")
        self.assertIn("Subject: grün\r\n\r\nfirst [31mred\r\n", shown)
        self.assertIsNone(CONTROL.search(shown))

    def test_the_pager_gets_the_mail_on_its_input(self):
        self.environment["PAGER"] = "sed 's/^/> /'"
        terminal, _ = self.begin()
        self.assertIn("> second\r\n", self.answer(terminal, "2"))

    def test_without_such_a_pager_it_is_plain(self):
        self.environment["PAGER"] = "/nonexistent"
        terminal, _ = self.begin()
        self.assertIn("\r\nsecond\r\n", self.answer(terminal, "2"))

    def test_a_pager_that_has_enough(self):
        self.environment["PAGER"] = "head -1 >/dev/null"
        terminal, _ = self.begin([b"Subject: x\r\n\r\n" + b"line\r\n" * 100000])
        self.answer(terminal, "1")
        self.assertIn("mail 1", self.answer(terminal, "d"))

    def test_delete_and_take_back(self):
        terminal, _ = self.begin()
        self.assertIn("which one?", self.answer(terminal, "d"))
        self.answer(terminal, "2")
        self.assertEqual(self.answer(terminal, "d"), "mail 2 will be deleted when you leave\r\n")
        self.assertEqual(self.answer(terminal, "d 1 3").count("will be deleted"), 2)
        self.assertIn("\r\n   2D bob", self.answer(terminal, "l"))
        self.assertEqual(self.answer(terminal, "u 1"), "mail 1 stays\r\n")
        self.assertNotIn("DELE", " ".join(self.fake.asked))
        terminal.type("q\n")
        rest, status = terminal.wait()
        self.assertIn("2 deleted: 2 3\r\n", rest)
        self.assertEqual((status, self.fake.mails), (0, MAILS[:1]))

    def test_out_of_range_is_asked_again(self):
        terminal, _ = self.begin()
        for word in ("0", "4", "-2", "99999999999999999999", "d 4", "u 9"):
            self.assertIn("there is no mail %s: 1 to 3" % word.split()[-1], self.answer(terminal, word))
        for word in ("x", "12x;", "dx", "é"):
            self.assertNotEqual(self.answer(terminal, word), "")
        self.assertEqual(self.answer(terminal, ""), "")
        self.assertIn("Ctrl-C", self.answer(terminal, "?"))
        self.assertIn("second", self.answer(terminal, " 2 "))

    def test_ways_to_leave(self):
        for word in ("q\n", "-1\n", "\x04"):
            terminal, _ = self.begin()
            self.answer(terminal, "d 1")
            terminal.type(word)
            rest, status = terminal.wait()
            self.assertIn("1 deleted: 1\r\n", rest)
            self.assertEqual((status, self.fake.mails), (0, MAILS[1:]))

    def test_leaving_without_deleting_says_so(self):
        terminal, _ = self.begin([])
        self.assertIn("empty", self.answer(terminal, "1"))
        terminal.type("q\n")
        self.assertIn("nothing deleted\r\n", terminal.wait()[0])

    def test_an_interrupt_deletes_nothing(self):
        terminal, _ = self.begin()
        self.answer(terminal, "d 1")
        terminal.type("\x03")
        rest, status = terminal.wait()
        self.assertIn("nothing was deleted", rest)
        self.assertEqual((status, len(self.fake.mails)), (-signal.SIGINT, 3))

    def test_an_interrupt_of_the_pager_goes_on(self):
        self.environment["PAGER"] = "trap 'echo interrupted; exit 0' INT; cat; echo paging; while :; do sleep 0.1; done"
        terminal, _ = self.begin()
        terminal.type("1\n")
        terminal.until("paging")
        terminal.type("\x03")
        self.assertIn("interrupted", terminal.until(PROMPT))
        terminal.type("q\n")
        self.assertEqual(terminal.wait()[1], 0)

    def test_the_server_goes_away(self):
        terminal, _ = self.begin(hooks={"RETR 2": Drop})
        self.answer(terminal, "d 1")
        terminal.type("2\n")
        rest, status = terminal.wait()
        self.assertIn("closed the connection", rest)
        self.assertIn("nothing was deleted", rest)
        self.assertEqual((status, len(self.fake.mails)), (75, 3))

    def test_the_server_goes_away_at_the_end(self):
        terminal, _ = self.begin(hooks={"QUIT": Drop})
        self.answer(terminal, "d 1")
        terminal.type("q\n")
        rest, status = terminal.wait()
        self.assertIn("has not said that it deleted", rest)
        self.assertNotIn("1 deleted", rest)
        self.assertEqual(status, 75)

    def test_a_mail_that_the_server_refuses(self):
        terminal, _ = self.begin(hooks={"RETR 2": b"-ERR rotten\r\n"})
        self.assertIn("rotten", self.answer(terminal, "2"))
        self.assertIn("third", self.answer(terminal, "3"))


class AtTheTerminal(Pop3c):
    def test_the_password_is_asked_without_echo(self):
        del self.environment["MAIL_PASSWORD"]
        server = self.server(MAILS)
        terminal = Terminal(self, server, "stat")
        terminal.until("password of anna at 127.0.0.1: ")
        deadline = letterbox.Deadline(10)
        while termios.tcgetattr(terminal.fd)[3] & termios.ECHO and not deadline.over():
            select.select([], [], [], 0.01)
        terminal.type("secret\n")
        rest, status = terminal.wait()
        self.assertEqual((status, rest.strip()), (0, "3 %d" % sum(map(len, MAILS))))
        self.assertIn("PASS secret", server.asked)

    def test_an_interrupt_at_the_password(self):
        del self.environment["MAIL_PASSWORD"]
        terminal = Terminal(self, self.server(), "stat")
        terminal.until(": ")
        deadline = letterbox.Deadline(10)
        while termios.tcgetattr(terminal.fd)[3] & termios.ECHO and not deadline.over():
            select.select([], [], [], 0.01)
        terminal.type("\x03")
        self.assertEqual(terminal.wait()[1], -signal.SIGINT)

    def test_progress(self):
        self.assertIn("message 1 of 3", Terminal(self, self.server(MAILS), "fetch", "box").wait()[0])
        self.assertNotIn("message", Terminal(self, self.server(MAILS), "-q", "fetch", "box").wait()[0])

    def test_read_goes_through_the_pager(self):
        self.environment["PAGER"] = "sed 's/^/> /'"
        self.assertIn("> second\r\n", Terminal(self, self.server(MAILS), "read", "2").wait()[0])


if __name__ == "__main__":
    unittest.main()

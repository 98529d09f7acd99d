#!/usr/bin/env python3
"""pop3c against a server that does what the test wants: logins, the scripted commands, exit statuses, hostile answers."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import letterbox  # noqa: E402
from client_case import Pop3c  # noqa: E402
from fake_pop3 import Drop, FakePop3, STAMP  # noqa: E402

ONE = (b"From: =?utf-8?q?J=C3=BCrgen?= <jur@example.org>\r\nTo: anna@example.org\r\nDate: Tue, 24 Nov 2026 06:31:18 +0100\r\n"
       b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\x1b[31m red\r\n\r\n.first\r\n..second\r\nFrom third\r\nesc \x1b]0;title\x07 \xc2\x9b31m "
       b"\xe2\x80\xaeevil end\r\n")
TWO = (b"From: bob@example.org\r\nSubject: two\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
       b"--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
       b"caf=E9 soft =\r\nbreak\r\n--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"a\x1bb.pdf\"\r\n"
       b"Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\n")
THREE = b"Subject: three\r\n\r\nlast\r\n"


class Login(Pop3c):
    def test_user_and_pass_where_there_is_nothing_else(self):
        server = self.server(capa=[])
        self.assertEqual(self.run_it(server, "stat"), ("0 0\n", ""))
        self.assertEqual(server.asked, ["CAPA", "USER anna", "PASS secret", "STAT", "QUIT"])

    def test_apop_before_plain(self):
        server = self.server(greeting=b"+OK ready " + STAMP.encode() + b"\r\n", capa=["USER", "SASL PLAIN"])
        self.run_it(server, "stat")
        self.assertTrue(server.asked[1].startswith("APOP anna "), server.asked)
        self.assertNotIn("secret", " ".join(server.asked))

    def test_scram_before_apop(self):
        server = self.server(greeting=b"+OK " + STAMP.encode() + b"\r\n", capa=["USER", "SASL PLAIN SCRAM-SHA-256"], scram="yes")
        self.run_it(server, "stat")
        self.assertTrue(server.asked[1].startswith("AUTH SCRAM-SHA-256 "), server.asked)
        self.assertEqual(server.asked[2], "STAT")

    def test_plain_with_its_initial_response(self):
        server = self.server(capa=["USER", "SASL PLAIN"])
        self.run_it(server, "stat")
        self.assertEqual(server.asked[1], "AUTH PLAIN AGFubmEAc2VjcmV0")

    def test_a_long_password_goes_behind_the_command(self):
        self.environment["MAIL_PASSWORD"] = "p" * 200
        server = self.server(capa=["SASL PLAIN"], password="p" * 200)
        self.run_it(server, "stat")
        self.assertEqual(server.asked[1], "AUTH PLAIN")

    def test_scram_that_is_not_there_falls_to_the_next(self):
        server = self.server(greeting=b"+OK " + STAMP.encode() + b"\r\n", capa=["USER", "SASL SCRAM-SHA-256"])
        self.run_it(server, "stat")
        self.assertTrue(server.asked[2].startswith("APOP "), server.asked)

    def test_a_server_that_does_not_know_the_password_is_not_believed(self):
        for scram in ("lie", "silent"):
            server = self.server([ONE], capa=["USER", "SASL SCRAM-SHA-256"], scram=scram)
            self.assertIn("does not prove", self.said(server, "delete", "1", status=77))
            self.assertEqual(len(server.mails), 1)

    def test_a_refused_password_is_tried_once(self):
        for capa, greeting in ((["USER", "SASL PLAIN SCRAM-SHA-256"], b"+OK\r\n"), (["USER", "SASL PLAIN"], b"+OK\r\n"),
                               (["USER"], b"+OK " + STAMP.encode() + b"\r\n"), ([], b"+OK\r\n")):
            server = self.server(capa=capa, greeting=greeting, scram="yes", password="another")
            self.said(server, "stat", status=77)
            logins = [line for line in server.asked if line.split()[0] in ("AUTH", "APOP", "PASS")]
            self.assertEqual(len(logins), 1, server.asked)

    def test_a_maildrop_in_use_is_for_later(self):
        server = self.server(hooks={"PASS": b"-ERR [IN-USE] another session\r\n"})
        self.assertEqual(self.said(server, "stat", status=75), "pop3c: [IN-USE] another session\n")

    def test_no_way_to_log_in(self):
        self.said(self.server(capa=["TOP", "SASL GSSAPI"]), "stat", status=77)

    def test_a_greeting_that_refuses(self):
        self.said(self.server(greeting=b"-ERR [SYS/TEMP] busy\r\n"), "stat", status=75)
        self.said(self.server(greeting=b"-ERR [SYS/PERM] never\r\n"), "stat", status=65)

    def test_verbose_masks_secrets(self):
        for capa, greeting in ((["SASL SCRAM-SHA-256"], b"+OK\r\n"), (["SASL PLAIN"], b"+OK\r\n"), ([], b"+OK\r\n"),
                               ([], b"+OK " + STAMP.encode() + b"\r\n")):
            server = self.server([ONE], capa=capa, greeting=greeting, scram="yes")
            _, err = self.run_it(server, "-v", "stat")
            self.assertIn("C: STAT\nS: +OK 1 ", err)
            self.assertNotRegex(err, r"\+ [^(]")
            for secret in ["secret\n", "AGFubmE"] + [line.split()[-1] for line in server.asked if line.startswith("APOP")]:
                self.assertNotIn(secret, err.replace("(secret)", ""))

    def test_verbose_shows_no_control_characters(self):
        _, err = self.run_it(self.server(greeting=b"+OK \x1b[2J\r\n"), "-v", "stat")
        self.assertIn("S: +OK \\x1b[2J\n", err)


class Password(Pop3c):
    def setUp(self):
        super().setUp()
        del self.environment["MAIL_PASSWORD"]

    def netrc(self, text):
        with open(os.path.join(self.home, ".netrc"), "w", encoding="utf-8") as file:
            file.write(text)

    def test_the_command_of_P_prints_it(self):
        self.run_it(self.server(), "-P", "echo secret; echo more", "stat")
        self.run_it(self.server(), "-P", "echo secret; exec yes", "stat")
        self.run_it(self.server(), "-P", "echo secret; yes; exit $?", "stat")
        self.said(self.server(), "-P", "exit 1", "stat", status=77)
        self.said(self.server(), "-P", "true", "stat", status=77)

    def test_the_environment_comes_first_and_is_not_handed_on(self):
        self.environment["MAIL_PASSWORD"] = "secret"
        server = self.server([ONE])
        self.run_it(server, "-P", "echo wrong", "fetch", "|test -z \"${MAIL_PASSWORD+set}\"")
        self.assertEqual(server.mails, [])

    def test_netrc_names_user_and_password(self):
        server = self.server(user="eva")
        self.netrc("machine elsewhere login x password y\nmachine 127.0.0.1\n\tlogin eva\n\tpassword \"secret\"\n")
        self.run_it(server, "stat")
        self.said(server, "-u", "otto", "stat", status=77)

    def test_netrc_default(self):
        self.netrc("default login anna password secret\n")
        self.run_it(self.server(), "stat")

    def test_the_user_is_the_account(self):
        self.environment.update(MAIL_PASSWORD="secret", LOGNAME="otto")
        server = self.server(user="otto")
        self.run_it(server, "stat")
        self.assertIn("USER otto", server.asked)

    def test_nobody_to_ask(self):
        self.assertIn("no password", self.said(self.server(), "stat", status=77, start_new_session=True))

    def test_a_line_end_in_a_name_is_refused(self):
        self.environment["MAIL_PASSWORD"] = "secret"
        server = self.server([ONE])
        self.said(server, "-u", "anna\r\nDELE 1", "stat", status=77)
        self.assertEqual(server.sessions, 0)

    def test_a_name_that_is_too_long_is_nobody_else(self):
        self.environment.update(MAIL_PASSWORD="secret", LOGNAME="anna")
        server = self.server([ONE])
        self.said(server, "-u", "a" * 513, "stat", status=77)
        self.assertEqual(server.sessions, 0)


class Usage(Pop3c):
    def test_one_line_and_64(self):
        for words in (["-Z", "stat"], ["-T", "tls", "stat"], ["-X", "nc", "stat"], ["-w", "0", "stat"], ["-w", "x", "stat"], ["-S"], [],
                      ["nonsense"], [""], ["stat", "1"], ["read"], ["read", "x"], ["read", "1", "2"], ["delete"], ["delete", "1", "-1"],
                      ["fetch", "-z"], ["fetch", "a", "b"], ["fetch", ""], ["--nonsense"],
                      ["-S", "", "stat"], ["-S", "host:pop3", "stat"], ["-S", "host:65536", "stat"], ["-S", "[::1", "stat"]):
            self.said(None, *words, status=64)

    def test_help_and_version(self):
        for word in ("-h", "--help"):
            self.assertIn("fetch", self.run_it(None, word)[0])
        for word in ("-V", "--version"):
            self.assertTrue(self.run_it(None, word)[0].startswith("pop3c "))

    def test_mailserver_is_the_default(self):
        server = self.server()
        self.environment["MAILSERVER"] = server.address
        self.run_it(None, "stat")


class Scripted(Pop3c):
    def test_stat(self):
        server = self.server([ONE, TWO])
        self.assertEqual(self.run_it(server, "stat"), ("2 %d\n" % (len(ONE) + len(TWO)), ""))

    def test_list(self):
        server = self.server([ONE, TWO, THREE])
        out, err = self.run_it(server, "list")
        self.assertEqual(err, "")
        self.assertEqual([line.split(None, 2)[:2] for line in out.splitlines()],
                         [[str(n + 1), str(len(mail))] for n, mail in enumerate((ONE, TWO, THREE))])
        lines = [list(filter(None, (part.strip() for part in line.split("  ")))) for line in out.splitlines()]
        self.assertEqual(lines[0][2:], ["Jürgen <jur@example.org>", "2026-11-24 05:31", "Grüße [31m red"])
        self.assertEqual(lines[1][2:], ["bob@example.org", "---------- --:--", "two"])
        self.assertEqual(lines[2][2:], ["-", "---------- --:--", "three"])
        self.assertNotIn("RETR 1", server.asked)

    def test_the_list_shows_the_local_time(self):
        self.environment["TZ"] = "XXX-05:30"
        self.assertIn("2026-11-24 11:01", self.run_it(self.server([ONE]), "list")[0])

    def test_list_is_pipelined_where_the_server_says_so(self):
        def first(session, _line):
            session.server.note(session.read())
            session.send(session.do_top("1", "0"))
            return session.do_top("2", "0")
        server = self.server([ONE, TWO], hooks={"TOP 1 0": first})
        self.assertEqual(self.run_it(server, "list")[0].count("\n"), 2)

    def test_list_waits_where_the_server_does_not(self):
        def alone(session, _line):
            session.connection.settimeout(0.2)
            try:
                session.server.note("early " + session.read())
            except OSError:
                pass
            session.connection.settimeout(30)
            session.input = session.connection.makefile("rb")
        server = self.server([ONE, TWO], capa=["TOP", "USER"], hooks={"TOP 1 0": alone})
        self.run_it(server, "list")
        self.assertNotIn("early", " ".join(server.asked))

    def test_list_without_top(self):
        server = self.server([ONE, TWO], capa=["USER"])
        self.assertIn("two", self.run_it(server, "list")[0])
        self.assertIn("RETR 1", server.asked)

    def test_list_without_top_and_capa(self):
        server = self.server([ONE, TWO], capa=[], hooks={"TOP": b"-ERR what?\r\n"})
        self.assertIn("two", self.run_it(server, "list")[0])
        self.assertEqual([line for line in server.asked if line[:4] in ("TOP ", "RETR")], ["TOP 1 0", "RETR 1", "RETR 2"])
        server = self.server([ONE, TWO], capa=[], hooks={"TOP": b"-ERR what?\r\n", "RETR 1": b"-ERR gone\r\n"})
        self.assertEqual(self.run_it(server, "list")[0].count("\n"), 2)

    def test_a_header_that_the_server_refuses(self):
        out, _ = self.run_it(self.server([ONE, TWO], hooks={"TOP 1 0": b"-ERR gone\r\n"}), "list")
        self.assertEqual(out.count("\n"), 2)

    def test_read(self):
        server = self.server([ONE, TWO])
        out, err = self.run_it(server, "read", "1")
        self.assertEqual((out, err), ("From: Jürgen <jur@example.org>\nTo: anna@example.org\nDate: Tue, 24 Nov 2026 06:31:18 +0100\n"
                                      "Subject: Grüße [31m red\n\n.first\n..second\nFrom third\nesc ]0;title 31m evil end\n", ""))
        out, _ = self.run_it(server, "read", "2")
        self.assertIn("\n\ncafé soft break\n\n[attachment: a b.pdf, application/pdf, 3 bytes]", out)

    def test_raw_is_every_byte(self):
        every = b"Subject: x\r\n\r\n" + bytes(range(256)).replace(b"\r", b"").replace(b"\n", b"") + b"\r\n.\r\n..\r\n\rx\r\n\r\n"
        for mail in (ONE, every, b"X: y\r\n" * 200000):
            server = self.server([mail])
            done = subprocess.run([letterbox.binary("pop3c"), "-S", server.address, "raw", "1"], stdout=subprocess.PIPE,
                                  env=self.environment, check=True, timeout=30)
            self.assertEqual(done.stdout, mail)

    def test_delete(self):
        server = self.server([ONE, TWO, THREE])
        self.assertEqual(self.run_it(server, "delete", "3", "1", "3"), ("", ""))
        self.assertEqual(server.mails, [TWO])

    def test_out_of_range_is_65_and_deletes_nothing(self):
        server = self.server([ONE, TWO])
        for words in (["read", "3"], ["raw", "0"], ["read", "4294967295"], ["delete", "1", "3"]):
            self.assertIn("there is no message", self.said(server, *words, status=65))
        self.assertEqual(len(server.mails), 2)

    def test_delete_says_what_was_refused(self):
        server = self.server([ONE, TWO], hooks={"DELE 1": b"-ERR locked\r\n"})
        self.assertEqual(self.said(server, "delete", "1", "2", status=79), "pop3c: message 1: locked\n")
        self.assertEqual(server.mails, [ONE])
        self.said(self.server([ONE], hooks={"DELE 1": b"-ERR locked\r\n"}), "delete", "1", status=65)

    def test_delete_without_the_ok_of_quit_is_no_success(self):
        for hook, status in ((Drop, 75), (b"-ERR some deleted messages not removed\r\n", 65), (b"-ERR [SYS/TEMP] disk\r\n", 75)):
            _, err = self.run_it(self.server([ONE], hooks={"QUIT": hook}), "delete", "1", status=status)
            self.assertIn("has not said that it deleted", err)

    def test_standard_output_that_cannot_be_written(self):
        server = self.server([ONE])
        for words in (["stat"], ["list"], ["read", "1"], ["raw", "1"], ["fetch", "-"]):
            with open("/dev/full", "wb") as full:
                _, err = self.run_it(server, *words, status=74, stdout=full)
                self.assertIn("No space left", err)
        self.assertEqual(server.mails, [ONE])

    def test_standard_output_that_is_closed(self):
        server = self.server([ONE])
        for words in (["stat"], ["list"], ["read", "1"], ["raw", "1"], ["fetch", "-"]):
            _, err = self.run_it(server, *words, status=74, preexec_fn=lambda: os.close(1))
            self.assertIn("Bad file descriptor", err)
        self.assertEqual(server.mails, [ONE])

    def test_standard_error_that_is_closed(self):
        self.run_it(self.server([ONE]), "-v", "stat", preexec_fn=lambda: os.close(2))

    def test_plain_text_into_a_pipe(self):
        self.environment["PAGER"] = "touch pager"
        self.run_it(self.server([ONE]), "read", "1")
        self.assertFalse(os.path.exists(os.path.join(self.home, "pager")))


class Hostile(Pop3c):
    def test_unreachable(self):
        with FakePop3() as server:
            address = server.address
        self.said(None, "-S", address, "stat", status=69)

    def test_no_such_host(self):
        self.said(None, "-S", "host.invalid", "stat", status=69)

    def test_no_pop3(self):
        for greeting in (b"220 smtp\r\n", b"\r\n", b"+OKAY\r\n", b"HTTP/1.1 400\r\n", b"\0\0\0\n"):
            self.said(self.server(greeting=greeting), "stat", status=76)

    def test_answers_that_are_none(self):
        for hooks in ({"STAT": b"+OK\r\n"}, {"STAT": b"+OK x y\r\n"}, {"STAT": b"+OK 99999999999999 1\r\n"}, {"STAT": b"+OK -1 1\r\n"},
                      {"STAT": b"250 ok\r\n"}, {"CAPA": b"+OK\r\n" + b"X" * 10000 + b"\r\n.\r\n"},
                      {"CAPA": b"+OK\r\n" + b"X\r\n" * 40000}):
            self.said(self.server([ONE], hooks=hooks), "stat", status=76)
        for hooks in ({"LIST": b"+OK\r\n1 10\r\n1 10\r\n.\r\n"}, {"LIST": b"+OK\r\nx\r\n.\r\n"}, {"LIST": b"+OK\r\n0 5\r\n.\r\n"},
                      {"LIST": b"+OK\r\n1 99999999999999999999\r\n.\r\n"}):
            self.said(self.server([ONE], hooks=hooks), "list", status=76)
        for hooks in ({"UIDL": b"+OK\r\n2 x\r\n.\r\n"}, {"UIDL": b"+OK\r\n1 a\r\n1 b\r\n.\r\n"}):
            self.run_it(self.server([ONE], hooks=hooks), "fetch", "box", status=76)

    def test_a_line_without_end(self):
        def endless(session, _line):
            while True:
                session.send(b"x" * 65536)
        self.said(self.server(hooks={"CAPA": endless}), "stat", status=76)
        self.said(self.server(hooks={"LIST": lambda s, l: s.send(b"+OK\r\n") or endless(s, l)}), "list", status=76)

    def test_a_silent_server(self):
        def silent(session, _line):
            session.input.read()
            raise Drop
        self.said(self.server(hooks={"STAT": silent}), "-w", "1", "stat", status=75)

    def test_a_byte_now_and_then_is_silence(self):
        def trickle(session, _line):
            session.connection.settimeout(0.3)
            while True:
                session.send(b"x")
                try:
                    if session.connection.recv(1) == b"":
                        raise Drop
                except TimeoutError:
                    pass
        self.said(self.server(hooks={"STAT": trickle}), "-w", "1", "stat", status=75, seconds=10)

    def test_closed_at_each_step(self):
        self.said(self.server(greeting=Drop), "stat", status=75)
        for word in ("CAPA", "USER", "PASS", "STAT", "RETR"):
            self.said(self.server([ONE], hooks={word: Drop}), "read", "1", status=75)

    def test_a_message_cut_short(self):
        def cut(session, _line):
            session.send(b"+OK\r\nSubject: half\r\n\r\nhal")
            raise Drop
        self.said(self.server([ONE], hooks={"RETR 1": cut}), "read", "1", status=75)
        self.run_it(self.server([ONE], hooks={"RETR 1": cut}), "raw", "1", status=75)

    def test_server_words_are_escaped(self):
        self.assertEqual(self.said(self.server(hooks={"PASS": b"-ERR \x1b[2J\xff\r\n"}), "stat", status=77), "pop3c: \\x1b[2J\\xff\n")

    def test_line_ends_of_lf_alone(self):
        server = self.server(greeting=b"+OK\n", hooks={"STAT": b"+OK 3 4\n"})
        self.assertEqual(self.run_it(server, "stat")[0], "3 4\n")


if __name__ == "__main__":
    unittest.main()

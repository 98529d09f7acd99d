"""The real smtpc against a scripted server, and on a terminal."""

import email
import email.policy
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "lib"))

import letterbox
from client_case import Smtpc, Terminal
from fake_smtp import Drop, FakeSmtp


def parsed(server):
    return email.message_from_bytes(server.messages[-1], policy=email.policy.SMTP)


class Scripted(Smtpc):
    def test_sends_text(self):
        server = self.server()
        out, err = self.run_it(server, "-f", "Anna <anna@a.example>", "-s", "Grüße", "-c", "c@c.example", "-b", "d@d.example",
                               "b@b.example, Bob <b2@b.example>", "B <b@B.example>", text="Schöne Grüße\n.\nFrom me".encode())
        self.assertEqual((out, err), ("sent: 250 2.0.0 taken as 42\n", ""))
        self.assertEqual([line for line in server.told if line.startswith("RCPT")],
                         ["RCPT TO:<%s>" % a for a in ("c@c.example", "d@d.example", "b@b.example", "b2@b.example")])
        self.assertEqual(server.told[1], "MAIL FROM:<anna@a.example> SIZE=%d" % len(server.messages[0]))
        self.assertEqual(server.told[-1], "QUIT")
        message = parsed(server)
        self.assertEqual(message["Subject"], "Grüße")
        self.assertEqual(message["From"], "Anna <anna@a.example>")
        self.assertEqual(message["To"].replace("\n", ""), "b@b.example, Bob <b2@b.example>, B <b@B.example>")
        self.assertEqual(message["Cc"], "c@c.example")
        self.assertNotIn(b"d@d.example", server.messages[0])
        self.assertEqual(message["MIME-Version"], "1.0")
        self.assertRegex(message["Message-ID"], r"^<[^@]+@[^@]+>$")
        self.assertRegex(message["Date"], r"\+0200$")
        self.assertEqual(message.get_content_charset(), "utf-8")
        self.assertEqual(message.get_payload(decode=True), "Schöne Grüße\r\n.\r\nFrom me".encode() + b"\r\n")
        self.assertNotRegex(server.messages[0], rb"[^\r]\n|\r[^\n]")

    def test_ascii_goes_as_it_is(self):
        server = self.server()
        self.run_it(server, "b@b.example", text=b"one\r\n.\ntwo\rthree")
        self.assertTrue(server.messages[0].endswith(b"\r\n\r\none\r\n.\r\ntwo\r\nthree\r\n"), server.messages[0])
        self.assertEqual(parsed(server)["Content-Transfer-Encoding"], "7bit")
        self.assertIn("me@", parsed(server)["From"])

    def test_every_line_ends_with_crlf(self):
        for text, lines in ((b"abc", [b"abc"]), (b"a\nb\n", [b"a", b"b"]), (b"a\r\nb\r\n", [b"a", b"b"]), (b"a\rb\r", [b"a", b"b"]), (b"", []),
                            (b"\n\n", [b"", b""]), (b"\r\r", [b"", b""]), (b"\n\r", [b"", b""]), (b"\r\n\n\r\r\n", [b""] * 4),
                            (b"a\n.\nb\r\n.\r\n", [b"a", b".", b"b", b"."])):
            server = self.server()
            self.run_it(server, "b@b.example", text=text)
            self.assertEqual(server.messages[0].split(b"\r\n\r\n", 1)[1], b"".join(line + b"\r\n" for line in lines), text)

    def test_binary_input_arrives_whole(self):
        server = self.server(offers=[])
        blob = bytes(range(256)) * 3000
        self.run_it(server, "b@b.example", text=blob)
        self.assertEqual(parsed(server).get_payload(decode=True), blob)

    def test_large_input(self):
        server = self.server()
        text = b"".join(b"line %d\n" % n for n in range(400000))
        self.run_it(server, "b@b.example", text=text)
        self.assertEqual(parsed(server).get_payload(decode=True), text.replace(b"\n", b"\r\n"))

    def test_helo_without_extensions(self):
        server = self.server(hooks={"EHLO": b"502 no\r\n"})
        self.run_it(server, "b@b.example", text="ä\n".encode())
        self.assertRegex(server.told[1], r"^HELO [^ ]+$")
        self.assertRegex(server.told[2], r"^MAIL FROM:<[^ ]+>$")

    def test_null_sender(self):
        server = self.server()
        self.run_it(server, "-f", "", "b@b.example")
        self.assertRegex(server.told[1], r"^MAIL FROM:<> SIZE=")

    def test_utf8_address(self):
        server = self.server()
        self.run_it(server, "jürgen@b.example")
        self.assertTrue(server.told[1].endswith(" SMTPUTF8"), server.told)
        server = self.server(offers=["PIPELINING"])
        _, err = self.run_it(server, "jürgen@b.example", status=65)
        self.assertIn("SMTPUTF8", err)

    def test_dry_run(self):
        out, _ = self.run_it(None, "-n", "-s", "x", "-b", "d@d.example", "b@b.example")
        self.assertRegex(out, r"\nSubject: x\n(?:.*\n)+\nHello\n$")
        self.assertNotIn("d@d.example", out)
        self.assertNotIn("\r", out)

    def test_dialogue(self):
        _, err = self.run_it(self.server(hooks={"EHLO": b"250 fake\x1b[31m\r\n"}), "-v", "b@b.example")
        self.assertIn("\n> RCPT TO:<b@b.example>\n< 250 2.0.0 ok\n", err)
        self.assertIn("< 250 fake\\x1b[31m\n", err)


class Whole(Smtpc):
    MESSAGE = (b"From x@y Tue Nov 24 05:31:18 2026\nFrom: Anna <anna@a.example>\nTo: b@b.example\nCc: c@c.example\nBcc: d@d.example,\n"
               b" e@e.example\nSubject: x\n\nbody\n.\nmore\n")

    def test_takes_the_recipients_from_the_header(self):
        server = self.server()
        self.run_it(server, "-t", "f@f.example", text=self.MESSAGE)
        self.assertEqual(server.told[1][:29], "MAIL FROM:<anna@a.example> SI")
        self.assertEqual(sorted(line[9] for line in server.told if line.startswith("RCPT")), list("bcdef"))
        header, body = server.messages[0].split(b"\r\n\r\n", 1)
        self.assertEqual(body, b"body\r\n")
        self.assertTrue(header.startswith(b"From: Anna <anna@a.example>\r\nTo: b@b.example\r\nCc: c@c.example\r\nSubject: x\r\nDate: "))
        self.assertNotIn(b"d@d", header)
        self.assertNotIn(b"f@f", header)

    def test_ignores_the_dot(self):
        server = self.server()
        self.run_it(server, "-t", "-i", text=self.MESSAGE)
        self.assertTrue(server.messages[0].endswith(b"\r\n\r\nbody\r\n.\r\nmore\r\n"))

    def test_ends_at_a_lone_dot(self):
        for text, expected in ((b"a\r\n.\r\nb", "a\n"), (b".\nb", ""), (b"a\n..\n.b\n. \n.\rc\nd.\n", "a\n..\n.b\n. \n.\nc\nd.\n"),
                               (b"a\n.", "a\n.\n"), (b"x" * 32768 + b".\nb\n", "x" * 32768 + ".\nb\n"), (b"a\n" * 300000 + b".\nb", "a\n" * 300000)):
            out, _ = self.run_it(None, "-n", "-t", text=b"To: b@b.example\n\n" + text)
            self.assertEqual(out.split("\n\n", 1)[1], expected)

    def test_8bit(self):
        server = self.server()
        message = b"To: b@b.example\n\nGr\xc3\xbc\xc3\x9fe\n"
        self.run_it(server, "-t", text=message)
        self.assertTrue(server.told[1].endswith(" BODY=8BITMIME"), server.told)
        self.assertTrue(server.messages[0].endswith(b"Gr\xc3\xbc\xc3\x9fe\r\n"))
        _, err = self.run_it(self.server(offers=[]), "-t", text=message, status=65)
        self.assertIn("8BITMIME", err)

    def test_refuses(self):
        for message, status in ((b"Subject: x\n\nb\n", 64), (b"", 64), (b"To: anna\n\nb\n", 65), (b"To: a@b\n\nx\0y\n", 65),
                                (b"To: a@b\nX: " + b"x" * 2000000 + b"\n\n", 65)):
            self.run_it(None, "-t", text=message, status=status)


class Outcomes(Smtpc):
    def test_some(self):
        out, err = self.run_it(self.server(hooks={"RCPT TO:<c@c.example>": b"550-5.1.1 no\r\n550 5.1.1 such\x1b[2J user\r\n"}), "b@b.example",
                               "c@c.example", status=79)
        self.assertEqual(out, "sent: 250 2.0.0 taken as 42\n")
        self.assertIn("c@c.example was refused: 550-5.1.1 no\n\t550 5.1.1 such\\x1b[2J user\n", err)
        self.assertNotIn("b@b.example", err)

    def test_all_or_none(self):
        server = self.server(hooks={"RCPT TO:<c@c.example>": b"550 no\r\n"})
        out, err = self.run_it(server, "-A", "b@b.example", "c@c.example", status=65)
        self.assertEqual((out, server.messages, server.told[-2:]), ("", [], ["RSET", "QUIT"]))
        self.assertIn("c@c.example was refused: 550 no\n", err)

    def test_statuses(self):
        for status, hooks in ((65, {"RCPT": b"550 no\r\n"}), (75, {"RCPT": b"450 later\r\n"}), (65, {"MAIL": b"550 no\r\n"}),
                              (65, {"CONNECT": b"554 no\r\n"}), (75, {"CONNECT": b"421 busy\r\n"}), (65, {".": b"554 spam\r\n"}),
                              (75, {".": b"452 full\r\n"}), (76, {"CONNECT": b"+OK pop3\r\n"}), (76, {"DATA": b"250 ok\r\n"}),
                              (76, {"MAIL": b"250-a\r\n550 b\r\n"}), (69, {"CONNECT": Drop}), (75, {"MAIL": Drop}),
                              (80, {".": Drop}), (75, {"EHLO": Drop}), (0, {"QUIT": Drop}), (80, {".": b"hm\r\n"})):
            with self.subTest(hooks=hooks):
                out, err = self.run_it(self.server(hooks=hooks), "-q", "b@b.example", status=status)
                self.assertEqual(out != "", status == 0)
                self.assertEqual(err != "", status != 0)
                for reply in hooks.values():
                    if reply is not Drop and status in (65, 75):
                        self.assertIn(reply.decode().strip(), err)

    def test_stopped_on_its_way(self):
        text = b"x" * 70 + b"\n"
        _, err = self.run_it(self.server(hooks={"BODY": b"552 too big\r\n"}), "b@b.example", text=text * 100000, status=65)
        self.assertIn("552 too big", err)

    def test_unreachable(self):
        server = FakeSmtp()
        server.listener.close()
        _, err = self.run_it(None, "-S", server.address, "b@b.example", status=69)
        self.assertIn(server.address.split(":")[1], err)
        _, err = self.run_it(None, "-S", "host.invalid", "b@b.example", status=69)
        self.assertIn("host.invalid", err)

    def test_descriptors_that_are_closed(self):
        command = [letterbox.binary("smtpc"), "-v", "-S"]
        for fd, status in ((0, 66), (1, 74), (2, 0)):
            with self.subTest(fd=fd):
                server = self.server()
                done = subprocess.run(command + [server.address, "b@b.example"], input=b"x\n" if fd else None, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, timeout=60, env=self.environment, preexec_fn=lambda fd=fd: os.close(fd))
                self.assertEqual(done.returncode, status, done)
                self.assertEqual(len(server.messages), 1 if fd else 0)

    def test_a_temporary_file_that_cannot_be_made(self):
        done = subprocess.run([letterbox.binary("smtpc"), "-n", "b@b.example"], input=b"x\n" * 500000, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, env=dict(self.environment, TMPDIR="/nonexistent"))
        self.assertEqual((done.returncode, done.stdout), (74, b""))
        self.assertIn(b"temporary file", done.stderr)

    def test_output_that_cannot_be_written(self):
        server = self.server()
        for arguments in (["-h"], ["-V"], ["-n", "b@b.example"], ["-S", server.address, "b@b.example"]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([letterbox.binary("smtpc")] + arguments, input=b"x\n", stdout=full, stderr=subprocess.PIPE,
                                      timeout=60, env=self.environment)
            self.assertEqual(done.returncode, 74, arguments)
            self.assertRegex(done.stderr, rb"^smtpc: [^\n]+ cannot be written: No space left on device\n$")

    def test_silent_server(self):
        begun = time.monotonic()
        server = FakeSmtp()  # accepts (the kernel does), says nothing
        self.addCleanup(server.listener.close)
        self.run_it(None, "-S", server.address, "-w", "1", "b@b.example", status=69)
        self.assertLess(time.monotonic() - begun, 20)


class Login(Smtpc):
    KINDS = ("SCRAM-SHA-256", "PLAIN", "LOGIN")

    def send(self, server, *arguments, **more):
        return self.run_it(server, "-u", "anna", *arguments, "b@b.example", **dict({"MAIL_PASSWORD": "secret"}, **more))

    def offering(self, *mechanisms, **more):
        return self.server(offers=["PIPELINING", "AUTH " + " ".join(mechanisms)], **more)

    def test_logs_in_by_the_safest_way(self):
        for i, kind in enumerate(self.KINDS):
            server = self.offering("CRAM-MD5", *reversed(self.KINDS[i:]))
            self.assertEqual(self.send(server), ("sent: 250 2.0.0 taken as 42\n", ""))
            self.assertEqual(server.told[1].split(" ")[:2], ["AUTH", kind])
            self.assertRegex(" ".join(server.told), "MAIL FROM:.*DATA QUIT$")

    def test_nobody_logs_in_unasked(self):
        server = self.offering("PLAIN")
        self.run_it(server, "b@b.example", MAIL_PASSWORD="secret")
        self.assertTrue(server.told[1].startswith("MAIL"), server.told)

    def test_a_long_password_goes_behind_the_command(self):
        server = self.offering("PLAIN", password="p" * 900)
        self.send(server, MAIL_PASSWORD="p" * 900)
        self.assertEqual(server.told[1], "AUTH PLAIN")

    def test_a_refused_password_is_tried_once(self):
        for i in range(len(self.KINDS)):
            server = self.offering(*self.KINDS[i:], password="another")
            out, err = self.send(server, status=77)
            self.assertEqual((out, err), ("", "smtpc: not sent: the login failed: 535 5.7.8 no\n"))
            self.assertEqual([line.split(" ")[0] for line in server.told if line[:4] in ("AUTH", "MAIL", "QUIT")], ["AUTH", "QUIT"])

    def test_a_server_that_does_not_know_the_password_is_not_believed(self):
        for scram in ("lie", "silent"):
            server = self.offering("SCRAM-SHA-256", scram=scram)
            self.assertIn("does not prove", self.send(server, status=77)[1])
            self.assertEqual(server.messages, [])

    def test_no_way_to_log_in(self):
        for server in (self.offering("GSSAPI"), self.server(), self.server(hooks={"EHLO": b"502 no\r\n"})):
            self.assertIn("no way to log in", self.send(server, status=77)[1])
            self.assertNotIn("secret", " ".join(server.told))

    def test_statuses(self):
        for answer, status in ((b"454 4.7.0 later\r\n", 75), (b"421 4.3.2 bye\r\n", 75), (b"504 5.5.4 what\r\n", 77), (Drop, 75),
                               (b"250 ok\r\n", 76), (b"334 ?\r\n", 76)):
            with self.subTest(answer=answer):
                server = self.offering("PLAIN", hooks={"AUTH": answer})
                self.send(server, status=status)
                self.assertEqual(server.messages, [])

    def test_the_password_comes_from_where_pop3c_has_it(self):
        with tempfile.TemporaryDirectory(prefix="letterbox-home-") as home:
            with open(os.path.join(home, ".netrc"), "w", encoding="utf-8") as file:
                file.write("machine 127.0.0.1 login anna password secret\n")
            self.send(self.offering("PLAIN"), MAIL_PASSWORD="", HOME=home)
        self.send(self.offering("PLAIN"), "-P", "echo secret", MAIL_PASSWORD="", HOME="/nonexistent")
        self.assertIn("-P", self.send(None, "-P", "false", MAIL_PASSWORD="", HOME="/nonexistent", status=77)[1])

    def test_verbose_masks_secrets(self):
        for kind in self.KINDS:
            server = self.offering(kind)
            _, err = self.send(server, "-v")
            self.assertIn("> AUTH %s" % kind, err)
            self.assertIn("< 235 2.7.0 welcome\n> MAIL", err)
            secrets = [line.split(" ")[-1] for line in itertools.takewhile(lambda line: line[:4] != "MAIL", server.told[1:])]
            self.assertGreater(len(secrets), 0)
            for secret in secrets:
                self.assertTrue(secret in ("", "LOGIN") or secret not in err, err)
            self.assertNotRegex(err, r"334 [^(]")


class Usage(Smtpc):
    def test_refuses(self):
        for arguments in ([], ["-s", "x"], ["-z", "b@b"], ["-s"], ["b"], [""], ["a@b c@d"], ["a@b", "nobody"], ["-f", "x", "a@b"],
                          ["-f", "a@b, c@d", "a@b"], ["-w", "0", "a@b"], ["-w", "x", "a@b"], ["-S", "", "a@b"], ["-t", "-s", "x"],
                          ["-t", "-c", "a@b"], ["-i", "a@b"], ["-s", "x\nBcc: c@d", "a@b"], ["-s", "x\rBcc: c@d", "a@b"],
                          ["a@b\nX: y"], ["-c", "c@d\r\nX: y", "a@b"], ["-f", "a@b>\nX: y", "a@b"], ["-a", "f", "a@b"],
                          ["-P", "c", "a@b"], ["-T", "tls", "a@b"], ["-X", "c", "a@b"], ["--frob"], ["-S", "host:smtp", "a@b"], ["-S", "a b", "a@b"],
                          ["a@b", "-s", "x"]):
            with self.subTest(arguments=arguments):
                out, err = self.run_it(None, "-n", *arguments, status=64)
                self.assertEqual(out, "")
                self.assertRegex(err, r"^smtpc: [^\n]+\n$")

    def test_tells(self):
        for arguments in (["-h"], ["--help"]):
            self.assertIn("usage: smtpc", self.run_it(None, *arguments)[0])
        for arguments in (["-V"], ["--version"]):
            self.assertRegex(self.run_it(None, *arguments)[0], r"^smtpc \(Letterbox\) [0-9.]+\n$")


class OnATerminal(Smtpc):
    def talk(self, server, dialogue, status=0):
        """dialogue: (a regular expression to wait for, what to type then)…; returns all that was shown."""
        terminal = Terminal(self, server)
        for pattern, answer in dialogue:
            terminal.until(re.compile(pattern))
            terminal.type(answer)
        _, code = terminal.wait()
        self.assertEqual(code, status, terminal.shown)
        return terminal.shown

    def test_asks_and_sends(self):
        server = self.server()
        shown = self.talk(server, [(r"From \[me@[^]]*\]: ", "anna\n"), (r"That is no address: .*@.*\n.*From.*: ", "Anna <anna@a.example>\n"),
                                   (r"To.*: ", "b@b.example, c@\n"), (r"That is no address: .*\n.*To.*: ", "b@b.example, c@c.example\n"),
                                   (r"Subject: ", "Grüße\n"), (r"dot ends it:\s+", "Erste Zeile\n..\n.\n")])
        self.assertIn("sent: 250 2.0.0 taken as 42\n", shown)
        self.assertEqual([line for line in server.told if line.startswith("RCPT")], ["RCPT TO:<b@b.example>", "RCPT TO:<c@c.example>"])
        message = parsed(server)
        self.assertEqual((message["Subject"], message["From"]), ("Grüße", "Anna <anna@a.example>"))
        self.assertEqual(message.get_payload(decode=True), b"Erste Zeile\r\n..\r\n")

    def test_says_what_went_wrong(self):
        server = self.server(hooks={"RCPT": b"550 5.1.1 no such user\r\n"})
        shown = self.talk(server, [(r"From.*: ", "\n"), (r"To.*: ", "b@b.example\n"), (r"Subject: ", "\n"), (r"dot ends it:\s+", ".\n")],
                          status=65)
        self.assertIn("b@b.example was refused: 550 5.1.1 no such user\n", shown)
        self.assertIn("not sent", shown)

    def test_leaves_at_ctrl_d(self):
        answers = [(r"From.*: ", "\n"), (r"To.*: ", "b@b.example\n"), (r"Subject: ", "x\n"), (r"dot ends it:\s+", "text\n")]
        for n in range(5):
            server = self.server()
            dialogue = answers[:n] + ([(answers[n][0], "\x04")] if n < 4 else [(r"text\s+", "\x04")])
            self.assertIn("Nothing was sent.", self.talk(server, dialogue))
            self.assertEqual(server.told, [])


if __name__ == "__main__":
    unittest.main()

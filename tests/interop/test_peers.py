#!/usr/bin/env python3
"""Real programs send to smtpd and fetch from pop3d: what arrives is what was sent."""

import os
import poplib
import smtplib
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import letterbox  # noqa: E402
import mail  # noqa: E402


def needs(name):
    return unittest.skipUnless(mail.tool(name), name + " is not installed")


class Peers(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="letterbox-")
        self.addCleanup(self.folder.cleanup)
        self.server = self.enterContext_(mail.MailServer())

    def enterContext_(self, manager):
        self.addCleanup(manager.__exit__, None, None, None)
        return manager.__enter__()

    def path(self, name, content=b""):
        path = os.path.join(self.folder.name, name)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, 0o600)
        return path

    def send(self, message, to=("anna@localhost",)):
        with smtplib.SMTP("127.0.0.1", self.server.smtpd.port, "home.example.org", 30) as smtp:
            self.assertEqual(smtp.sendmail("carl@example.net", list(to), message), {})

    def arrived(self, message, user="anna"):
        """The one message that is there is this one, below the trace header."""
        messages = self.server.messages(user)
        self.assertEqual(len(messages), 1)
        self.assertEqual(mail.below_trace(messages[0]), message)


class Senders(Peers):
    def test_smtplib(self):
        self.send(mail.HARD)
        self.arrived(mail.HARD)

    def test_smtplib_two_recipients(self):
        self.send(mail.HARD, ["anna@localhost", "Bob+tag@localhost"])
        self.arrived(mail.HARD)
        self.arrived(mail.HARD, "bob")

    def test_smtplib_is_told_who_was_refused(self):
        with smtplib.SMTP("127.0.0.1", self.server.smtpd.port, "home.example.org", 30) as smtp:
            refused = smtp.sendmail("carl@example.net", ["anna@localhost", "nobody@localhost"], mail.PLAIN)
        self.assertEqual([(to, reply[0]) for to, reply in refused.items()], [("nobody@localhost", 550)])
        self.arrived(mail.PLAIN)

    def test_smtplib_announces_its_size(self):
        with smtplib.SMTP("127.0.0.1", self.server.smtpd.port, "home.example.org", 30) as smtp:
            smtp.ehlo()
            for extension in ("pipelining", "size", "8bitmime", "enhancedstatuscodes", "chunking", "smtputf8"):
                self.assertTrue(smtp.has_extn(extension), extension)
            self.assertEqual(int(smtp.esmtp_features["size"]), 50 << 20)

    @needs("curl")
    def test_curl(self):
        mail.curl_send(self.server, self.path("message", mail.HARD))
        self.arrived(mail.HARD)

    @needs("msmtp")
    def test_msmtp(self):
        letterbox.run([mail.tool("msmtp"), "--host=127.0.0.1", "--port=%d" % self.server.smtpd.port, "--from=carl@example.net",
                       "--tls=off", "--auth=off", "--domain=home.example.org", "anna@localhost", "bob@localhost"],
                      mail.PLAIN.replace(b"\r\n", b"\n"))
        self.arrived(mail.PLAIN)
        self.arrived(mail.PLAIN, "bob")

    @needs("swaks")
    def test_swaks(self):
        for protocol in ("SMTP", "ESMTP"):
            letterbox.run([mail.tool("swaks"), "--server", self.server.smtp, "--from", "carl@example.net", "--to", "anna@localhost",
                           "--helo", "home.example.org", "--protocol", protocol, "--silent", "2", "--data", "-"],
                          mail.PLAIN.replace(b"\r\n", b"\n")[:-1])
        messages = self.server.messages()
        self.assertEqual([mail.below_trace(message) for message in messages], [mail.PLAIN] * 2)
        self.assertRegex(messages[0], rb"\bwith SMTP\b")
        self.assertRegex(messages[1], rb"\bwith ESMTP\b")

    @needs("swaks")
    def test_swaks_pipelines(self):
        letterbox.run([mail.tool("swaks"), "--server", self.server.smtp, "--from", "carl@example.net", "--helo", "home.example.org",
                       "--to", "anna@localhost,bob@localhost", "--pipeline", "--silent", "2", "--data", "-"],
                      mail.PLAIN.replace(b"\r\n", b"\n")[:-1])
        self.arrived(mail.PLAIN)
        self.arrived(mail.PLAIN, "bob")

    @needs("smtp-source")
    def test_smtp_source(self):
        mail.smtp_source(self.server, 30, 3, self.path("message", mail.PLAIN.replace(b"\r\n", b"\n")))
        self.assertEqual([mail.below_trace(message) for message in self.server.messages()], [mail.SOURCED] * 30)

    def test_smtpc(self):
        letterbox.run([letterbox.binary("smtpc"), "-S", self.server.smtp, "-f", "carl@example.net", "-t", "-i"],
                      mail.PLAIN.replace(b"\r\n", b"\n"))
        self.arrived(mail.PLAIN)


class Fetchers(Peers):
    def setUp(self):
        super().setUp()
        self.send(mail.HARD)
        self.send(mail.PLAIN)
        self.wire = self.server.messages()

    def emptied(self):
        self.assertEqual(self.server.messages(), [])
        self.assertEqual(self.server.root.mbox("anna"), b"")

    @needs("curl")
    def test_curl(self):
        self.assertEqual([mail.curl_fetch(self.server, n) for n in (1, 2)], self.wire)
        sizes = [line.split() for line in mail.curl_fetch(self.server, "").decode().splitlines()]
        self.assertEqual(sizes, [[str(n + 1), str(len(self.wire[n]))] for n in (0, 1)])

    @needs("mpop")
    def test_mpop_scram(self):
        fetched = mail.mpop_fetch(self.server, self.folder.name, keep=True)
        self.assertEqual(sorted(fetched), sorted(message.replace(b"\r\n", b"\n") for message in self.wire))
        self.assertEqual(self.server.messages(), self.wire)

    @needs("mpop")
    def test_mpop_fetches_what_is_new_and_deletes(self):
        mail.mpop_fetch(self.server, self.folder.name, auth="plain", keep=True)
        self.send(mail.PLAIN.replace(b"plain", b"third"))
        fetched = mail.mpop_fetch(self.server, self.folder.name, auth="plain", keep=False)
        self.assertEqual(len(fetched), 3)
        self.emptied()

    @needs("mpop")
    def test_mpop_user(self):
        self.assertEqual(len(mail.mpop_fetch(self.server, self.folder.name, auth="user")), 2)
        self.emptied()

    @needs("fetchmail")
    def test_fetchmail(self):
        box = os.path.join(self.folder.name, "fetched")
        rc = self.path("fetchmailrc", (
            'poll 127.0.0.1 service %d protocol pop3 auth password uidl\n'
            '\tuser anna password "%s" is root here sslproto "" no rewrite fetchall no keep mda "cat >> %s"\n'
            % (self.server.pop3d.port, mail.PASSWORDS["anna"], box)).encode())
        letterbox.run([mail.tool("fetchmail"), "-f", rc, "--nodetach", "--nosyslog", "--invisible", "-s", "--pidfile",
                       os.path.join(self.folder.name, "pid"), "-i", os.path.join(self.folder.name, "ids")],
                      env=dict(os.environ, HOME=self.folder.name, FETCHMAILHOME=self.folder.name))
        with open(box, "rb") as file:
            fetched = file.read()
        for message in self.wire:
            # fetchmail takes the Return-Path off, and writes a field of its own on top of the header.
            self.assertIn(mail.below_trace(message).replace(b"\r\n", b"\n"), fetched.replace(b"\r\n", b"\n"))
        self.emptied()

    def test_poplib(self):
        pop = poplib.POP3("127.0.0.1", self.server.pop3d.port, timeout=30)
        self.assertIn("UIDL", pop.capa())
        pop.user("anna")
        pop.pass_(mail.PASSWORDS["anna"])
        self.assertEqual(pop.stat(), (2, sum(map(len, self.wire))))
        self.assertEqual([b"\r\n".join(pop.retr(n)[1]) + b"\r\n" for n in (1, 2)], self.wire)
        header = self.wire[1].split(b"\r\n\r\n")[0]
        self.assertEqual(b"\r\n".join(pop.top(2, 0)[1]), header + b"\r\n")
        self.assertEqual(b"\r\n".join(pop.top(2, 1)[1]), header + b"\r\n\r\n..")
        uidls = [line.split()[1] for line in pop.uidl()[1]]
        self.assertEqual(len(set(uidls)), 2)
        pop.dele(1)
        pop.quit()
        pop = poplib.POP3("127.0.0.1", self.server.pop3d.port, timeout=30)
        pop.user("anna")
        pop.pass_(mail.PASSWORDS["anna"])
        self.assertEqual([line.split()[1] for line in pop.uidl()[1]], uidls[1:])
        pop.quit()

    def test_poplib_apop(self):
        self.server.root.add_plain_account("dora", "secret")
        pop = poplib.POP3("127.0.0.1", self.server.pop3d.port, timeout=30)
        pop.apop("dora", "secret")
        self.assertEqual(pop.stat(), (0, 0))
        pop.quit()

    def test_wrong_password(self):
        pop = poplib.POP3("127.0.0.1", self.server.pop3d.port, timeout=30)
        pop.user("anna")
        with self.assertRaises(poplib.error_proto) as refused:
            pop.pass_("cherry")
        self.assertIn(b"[AUTH]", refused.exception.args[0])
        pop.close()

    def test_pop3c_raw(self):
        for number, message in enumerate(self.wire, 1):
            out, _ = letterbox.run([letterbox.binary("pop3c"), "-S", self.server.pop3, "-u", "anna", "raw", str(number)],
                                   env=dict(os.environ, MAIL_PASSWORD=mail.PASSWORDS["anna"]))
            self.assertEqual(out, message)


if __name__ == "__main__":
    unittest.main()

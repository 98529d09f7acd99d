#!/usr/bin/env python3
"""smtpd check: each fault that is planted is seen, and the command that it names mends it."""

import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import sys
import unittest

for folder in ("lib", "relay"):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), folder))

import letterbox  # noqa: E402
from name_server import NXDOMAIN, Liar, response  # noqa: E402

LINE = re.compile(r"(ok  |warn|fail) (.+?): (.*?)(?:; fix: (.*))?$")


class Check(unittest.TestCase):
    def setUp(self):
        self.root = letterbox.MailRoot({"anna": "secret", "bob": "secret"})
        self.root.__enter__()
        self.addCleanup(self.root.__exit__)
        self.root.append("config", "hostname mail.example.org\n")
        names = Liar(lambda query, _: response(query, flags=0x8180 | NXDOMAIN))
        names.__enter__()
        self.addCleanup(names.__exit__)
        self.resolver = ["-o", "resolver=" + names.address]
        self.options = ["-l", "127.0.0.1:0"]
        self.environment = dict(os.environ, PATH=os.path.join(letterbox.BUILD, "bin") + ":" + os.environ["PATH"] + ":/usr/sbin:/sbin")

    def check(self, status, before=()):
        """{subject: (verdict, what, fix)}: the worst line of each subject."""
        command = list(before) + [letterbox.binary("smtpd"), "-d", self.root.path] + self.options + self.resolver + ["check"]
        out, _ = letterbox.run(command, status=status, env=self.environment)
        lines = out.decode().splitlines()
        found = {}
        for line in lines:
            match = LINE.match(line)
            self.assertIsNotNone(match, line)
            if match.group(2) not in found or match.group(1) == "fail":
                found[match.group(2)] = (match.group(1).strip(), match.group(3), match.group(4))
        self.assertEqual(status == 78, any(verdict == "fail" for verdict, _, _ in found.values()), out)
        return found

    def expect_mended(self, subject, says, verdict="fail", stdin=b"", after="ok"):
        """The subject has this verdict for this reason; its command runs; after it all is well."""
        found = self.check(78 if verdict == "fail" else 0)
        self.assertIn(subject, found)
        self.assertEqual(found[subject][0], verdict, found)
        self.assertRegex(found[subject][1], says)
        letterbox.run(["sh", "-c", found[subject][2]], stdin=stdin, env=self.environment)
        found = self.check(0)
        if after is not None:
            self.assertEqual(found[re.sub(":[0-9]+$", "", subject)][0], after, found)

    def test_all_is_well(self):
        self.root.append("aliases", "all: anna,\n bob+x, carl@example.net\npostmaster: anna\n")
        os.mkdir(self.root.file("queue"), 0o700)
        found = self.check(0)
        verdicts = {subject: verdict for subject, (verdict, _, _) in found.items()}
        self.assertEqual(verdicts.pop("user"), "warn" if os.geteuid() == 0 else "ok")
        self.assertEqual(set(verdicts.values()), {"ok"}, found)
        self.assertEqual(set(verdicts),
                         {"config", "hostname", "port 127.0.0.1:0", "disk", "locks", "accounts", "aliases", "routes", "users", "queue", "resolver"})
        self.assertIn("users: 2", "users: " + found["users"][1])
        self.assertEqual(sorted(os.listdir(self.root.path)), ["accounts", "accounts.lock", "accounts.secret", "aliases", "config", "queue", "users"])

    def test_config(self):
        self.root.append("config", "domain example.org\nhostnam x\n")
        self.expect_mended("config:3", 'key "hostnam" is unknown')

    def test_hostname(self):
        os.unlink(self.root.file("config"))
        self.options += ["-o", "hostname=vm"]
        self.assertEqual(self.check(0)["hostname"][0], "warn")
        self.options = self.options[:2]
        self.root.append("config", "hostname localhost\n")
        self.expect_mended("hostname", "localhost", verdict="warn")

    def test_a_mail_root_that_is_not_there(self):
        os.rename(self.root.path, self.root.path + ".moved")
        try:
            subject = "mail root " + self.root.path
            self.expect_mended(subject, "No such file", after=None)
            os.rmdir(self.root.path)
            with open(self.root.path, "w", encoding="ascii"):
                pass
            self.expect_mended(subject, "Not a directory", after=None)
            os.unlink(self.root.path + ".old")
            os.rmdir(self.root.path)
        finally:
            os.rename(self.root.path + ".moved", self.root.path)

    def test_a_mail_root_whose_name_is_odd(self):
        odd = self.root.path + "/it's $(here)"
        self.options += ["-d", odd]
        self.expect_mended("mail root " + odd, "No such file", after=None)
        self.assertTrue(os.path.isdir(odd))

    def test_accounts(self):
        path = self.root.file("accounts")
        os.chmod(path, 0o620)
        self.expect_mended("accounts", "others may write")
        os.chmod(path, 0o640)
        self.expect_mended("accounts", "others may read", verdict="warn")
        os.rename(path, path + ".real")
        os.symlink(path + ".real", path)
        self.expect_mended("accounts", "no regular file")
        self.root.append("accounts", "eva:{SCRAM-SHA-256}4096,what\n")
        self.expect_mended("accounts", "eva logs in with is malformed", stdin=b"secret\n")
        os.unlink(path)
        found = self.check(0)["accounts"]
        self.assertEqual((found[0], found[2]), ("warn", "pop3d -d %s user add NAME" % self.root.path))

    def test_a_fault_is_told_once(self):
        os.unlink(self.root.file("accounts"))
        os.mkdir(self.root.file("accounts"), 0o755)
        self.root.append("aliases", ": anna\nall: anna\n")
        command = [letterbox.binary("smtpd"), "-d", self.root.path] + self.options + self.resolver + ["check"]
        out, err = letterbox.run(command, status=78, env=self.environment)
        self.assertEqual(len(re.findall(b"(?m)^.{5}accounts: ", out)), 1, out)
        self.assertEqual(len(re.findall(b"(?m)^.{5}aliases:1: ", out)), 1, out)
        self.assertEqual(err.count(b"alias-malformed"), 1, err)

    def test_what_is_no_file(self):
        for name in ("aliases", "routes"):
            os.mkdir(self.root.file(name), 0o700)
            self.expect_mended(name, "no regular file")

    def test_aliases(self):
        good = "postmaster: anna\n"
        for text, says in (("all: anna,\n nobody\n", r"nobody no such user"), ("all anna\n", "no colon"), ("all: |cat\n\tx\n", "commands"),
                           ("all: all\n", "leads back to itself"), ("all: anna@\n", r"anna@")):
            with self.subTest(text=text):
                self.root.append("aliases", good + text + good.replace("postmaster", "root"))
                line = "aliases:2"
                self.expect_mended(line, says)
                with open(self.root.file("aliases"), encoding="ascii") as file:
                    self.assertEqual(file.read(), good + re.sub("^", "#", text.rstrip("\n"), flags=re.M) + "\nroot: anna\n")
                os.unlink(self.root.file("aliases"))
        self.root.append("aliases", good)
        os.chmod(self.root.file("aliases"), 0o602)
        self.expect_mended("aliases", "others may write")

    def test_routes(self):
        self.root.append("routes", "# domain host\nexample.net mail.example.net\n* smarthost.example.net:587 # all\nexample.com a:b\n")
        self.expect_mended("routes:4", "not a domain and host")
        for word in (".example.org", "example.org:", "@example.org"):
            self.root.append("routes", word + " mail.example.org\n")
            self.expect_mended("routes:%d" % len(pathlib.Path(self.root.file("routes")).read_text().splitlines()), "not a domain and host")
        self.root.append("routes.auth", "smarthost.example.net:587 anna apple pie\n")
        os.chmod(self.root.file("routes.auth"), 0o640)
        self.expect_mended("routes.auth may be read by others", "its mode must be 600", after=None)
        self.assertEqual(self.check(0)["routes"], ("ok", "2", None))
        self.root.append("routes.auth", "smarthost.example.net:25 anna\nsmarthost.example.net:587\n")
        self.check(0)
        os.unlink(self.root.file("routes.auth"))
        self.root.append("routes.auth", "# none\nsmarthost.example.net:587 anna\n")
        self.expect_mended("routes.auth:2", "not a host, a user and a password", after=None)
        os.chmod(self.root.file("routes"), 0o606)
        self.expect_mended("routes", "others may write")

    def test_a_resolver_that_is_silent(self):
        self.root.append("config", "resolver 127.0.0.1:1\n")
        self.resolver = []
        found = self.check(0)["resolver"]
        self.assertEqual(found[0], "warn")
        letterbox.run(["sh", "-c", found[2]])
        with open(self.root.file("config"), encoding="ascii") as file:
            self.assertTrue(file.read().endswith("\n#resolver 127.0.0.1:1\n"))

    def test_folders(self):
        for name in ("queue", "users"):
            if os.path.isdir(self.root.file(name)):
                os.rename(self.root.file(name), self.root.file(name + ".was"))
            self.root.append(name, "x")
            self.expect_mended(name, "no folder")
        for name in (".", "users", "queue"):
            os.chmod(self.root.file(name), 0o722)
            self.expect_mended(name, "others may write", after=None)
            self.check(0)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_what_is_not_the_users(self):
        nobody = pwd.getpwnam("nobody")
        os.mkdir(self.root.file("queue"), 0o700)
        letterbox.run(["chown", "-R", "nobody", self.root.path])
        self.options += ["-o", "user=nobody"]
        self.assertEqual(self.check(0)["user"][:2], ("ok", "it will run as nobody"))
        os.chown(self.root.path, 0, 0)
        found = self.check(78)
        self.assertNotIn("users", found, "nothing may be said of what cannot be seen")
        self.expect_mended(".", "Permission denied", after=None)
        self.root.append("routes", "* smarthost.example.net\n")
        self.expect_mended("routes", "Permission denied", after=None)
        self.root.append("routes.auth", "smarthost.example.net anna apple pie\n")
        self.expect_mended("routes.auth", "Permission denied", after=None)
        entry = "queue/0123456789abcdefghjkmnpqrs"
        self.root.append(entry, "")
        for path, subject in ((entry, "queue"), ("users/anna", "users"), ("users/anna/mbox", "users"), ("queue", "queue"), ("accounts", "accounts")):
            os.chown(self.root.file(path), 0, 0)
            self.expect_mended(path, "Permission denied", after=None)
            self.assertEqual(self.check(0)[subject][0], "ok")
            self.assertEqual(os.stat(self.root.file(path)).st_uid, nobody.pw_uid)
        os.chmod(self.root.file("users/bob"), 0)
        self.expect_mended("users/bob", "Permission denied", after=None)
        self.options[-1] = "user=no-such-user"
        self.assertEqual(self.check(78)["user no-such-user"][2], "useradd --system no-such-user")

    def test_a_port_that_another_program_has(self):
        code = "import socket,time;s=socket.create_server(('127.0.0.1',0));print(s.getsockname()[1],flush=True)\n" \
               "while 1: c=s.accept()[0];c.sendall(b'220 other ESMTP\\x1b\\r\\n')"
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
            try:
                address = "127.0.0.1:%d" % int(other.stdout.readline())
                self.options = ["-l", address]
                found = self.check(78)["port " + self.options[1]]
                self.assertIn('another program has it (it says "220 other ESMTP\\x1b")', found[1])
                letterbox.run(["sh", "-c", found[2]], env=self.environment)
                other.wait(10)
                self.assertEqual(self.check(0)["port " + self.options[1]][0], "ok")
            finally:
                other.kill()

    def test_a_port_that_our_daemon_has(self):
        with letterbox.Daemon("smtpd", self.root) as daemon:
            self.options = ["-l", "127.0.0.1:%d" % daemon.port]
            self.assertIn("an smtpd of this name has it", self.check(0)["port " + self.options[1]][1])
            self.options += ["-o", "hostname=other.example"]
            self.assertEqual(self.check(78)["port " + self.options[1]][0], "fail")

    def test_an_address_that_is_not_ours(self):
        self.options = []
        self.root.append("config", "listen 127.0.0.1:0\nlisten 192.0.2.1:2525\n")
        self.expect_mended("port 192.0.2.1:2525", "assign", after=None)

    def test_the_disk(self):
        self.options += ["-o", "message-size=1000000G"]
        found = self.check(78)["disk"]
        self.assertIn(self.root.path, letterbox.run(["sh", "-c", found[2]])[0].decode())

    @unittest.skipIf(letterbox.SANITIZED or not shutil.which("strace"), "needs strace, and no sanitizer")
    def test_locks(self):
        trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=%s:error=%s"]
        for call, error in (("fcntl", "ENOLCK"), ("fdatasync", "EIO")):
            found = self.check(78, before=trace[:-1] + [trace[-1] % (call, error)])
            self.assertEqual(found["locks" if call == "fcntl" else "disk"][0], "fail")
        self.assertFalse([name for name in os.listdir(self.root.path) if name.startswith("check")])


if __name__ == "__main__":
    unittest.main()

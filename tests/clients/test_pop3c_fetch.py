#!/usr/bin/env python3
"""pop3c fetch: every kind of DEST, and what becomes of the mail when something breaks in between."""

import fcntl
import mailbox
import os
import queue
import re
import resource
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import letterbox  # noqa: E402
from client_case import Pop3c  # noqa: E402
from fake_pop3 import Drop, stuffed  # noqa: E402


def mail(n, body=b"body\r\n"):
    return b"Return-Path: <carl@example.net>\r\nSubject: mail %d\r\n\r\n" % n + body


HARD = mail(1, b"From me\r\n>From you\r\n.dot\r\n\r\nbare\rcr\r\nno end")
THREE = [HARD, mail(2), mail(3)]


class Fetch(Pop3c):
    def path(self, *parts):
        return os.path.join(self.home, *parts)

    def read(self, *parts):
        with open(self.path(*parts), "rb") as file:
            return file.read()

    def subjects(self, name="box"):
        """Of the messages in an mbox, in order; it must be whole."""
        box = mailbox.mbox(self.path(name), create=False)
        subjects = [message["Subject"] for message in box]
        box.close()
        self.assertTrue(self.read(name).endswith(b"\n\n"))
        return subjects

    def state(self):
        folder = self.path(".local", "state", "letterbox", "seen")
        names = [name for name in os.listdir(folder) if not name.endswith(".lock")]
        self.assertEqual(len(names), 1)
        return self.read(folder, names[0]).decode().splitlines()


class Mbox(Fetch):
    def test_the_messages_as_an_mbox_reader_sees_them(self):
        server = self.server(THREE)
        out, err = self.run_it(server, "fetch", "box")
        self.assertEqual((out, err), ("", "3 messages fetched into box, 3 deleted from the server\n"))
        self.assertEqual(server.mails, [])
        self.assertEqual(self.subjects(), ["mail 1", "mail 2", "mail 3"])
        self.assertRegex(self.read("box"), rb"\AFrom carl@example.net \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\nReturn-Path: ")
        self.assertIn(b"\n\n>From me\n>>From you\n.dot\n\nbare\rcr\nno end\n\nFrom carl", self.read("box"))
        self.assertEqual(os.stat(self.path("box")).st_mode & 0o777, 0o600)
        self.assertEqual(sorted(os.listdir(self.home)), [".local", "box"])
        self.assertEqual(self.state(), [])

    def test_home_mbox_is_the_default(self):
        self.run_it(self.server(THREE), "fetch")
        self.assertEqual(len(self.subjects("mbox")), 3)

    def test_appends_to_what_another_program_left_unfinished(self):
        for rest in (b"text", b"text\n", b"text\n\n"):
            with open(self.path("box"), "wb") as file:
                file.write(b"From x Thu Jan  1 00:00:00 2026\nSubject: old\n\n" + rest)
            self.run_it(self.server([mail(2)]), "fetch", "box")
            self.assertEqual(self.subjects(), ["old", "mail 2"])
            self.assertEqual(self.read("box").count(b"\n\nFrom "), 1)
            self.assertIn(b"\ntext\n\nFrom ", self.read("box"))

    def test_a_link_is_followed(self):
        os.mkdir(self.path("folder"))
        os.symlink("folder/real", self.path("link"))
        self.run_it(self.server([mail(1)]), "fetch", "link")
        self.run_it(self.server([mail(2)]), "fetch", "link")
        self.assertEqual(self.subjects("folder/real"), ["mail 1", "mail 2"])
        self.assertTrue(os.path.islink(self.path("link")))

    def test_what_is_no_mailbox_is_left_alone(self):
        os.mkfifo(self.path("fifo"))
        os.mkdir(self.path("folder"))
        os.symlink("loop", self.path("loop"))
        server = self.server(THREE)
        for dest in ("fifo", "folder", "loop", "nowhere/box", "/dev/null"):
            self.said(server, "fetch", dest, status=73)
        self.assertEqual(server.sessions, 0)
        with open(self.path("text"), "wb") as file:
            file.write(b"dear diary\n")
        self.assertIn("is no mailbox", self.run_it(server, "fetch", "text", status=74)[1])
        self.assertEqual(self.read("text"), b"dear diary\n")
        self.assertEqual(len(server.mails), 3)

    def test_waits_for_the_lock_of_another_program(self):
        with open(self.path("box"), "ab") as box:
            fcntl.lockf(box, fcntl.LOCK_EX)
            server = self.server(THREE)
            with subprocess.Popen([letterbox.binary("pop3c"), "-q", "-S", server.address, "fetch", "box"], cwd=self.home,
                                  env=self.environment) as client:
                server.await_asked("RETR 3")
                with self.assertRaises(subprocess.TimeoutExpired):
                    client.wait(0.3)
                self.assertEqual(self.read("box"), b"")
                fcntl.lockf(box, fcntl.LOCK_UN)
                self.assertEqual(client.wait(20), 0)
        self.assertEqual(len(self.subjects()), 3)

    def test_no_room(self):
        server = self.server([mail(1), mail(2, b"x" * 70 + b"\r\n" * 3000), mail(3)])
        _, err = self.run_it(server, "fetch", "box", status=74,
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)))
        self.assertIn("box: File too large\n", err)
        self.assertEqual(self.subjects(), ["mail 1"])
        self.assertEqual(len(server.mails), 2)
        self.run_it(server, "fetch", "box")
        self.assertEqual(self.subjects(), ["mail 1", "mail 2", "mail 3"])

    def test_a_large_message_and_many(self):
        large = mail(1, b"0123456789abcdef" * 4 + b"\r\n" + b"line of text\r\nFrom here\r\n" * 400000)
        server = self.server([large] + [mail(n) for n in range(2, 250)])
        server.hooks["LIST"] = lambda session, line: session.do_list().replace(b"1 %d\r\n" % len(large), b"1 5\r\n", 1)
        self.run_it(server, "fetch", "box")
        self.assertEqual(self.subjects(), ["mail %d" % n for n in range(1, 250)])
        start = self.read("box").split(b"\n\nFrom carl", 1)[0].split(b"\n", 1)[1] + b"\n"
        self.assertEqual(start, large.replace(b"\r\n", b"\n").replace(b"\nFrom ", b"\n>From "))


class OtherDestinations(Fetch):
    def test_maildir(self):
        for dest in ("folder/", "folder"):
            server = self.server(THREE)
            self.run_it(server, "fetch", dest)
            self.assertEqual(server.mails, [])
        names = os.listdir(self.path("folder", "new"))
        self.assertEqual(len(names), 6)
        self.assertEqual(os.listdir(self.path("folder", "tmp")), [])
        texts = [self.read("folder", "new", name) for name in names]
        self.assertEqual(sorted(texts), sorted(2 * [text.replace(b"\r\n", b"\n") + (b"" if text.endswith(b"\n") else b"\n") for text in THREE]))
        self.assertEqual(len(mailbox.Maildir(self.path("folder"), create=False)), 6)

    def test_maildir_without_room(self):
        server = self.server([mail(1), mail(2, b"x" * 70 + b"\r\n" * 3000)])
        self.run_it(server, "fetch", "folder/", status=74, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)))
        self.assertEqual((len(os.listdir(self.path("folder", "new"))), os.listdir(self.path("folder", "tmp"))), (1, []))
        self.assertEqual(len(server.mails), 1)

    def test_maildir_that_is_a_file(self):
        with open(self.path("file"), "wb"):
            pass
        self.said(self.server(THREE), "fetch", "file/", status=73)

    def test_command(self):
        server = self.server(THREE)
        self.run_it(server, "fetch", "|cat > $(mktemp -p . got.XXXXXX)")
        got = sorted(self.read(name) for name in os.listdir(self.home) if name.startswith("got."))
        self.assertEqual(got, sorted(text.replace(b"\r\n", b"\n") + (b"" if text.endswith(b"\n") else b"\n") for text in THREE))
        self.assertEqual(server.mails, [])

    def test_command_that_fails(self):
        for command, status in (("exit 75", 75), ("exit 1", 73), ("kill -9 $$", 73), ("/nonexistent", 73)):
            server = self.server(THREE)
            self.run_it(server, "fetch", "|if grep -q 'mail 2'; then %s; fi" % command, status=status)
            self.assertEqual(server.mails, [mail(2)])
            self.run_it(server, "fetch", "|cat > again")
            self.assertEqual(self.read("again"), mail(2).replace(b"\r\n", b"\n"))

    def test_command_that_reads_nothing(self):
        server = self.server([mail(1, b"x\r\n" * 300000)])
        self.run_it(server, "fetch", "|exit 0")
        self.assertEqual(server.mails, [])

    def test_command_inherits_no_descriptor(self):
        large = mail(1, (b"y" * 70 + b"\r\n") * (9 * 1024 * 1024 // 72))  # more than is held in memory
        self.run_it(self.server([large]), "fetch", "|cat > all; exec ls /proc/self/fd > open")
        self.assertEqual(self.read("open"), b"0\n1\n2\n3\n")  # 3 is the folder that ls reads
        self.assertEqual(len(self.read("all")), len(large) - large.count(b"\r\n"))

    def test_command_never_sees_a_part(self):
        def cut(session, _line):
            session.send(b"+OK\r\n" + mail(1, b"x\r\n" * 100000))
            raise Drop
        server = self.server([mail(1)], hooks={"RETR 1": cut})
        self.run_it(server, "fetch", "|cat > got", status=75)
        self.assertFalse(os.path.exists(self.path("got")))

    def test_standard_output(self):
        server = self.server(THREE)
        out, _ = self.run_it(server, "fetch", "-")
        with open(self.path("box"), "w", encoding="utf-8", newline="") as file:
            file.write(out)
        self.assertEqual(self.subjects(), ["mail 1", "mail 2", "mail 3"])
        self.assertEqual(server.mails, [])

    def test_quiet(self):
        self.assertEqual(self.run_it(self.server(THREE), "-q", "fetch", "box"), ("", ""))


class Memory(Fetch):
    def test_keep_then_not(self):
        server = self.server(THREE)
        self.run_it(server, "fetch", "-k", "box")
        self.assertEqual((len(server.mails), self.state()), (3, ["uidl-1", "uidl-2", "uidl-3"]))
        server.mails.append(mail(4))
        server.uidls.append("uidl-4")
        self.assertIn("1 message fetched", self.run_it(server, "fetch", "-k", "box")[1])
        server.asked.clear()
        self.assertIn("0 messages fetched into box, 4 deleted", self.run_it(server, "fetch", "box")[1])
        self.assertNotIn("RETR", " ".join(server.asked))
        self.assertEqual(self.subjects(), ["mail %d" % n for n in (1, 2, 3, 4)])
        self.assertEqual((server.mails, self.state()), ([], []))

    def test_what_is_gone_is_forgotten(self):
        server = self.server(THREE)
        self.run_it(server, "fetch", "-k", "box")
        del server.mails[1], server.uidls[1]
        self.run_it(server, "fetch", "-k", "box")
        self.assertEqual(self.state(), ["uidl-1", "uidl-3"])

    def test_each_maildrop_has_its_own(self):
        self.run_it(self.server(THREE), "fetch", "-k", "box")
        self.run_it(self.server(THREE, user="eva"), "-u", "eva", "fetch", "-k", "box")
        self.assertEqual(len(self.subjects()), 6)

    def test_a_twin_that_comes_later_is_fetched(self):
        server = self.server([mail(1), mail(1)], uidls=["same", "same"])
        self.run_it(server, "fetch", "-k", "box")
        server.mails.append(mail(1))
        server.uidls.append("same")
        self.run_it(server, "fetch", "box")
        self.assertEqual(len(self.subjects()), 3)
        self.assertEqual(server.mails, [])

    def test_a_server_without_uidl(self):
        server = self.server(THREE, hooks={"UIDL": b"-ERR what?\r\n"})
        self.assertIn("has no UIDL", self.run_it(server, "fetch", "-k", "box")[1])
        self.run_it(server, "fetch", "box")
        self.assertEqual((len(self.subjects()), server.mails), (6, []))

    def test_uidls_that_are_none(self):
        server = self.server(THREE, uidls=["\x01", "x" * 300, "ok"])
        self.run_it(server, "fetch", "-k", "box")
        self.assertEqual(self.state(), ["ok"])

    def test_the_folder_of_the_state(self):
        self.environment["XDG_STATE_HOME"] = self.path("state")
        self.run_it(self.server(THREE), "-u", "anna", "fetch", "-k", "box")
        self.assertEqual(len(os.listdir(self.path("state", "letterbox", "seen"))), 2)
        self.environment["XDG_STATE_HOME"] = "/dev/null"
        server = self.server(THREE)
        self.said(server, "fetch", "box", status=73)
        self.assertEqual(server.sessions, 0)

    def test_a_torn_line_is_fetched_again_and_mends(self):
        server = self.server(THREE)
        self.run_it(server, "fetch", "-k", "box")
        folder = self.path(".local", "state", "letterbox", "seen")
        name = [name for name in os.listdir(folder) if not name.endswith(".lock")][0]
        with open(os.path.join(folder, name), "wb") as file:
            file.write(b"uidl-1\n\0\0\0\nuidl-2")
        self.run_it(server, "fetch", "-k", "box")
        self.assertEqual(sorted(self.state()), ["uidl-1", "uidl-2", "uidl-3"])
        self.assertEqual(len(self.subjects()), 5)

    def test_two_at_once(self):
        server = self.server(THREE)

        def other(_session, _line):
            self.assertIn("under way", self.said(server, "fetch", "other", status=75))
        server.hooks["RETR 2"] = other
        self.run_it(server, "fetch", "box")
        self.assertEqual(len(self.subjects()), 3)


class Broken(Fetch):
    WORDS = ("CAPA", "USER", "PASS", "LIST", "UIDL", "RETR 1", "RETR 2", "RETR 3", "DELE 1", "DELE 2", "DELE 3", "QUIT")

    def once(self, server):
        """A second fetch ends it: each message is there once, nothing is left on the server, nothing remembered."""
        server.hooks.clear()
        self.run_it(server, "fetch", "box")
        self.assertEqual(sorted(self.subjects()), ["mail 1", "mail 2", "mail 3"])
        self.assertEqual((server.mails, self.state()), ([], []))
        os.unlink(self.path("box"))
        shutil.rmtree(self.path(".local"))

    def test_the_server_drops_at_each_step(self):
        for word in self.WORDS:
            server = self.server(THREE, hooks={word: Drop})
            self.run_it(server, "fetch", "box", status=75)
            self.assertEqual(len(server.mails), 3)
            self.once(server)

    def test_the_server_deletes_and_drops(self):
        def quit_and_drop(session, _line):
            session.do_quit()
            raise Drop
        server = self.server(THREE, hooks={"QUIT": quit_and_drop})
        self.assertIn("0 deleted", self.run_it(server, "fetch", "box", status=75)[1])
        self.once(server)

    def test_a_message_is_cut(self):
        for n in (1, 2, 3):
            for part in (0, 10, 60):
                def cut(session, _line, n=n, part=part):
                    session.send(b"+OK\r\n" + stuffed(THREE[n - 1])[:part])
                    raise Drop
                server = self.server(THREE, hooks={"RETR %d" % n: cut})
                self.run_it(server, "fetch", "box", status=75)
                self.assertEqual(len(server.mails), 3)
                self.assertEqual(self.read("box").count(b"\nSubject: "), n - 1)
                self.once(server)

    def test_killed_at_each_step(self):
        for number in (signal.SIGKILL, signal.SIGINT):
            for word in self.WORDS:
                started = queue.Queue()

                def kill(session, _line, started=started, number=number):
                    client = started.get(timeout=20)
                    client.send_signal(number)
                    if number == signal.SIGINT:
                        session.input.read()
                    client.wait(10)
                    raise Drop
                server = self.server(THREE, hooks={word: kill})
                client = subprocess.Popen([letterbox.binary("pop3c"), "-S", server.address, "fetch", "box"], cwd=self.home,
                                          env=self.environment, stderr=subprocess.DEVNULL, start_new_session=True)
                started.put(client)
                self.assertEqual(client.wait(20), -number, word)
                self.assertEqual(len(server.mails), 3)
                if number == signal.SIGINT and word.startswith("DELE"):
                    self.assertEqual(len(self.subjects()), 3)
                self.once(server)

    def test_all_is_synced_before_anything_is_deleted(self):
        if shutil.which("strace") is None:
            self.skipTest("skipped: there is no strace")
        for dest, synced in (("box", ["box", ""]), ("folder/", ["", "folder", "tmp/", "tmp/", "tmp/", "folder/new"])):
            server = self.server(THREE)
            done = subprocess.run(["strace", "-y", "-s", "200", "-o", self.path("trace"), "-e",
                                   "trace=fsync,fdatasync,write,writev,sendto,sendmsg", letterbox.binary("pop3c"), "-q", "-S", server.address,
                                   "fetch", dest], cwd=self.home, env=self.environment, stderr=subprocess.PIPE, timeout=30, check=False)
            if b"ptrace" in done.stderr or not os.path.exists(self.path("trace")):
                self.skipTest("skipped: strace may not trace here")
            before = self.read("trace").decode().split("DELE 1")[0]
            found = re.findall(r"(?:fsync|fdatasync)\(\d+<%s/?([^>]*)>\) += 0" % re.escape(self.home), before)
            state = [name for name in found if name.startswith(".local")]
            rest = [re.sub(r"^folder/tmp/.*", "tmp/", name) for name in found if not name.startswith(".local")]
            self.assertEqual(rest, synced)
            self.assertTrue(found[-1].startswith(".local") and len(state) == 2, found)

    def test_killed_at_each_system_call_that_matters(self):
        if shutil.which("strace") is None:
            self.skipTest("skipped: there is no strace")
        states = 0
        for call in ("write", "fsync", "openat", "renameat", "unlinkat"):
            for n in range(1, 40):
                server = self.server(THREE)
                done = subprocess.run(["strace", "-f", "-o", "/dev/null", "-e", "trace=" + call, "-e",
                                       "inject=%s:signal=KILL:when=%d" % (call, n), letterbox.binary("pop3c"), "-q", "-S", server.address,
                                       "fetch", "box"], cwd=self.home, env=self.environment, stderr=subprocess.PIPE, timeout=30, check=False)
                if b"ptrace" in done.stderr:
                    self.skipTest("skipped: strace may not trace here")
                if done.returncode == 0:
                    self.assertGreater(n, 1 if call in ("write", "fsync", "openat") else 0)
                    os.unlink(self.path("box"))
                    break
                states += 1
                if os.path.exists(self.path("box.lock")):
                    os.utime(self.path("box.lock"), (0, 0))  # one that its owner had no time to write into must be old
                self.run_it(server, "fetch", "box")
                self.assertEqual(set(self.subjects()), {"mail 1", "mail 2", "mail 3"})
                self.assertEqual(server.mails, [])
                os.unlink(self.path("box"))
        self.assertGreater(states, 10)

    def test_one_message_is_refused(self):
        server = self.server(THREE, hooks={"RETR 2": b"-ERR [SYS/PERM] rotten\r\n"})
        self.assertIn("pop3c: message 2: [SYS/PERM] rotten\n", self.run_it(server, "fetch", "box", status=79)[1])
        self.assertEqual((self.subjects(), len(server.mails)), (["mail 1", "mail 3"], 1))
        server.hooks = {"RETR 1": b"-ERR [SYS/PERM] rotten\r\n"}
        self.run_it(server, "fetch", "box", status=65)

    def test_quit_is_refused(self):
        server = self.server(THREE, hooks={"QUIT": b"-ERR [SYS/TEMP] disk\r\n"})
        self.run_it(server, "fetch", "box", status=75)
        self.once(server)


if __name__ == "__main__":
    unittest.main()

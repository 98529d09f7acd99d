#!/usr/bin/env python3
"""Other programs change the mailbox during a POP3 session of ours: what changed under it is not deleted, what is left alone keeps its UIDL."""

import fcntl
import os
import smtplib
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import sharers  # noqa: E402
from sharers import letterbox, mail  # noqa: E402

MESSAGES = 5
SLOW = ["strace", "-D", "-f", "-q", "-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:delay_enter=150000"]


class Case(unittest.TestCase):
    """anna has got some mail from us."""

    needs = ()

    def setUp(self):
        if not sharers.installed(*self.needs):
            self.skipTest("%s is not installed" % " or ".join(self.needs))
        self.server = mail.MailServer(plain=True, owner=sharers.OWNER)
        self.addCleanup(self.server.close)
        folder = tempfile.TemporaryDirectory(prefix="letterbox-")
        self.addCleanup(folder.cleanup)
        self.others = sharers.Sharers(folder.name, self.server.root.mbox_path("anna"))
        for n in range(MESSAGES):
            self.deliver("ours %d" % n)

    def deliver(self, subject, lines=3):
        with smtplib.SMTP("127.0.0.1", self.server.smtpd.port, "home.example.org", 60) as smtp:
            smtp.sendmail("carl@example.net", ["anna@localhost"], sharers.letter(subject, lines))

    def listed(self):
        """UIDL -> subject, each message whole."""
        with self.server.login() as session:
            return self.seen(session)

    def seen(self, session):
        uidls = [line.split()[1] for line in session.lines("UIDL")]
        sizes = [int(line.split()[1]) for line in session.lines("LIST")]
        messages = [session.retr(n + 1) for n in range(len(uidls))]
        self.assertEqual([len(message) for message in messages], sizes)
        self.assertEqual(len(set(uidls)), len(uidls))
        return {uidl: sharers.subject_of(message) for uidl, message in zip(uidls, messages)}

    def expect_no_deletion(self, session, number, subject):
        """The session's snapshot no longer holds: it shows nothing that is wrong, and deletes nothing."""
        try:
            self.assertEqual(sharers.subject_of(session.retr(number)), subject)
        except letterbox.Failure as error:
            self.assertIn("-ERR", str(error))
        before = self.server.root.mbox("anna")
        session.ask("DELE %d" % number)
        with self.assertRaisesRegex(letterbox.Failure, "-ERR"):
            session.quit()
        session.close()
        self.assertEqual(self.server.root.mbox("anna"), before)

    def expect_deletion(self, before):
        """The next session deletes the first of these, and nothing else."""
        self.assertEqual(self.listed(), before)
        with self.server.login() as session:
            session.ask("DELE 1")
        self.assertEqual(list(self.listed().items()), list(before.items())[1:])


class Deletes:
    """delete(subject), mark(subject)"""

    def test_deletes_during_a_session(self):
        before = self.listed()
        session = self.server.login()
        self.delete("ours 0")
        self.expect_no_deletion(session, 2, "ours 1")
        self.expect_deletion({uidl: subject for uidl, subject in before.items() if subject != "ours 0"})

    def test_marks_during_a_session(self):
        self.server.root.append("users/anna/mbox", sharers.FROM_ + "Subject: another's\n\nbody\n\n")
        before = self.listed()
        old = self.server.root.mbox("anna")
        session = self.server.login()
        self.mark("ours 0")
        self.assertNotEqual(self.server.root.mbox("anna"), old)
        self.expect_no_deletion(session, 2, "ours 1")
        self.expect_deletion(before)

    def test_marks_before_the_first_session(self):
        """There is no index that would know."""
        self.mark("ours %d" % (MESSAGES - 1))
        before = self.listed()
        self.assertEqual(list(before.values()), ["ours %d" % n for n in range(MESSAGES)])
        self.expect_deletion(before)
        self.assertFalse(os.path.exists(self.server.root.file("users", "anna", "mbox.torn")))

    def test_deletes_while_we_do(self):
        self.while_we_delete("ours 0", lambda: self.delete("ours 1"), ["ours 2", "ours 3", "ours 4"])

    @unittest.skipUnless(sharers.installed("strace"), "strace is not installed")
    def while_we_delete(self, subject, work, expected):
        """QUIT takes its time with the mailbox locked; work begins meanwhile, and both are done."""
        before = self.listed()
        with letterbox.Daemon("pop3d", self.server.root, ["user=" + sharers.OWNER] if sharers.OWNER else [], wrapper=SLOW,
                              env={"ASAN_OPTIONS": "detect_leaks=0"}) as slow:
            session = mail.Pop3(slow.port, "anna", mail.PASSWORDS["anna"])
            session.ask("DELE %d" % (1 + list(before.values()).index(subject)))
            quitting = threading.Thread(target=session.quit)
            quitting.start()
            deadline = letterbox.Deadline(20)
            while not os.path.exists(self.others.mbox + ".lock") and not deadline.over():
                time.sleep(0.001)
            work()
            quitting.join(20)
            session.close()
        after = self.listed()
        self.assertEqual(sorted(after.values()), sorted(expected))
        self.assertEqual({uidl: name for uidl, name in after.items() if uidl in before},
                         {uidl: name for uidl, name in before.items() if name in expected})


class Appends:
    """add(subject)"""

    def test_appends_during_a_session(self):
        before = self.listed()
        session = self.server.login()
        self.add("theirs")
        session.ask("DELE 2")
        session.quit()
        session.close()
        after = self.listed()
        self.assertEqual(list(after.values()), ["ours 0", "ours 2", "ours 3", "ours 4", "theirs"])
        self.assertEqual(list(after)[:-1], [uidl for uidl, subject in before.items() if subject != "ours 1"])
        self.deliver("behind theirs")
        self.assertEqual(list(self.listed().items())[:-1], list(after.items()))

    def test_appends_while_we_delete(self):
        Deletes.while_we_delete(self, "ours 2", lambda: self.add("theirs"), ["ours 0", "ours 1", "ours 3", "ours 4", "theirs"])


class Python(Deletes, Appends, Case):
    def add(self, subject):
        self.others.add_by_python(subject)

    def _each(self, subject, work):
        def locked(box):
            for key in list(box.keys()):
                if box[key]["Subject"] == subject:
                    work(box, key)
        self.others.python(locked)

    def delete(self, subject):
        self._each(subject, lambda box, key: box.remove(key))

    def mark(self, subject):
        def add_flags(box, key):
            message = box[key]
            message.add_flag("ROA")
            box[key] = message
        self._each(subject, add_flags)


class Mutt(Deletes, Case):
    needs = ("mutt",)

    def type(self, keys, done):
        """Until it is to be seen in the mailbox."""
        deadline = letterbox.Deadline(sharers.SECONDS)
        while not done(self.server.root.mbox("anna")):
            self.assertFalse(deadline.over(), "mutt never had the mailbox for itself")
            self.others.mutt(keys)

    def delete(self, subject):
        self.type("<delete-pattern>~s'%s'<enter>" % subject, lambda mbox: b"\nSubject: %s\n" % subject.encode() not in mbox)

    def mark(self, subject):
        self.type("<tag-pattern>~s'%s'<enter><tag-prefix><set-flag>!" % subject, lambda mbox: b"\nX-Status: F\n" in mbox)


class Dovecot(Deletes, Case):
    needs = (sharers.DOVECOT,)

    def number(self, session, subject):
        return 1 + [sharers.subject_of(session.retr(n + 1)) for n in range(session.stat()[0])].index(subject)

    def delete(self, subject):
        with self.others.dovecot() as session:
            session.ask("DELE %d" % self.number(session, subject))
            session.quit()

    def mark(self, subject):
        """What it writes into all that is there, read or not: X-IMAPbase, X-UID, Status."""
        with self.others.dovecot() as session:
            session.lines("UIDL")
            session.retr(self.number(session, subject))
            session.quit()

    def test_lists_before_the_first_session(self):
        with self.others.dovecot() as session:
            session.lines("UIDL")
            session.quit()
        self.assertIn(b"\nX-UID: 5", self.server.root.mbox("anna"))
        self.assertEqual(list(self.listed().values()), ["ours %d" % n for n in range(MESSAGES)])


    def test_takes_away_what_we_only_marked(self):
        """In a mailbox of which more than 32 MB would have to be moved. To Dovecot it is a message like others, with a flag."""
        for n in range(9):
            self.deliver("large %d" % n, 250000)
        before = self.listed()
        size = os.stat(self.others.mbox).st_size
        with self.server.login() as session:
            session.ask("DELE 1")
        self.assertEqual(os.stat(self.others.mbox).st_size, size)
        self.assertIn(list(before)[0].encode(), self.server.root.mbox("anna"))
        with self.others.dovecot() as session:
            self.assertEqual(session.stat()[0], len(before))
            session.ask("DELE 1")
            session.quit()
        self.assertNotIn(list(before)[0].encode(), self.server.root.mbox("anna"))
        self.assertEqual(list(self.listed().items()), list(before.items())[1:])


class Procmail(Appends, Case):
    needs = ("procmail",)

    def add(self, subject):
        self.others.add_by_procmail(subject)


class Script(Appends, Case):
    needs = ("dotlockfile",)

    def add(self, subject):
        self.others.add_by_script(subject)


class Order(Case):
    """Debian's: fcntl first, then the dotlock. Who waits for the second lets go of the first."""

    def setUp(self):
        super().setUp()
        self.dotlock = self.others.mbox + ".lock"
        # Any other descriptor of the mailbox that this process closed would give up the lock.
        self.file = open(self.others.mbox, "r+b", buffering=0)
        self.addCleanup(self.file.close)

    def make_dotlock(self):
        with open(os.open(self.dotlock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write("%d\n" % os.getpid())

    def append(self):
        self.file.seek(0, os.SEEK_END)
        self.file.write(sharers.FROM_.encode() + b"Subject: theirs\n\nbody\n\n")

    def begin(self, work):
        thread = threading.Thread(target=work)
        thread.start()
        self.addCleanup(thread.join, 60)
        return thread

    def log_in(self):
        with self.server.login():
            pass

    def expect_order(self, work):
        """We hold the fcntl lock; who waits for it has not made the dotlock, so that we can."""
        fcntl.lockf(self.file, fcntl.LOCK_EX)
        waiting = self.begin(work)
        self.await_waiter()
        self.make_dotlock()
        self.append()
        os.unlink(self.dotlock)
        fcntl.lockf(self.file, fcntl.LOCK_UN)
        waiting.join(20)
        self.assertFalse(waiting.is_alive())

    def await_waiter(self):
        inode = ":%d " % os.fstat(self.file.fileno()).st_ino
        deadline = letterbox.Deadline(20)
        while not deadline.over():
            with open("/proc/locks", encoding="ascii") as file:
                if any(" -> " in line and inode in line for line in file):
                    return
            time.sleep(0.002)
        self.fail("nobody waits for the mailbox")

    def expect_reverse(self, work):
        """We hold the dotlock; who waits for it lets go of the fcntl lock, so that we can have it."""
        self.make_dotlock()
        waiting = self.begin(work)
        deadline = letterbox.Deadline(5)
        tried = 0
        while not deadline.over() and tried < 20:
            try:
                fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                tried += 1
                fcntl.lockf(self.file, fcntl.LOCK_UN)
            except BlockingIOError:
                pass
            time.sleep(0.01)
        self.assertEqual(tried, 20)
        fcntl.lockf(self.file, fcntl.LOCK_EX)
        self.append()
        fcntl.lockf(self.file, fcntl.LOCK_UN)
        self.assertTrue(waiting.is_alive())
        os.unlink(self.dotlock)
        waiting.join(20)
        self.assertFalse(waiting.is_alive())

    def expect_both(self, work):
        self.expect_order(work)
        self.expect_reverse(work)
        return list(self.listed().values())

    def test_delivery(self):
        subjects = self.expect_both(lambda: self.deliver("waited"))
        self.assertEqual(subjects[MESSAGES:], ["theirs", "waited", "theirs", "waited"])

    def test_login(self):
        self.assertEqual(self.expect_both(self.log_in)[MESSAGES:], ["theirs", "theirs"])


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""Kills smtpd and pop3d, children and parents, at random moments under load, and looks whether the promises hold.

    run.py [--kills N] [--seed N]

Prints, last but one, how much was tried, and last `N passed, N failed`.
"""

import argparse
import collections
import contextlib
import glob
import os
import random
import select
import signal
import sys
import time

import load
from load import Failure, ledger, letterbox

PARENTS = 10  # one kill of so many
BEAT = 0.05  # seconds between two kills, on average
SLOW = 20  # seconds: nobody who waits for a lock of the dead has waited as long
GRACE = 45  # seconds within which a child without a parent has ended


class Service:
    """One of the daemons, with whatever is left of those before it."""

    def __init__(self, program, root):
        self.program, self.root = program, root
        self.daemon = letterbox.Daemon(program, root)
        self.port = self.daemon.port
        self.former, self.orphans = [], []

    def kill_child(self, pid, await_moment=lambda: None):
        """Whether there was such a child."""
        try:
            handle = os.pidfd_open(pid)
        except OSError:
            return False
        try:
            if pid not in self.daemon.children():
                return False
            await_moment()
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            return True
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)

    def kill_parent(self, same_port):
        """The next one serves at once, while the children of this one still end."""
        for pid in self.daemon.children():
            try:
                self.orphans.append(os.pidfd_open(pid))
            except OSError:
                pass
        self.daemon.process.kill()
        self.daemon.process.wait()
        self.former.append(self.daemon)
        self.daemon = self.start_again("127.0.0.1:%d" % (self.port if same_port else 0))
        self.port = self.daemon.port

    def start_again(self, address):
        """A child that had no time to close the listening socket after its fork may hold the port for a moment."""
        deadline = letterbox.Deadline(5)
        while True:
            try:
                return letterbox.Daemon(self.program, self.root, listen=(address,))
            except Failure:
                if deadline.over():
                    raise
                time.sleep(0.01)

    def logged(self, event):
        """How often."""
        return sum(line.startswith(self.program) and event in line for daemon in (*self.former, self.daemon) for line in daemon.log().split("\n"))

    def await_orphans(self):
        deadline = letterbox.Deadline(GRACE)
        for handle in self.orphans:
            if not select.select([handle], [], [], deadline.left())[0]:
                raise Failure("%s: a child without a parent goes on" % self.program)
            os.close(handle)
        for daemon in self.former:
            daemon.kill()
            if letterbox.SANITIZER.search(daemon.log()):
                raise Failure("a sanitizer spoke\n" + daemon.log())


class Killer:
    """Half of the children it kills hold a mailbox at that moment."""

    def __init__(self, root, services):
        self.root, self.services = root, services
        self.count = collections.Counter()

    def strike(self):
        if sum(self.count.values()) % PARENTS == PARENTS - 1:
            random.choice(self.services).kill_parent(random.random() < 0.5)
            self.count["parents"] += 1
        elif random.random() < 0.5 and self.kill_holder():
            self.count["holders"] += 1
        else:
            self.kill_any()

    def kill_holder(self):
        """smtpd's that appends or pop3d's that expunges."""
        service = random.choice(self.services)
        deadline = letterbox.Deadline(0.2)
        while not deadline.over():
            for path in glob.glob(self.root.file("users", "*", "mbox.lock")):
                try:
                    with open(path, "rb") as file:
                        pid = int(file.readline() or b"0")
                except FileNotFoundError:
                    continue
                if pid > 0 and service.kill_child(pid, lambda mbox=path[:-5]: self.await_growth(mbox)):
                    return True
        return False

    def await_growth(self, mbox):
        """Or a random moment."""
        tries = random.randrange(1000)
        with contextlib.suppress(FileNotFoundError):
            before = os.stat(mbox).st_size
            while tries > 0 and os.stat(mbox).st_size <= before:
                tries -= 1

    def kill_any(self):
        service = random.choice(self.services)
        children = service.daemon.children()
        if children and service.kill_child(random.choice(children)):
            self.count["others"] += 1


class Audit:
    """What is left when all is over."""

    def __init__(self, root, work, services):
        self.root, self.load, self.services = root, work, services

    def load_went_well(self):
        if self.load.errors:
            raise self.load.errors[0]

    def nobody_waited_for_the_dead(self):
        if self.load.slowest > SLOW:
            raise Failure("an answer took %.1f s" % self.load.slowest)

    def orphans_end(self):
        for service in self.services:
            service.await_orphans()

    def everything_is_there_once(self):
        """The next session of each user, with whatever recovery it needs."""
        for user in self.load.users:
            self.see_all(user)
        lost, unfinished = self.load.ledger.lost(), self.load.ledger.unfinished()
        if lost or unfinished:
            raise Failure("acknowledged, and not there: %s; never finished, and there: %s" % (lost, unfinished))

    def see_all(self, user):
        with self.load.login(user, load.PASSWORD if user in load.USERS else "third") as session:
            uidls = self.load.see(session, user, True)
            return uidls, session.lines("LIST")

    def no_index_lies(self):
        for user in self.load.users:
            before = self.see_all(user)
            letterbox.run([letterbox.binary("pop3d"), "-d", self.root.path, "mailbox", "check", user])
            os.unlink(self.root.file("users", user, "mbox.index"))
            if self.see_all(user) != before:
                raise Failure("%s: another list with the index than without" % user)

    def accounts_are_as_they_were_left(self):
        names = letterbox.run([letterbox.binary("pop3d"), "-d", self.root.path, "user", "list"])[0].decode().split()
        for name, passwords in self.load.accounts.items():
            if (name not in names and None not in passwords) or (name in names and passwords == {None}):
                raise Failure("%s: %s, and the list says %s" % (name, passwords, names))
            if None not in passwords and len(passwords) == 1:
                self.load.login(name, *passwords).close()
        if not set(load.USERS) <= set(names):
            raise Failure("accounts are gone: %s" % names)

    def nothing_is_left_behind(self):
        """But for what the next expunge or large message takes away."""
        for user in load.USERS:
            with self.load.login(user, load.PASSWORD) as session:
                if session.stat()[0] > 1:
                    session.ask("DELE 1")
        left = [path for name in ("mbox.lock", "mbox.redo*", "mbox.index.new")
                for user in load.USERS for path in glob.glob(self.root.file("users", user, name))]
        known = ("accounts", "accounts.lock", "accounts.secret", "spool", "users")
        left += [name for name in os.listdir(self.root.path) if name not in known]
        if left:
            raise Failure("left behind: %s" % left)

    def cases(self):
        return [self.load_went_well, self.nobody_waited_for_the_dead, self.orphans_end, self.everything_is_there_once, self.no_index_lies,
                self.accounts_are_as_they_were_left, self.nothing_is_left_behind]


def judge(case):
    try:
        case()
        return True
    except Exception as wrong:  # pylint: disable=broad-except
        print("%s: %s: %s" % (case.__name__.replace("_", " "), type(wrong).__name__, wrong), flush=True)
        return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    random.seed(options.seed)
    sys.setswitchinterval(0.0005)  # the killer is not to wait for the load
    with letterbox.MailRoot() as root:
        for user in load.USERS:
            root.add_plain_account(user, load.PASSWORD)
        services = [Service("smtpd", root), Service("pop3d", root)]
        work = load.Load(root, lambda: services[0].port, lambda: services[1].port)
        killer = Killer(root, services)
        try:
            work.start()
            while sum(killer.count.values()) < options.kills and not work.errors:
                time.sleep(random.expovariate(1 / BEAT))
                killer.strike()
        finally:
            work.stop()
        results = [judge(case) for case in Audit(root, work, services).cases()]
        for service in services:
            results.append(judge(service.daemon.stop))
    count, book = killer.count, work.ledger
    print("kills: %d of children (%d with a mailbox locked), %d of parents; %d messages and %d deletions audited; %d messages without an "
          "answer, %d torn, %d expunges resumed; slowest answer %.1f s (seed %d)" % (
              count["holders"] + count["others"], count["holders"], count["parents"], book.count(ledger.STORED), book.deletions(),
              book.count(ledger.MAYBE), *(sum(service.logged(event) for service in services) for event in ("torn message", "expunge resumed")),
              work.slowest, options.seed))
    print("%d passed, %d failed" % (results.count(True), results.count(False)))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Cuts the power again and again under load, and looks whether what was promised is there.

    run.py [--cuts N] [--seconds S] [--huge] [--keep FOLDER]

No new cut after S seconds. --huge: one mailbox is so large that messages are marked, not cut out. What failed is copied to FOLDER.

An ext4 with both daemons on it is shut down as it stands (EXT4_IOC_SHUTDOWN: not even the journal is written), unmounted and mounted. Then
POP3 and Python's mailbox (and, for another domain, the queue) must find every message whose 250 was heard before the cut, whole, once, under the UIDL that it had, and none
of whose deletion the +OK was heard; and the daemons must work on. The same file system lives through all cuts. Every fourth recovery is
cut, too.
"""

import argparse
import asyncio
import collections
import contextlib
import os
import random
import shutil
import smtplib
import sys
import threading

import disk
from ledger import Box, letter, read_mbox, read_queue
from load import HUGE, PASSWORD, Load
import letterbox
from letterbox import Failure
import mail
from server import Root, Server

USERS = ["user%d" % n for n in range(8)] + ["big0", "big1"]
NEW = ["new%d" % n for n in range(9)]  # have no mailbox yet when a round begins
SIZE, ROOM = 1024, 1400  # MB
SMALL = 2 << 20  # octets; a larger mailbox is read by Python's mailbox, which is slow, after every tenth cut


class Rounds:
    def __init__(self, device, huge):
        self.disk = device
        self.root = Root(device.path("mail"))
        self.boxes = {user: Box(user) for user in USERS + huge}
        for user in list(self.boxes) + NEW:
            self.root.add_plain_account(user, PASSWORD)
        self.root.append("aliases", "far: carl@elsewhere.example\n")
        self.root.append("routes", "* 127.0.0.1:1\n")
        self.accounts = {}
        self.queued = set()
        self.counts = collections.Counter()

        for user in huge:
            self.stuff(self.boxes[user])

    def stuff(self, box):
        server = Server(self.root)
        with smtplib.SMTP("127.0.0.1", server.smtp, "client", 60) as smtp:
            while box.octets() < HUGE:
                name = "huge-%d" % len(box.state)
                smtp.sendmail("carl@example.net", [box.user + "@localhost"], letter(name, 600000))
                box.sent(name, 600000)
                box.stored(name)
        server.stop()

    def prepare(self):
        """The new users lose their mailboxes. What is done by hand must be synced by hand."""
        for user in NEW:
            self.boxes[user] = Box(user)
            shutil.rmtree(self.root.file("users", user), ignore_errors=True)
        shutil.rmtree(self.root.file("queue"), ignore_errors=True)
        for box in self.boxes.values():
            box.busy = False
        self.disk.sync()

    def under_load(self, number):
        server = Server(self.root)
        try:
            self.queued = set()
            load = Load(self.root, (server.smtp, server.pop3), self.boxes, self.accounts, number)
            try:
                asyncio.run(load.run())
            finally:
                load.power.close()
                self.queued = load.queued
        except Exception:
            print(server.log("users/"), file=sys.stderr)
            raise
        finally:
            server.kill()
        self.counts.update(cuts=1, acknowledged=load.acknowledged, deleted=load.deleted, changed=load.changed, queued=len(load.queued))

    def audit_queue(self):
        found = read_queue(self.root.file("queue"))
        lost = self.queued - set(found)
        if lost or len(set(found)) < len(found):
            raise Failure("queue: lost %s of %d, found %s" % (lost, len(self.queued), found))

    def look_at_the_ruins(self):
        for user in self.boxes:
            folder = self.root.file("users", user)
            redo = os.path.join(folder, "mbox.redo")
            self.counts["an expunge"] += os.path.exists(redo) and os.path.getsize(redo) > 0
            self.counts["locks"] += os.path.exists(os.path.join(folder, "mbox.lock"))

    def power_is_back(self):
        """After a while: a lock that says nothing is old."""
        self.disk.unmount()
        self.disk.mount()
        for user in self.boxes:
            with contextlib.suppress(FileNotFoundError):
                os.utime(self.root.file("users", user, "mbox.lock"), (0, 0))

    def cut_the_recovery(self):
        """Sessions make the daemons recover what they find; in the middle of that the power goes again. Nothing new is promised."""
        power = disk.Power()
        timer = threading.Timer(random.uniform(0, 0.1), power.cut)
        timer.start()
        server = None
        try:
            server = Server(self.root)
            for user in random.sample(list(self.boxes), len(self.boxes)):
                mail.Pop3(server.pop3, user, PASSWORD).close()
        except (Failure, OSError):
            pass  # no wonder
        finally:
            timer.join()
            if server is not None:
                server.kill()
            power.close()
        self.power_is_back()
        self.counts["recoveries"] += 1

    def audit(self):
        """Through POP3. Returns, by user, the UIDLs and names found."""
        server = Server(self.root)
        found = {}
        try:
            for user, box in self.boxes.items():
                mailbox, again = server.fetch(user, PASSWORD)
                found[user] = ([uidl for uidl, _ in mailbox], box.audit(mailbox, self.counts))
                self.counts["again"] += again
            for user in self.accounts:
                self.audit_account(server, user)
        except Exception:
            print(server.log("users/"), file=sys.stderr)
            raise
        server.stop()
        return found

    def audit_account(self, server, user):
        """One of the passwords that may be right is right, and no other."""
        right = set()
        for password in self.accounts[user] - {None}:
            with contextlib.suppress(Failure):
                mail.Pop3(server.pop3, user, password).close()
                right.add(password)
        if len(right) > 1 or (not right and None not in self.accounts[user]):
            raise Failure("account %s: of the passwords %s these are right: %s" % (user, self.accounts[user], right))
        self.accounts[user] = right or {None}

    def audit_again(self, found, number):
        """What was found stays, after a delivery and a restart; and Python's mailbox finds the same."""
        server = Server(self.root)
        name = "after-%d" % number
        with smtplib.SMTP("127.0.0.1", server.smtp, "client", 60) as smtp:
            smtp.sendmail("carl@example.net", [user + "@localhost" for user in self.boxes], letter(name, 1000))
        for user, (uidls, names) in found.items():
            box = self.boxes[user]
            with mail.Pop3(server.pop3, user, PASSWORD) as session:
                now = [line.split()[1] for line in session.lines("UIDL")]
                if now[:-1] != uidls:
                    raise Failure("%s: other UIDLs after a restart: %s, were %s" % (user, now, uidls))
            box.sent(name, 1000)
            box.stored(name)
            box.seen(name, now[-1])
        server.stop()
        for user, (uidls, names) in found.items():
            if self.boxes[user].octets() > SMALL and number % 10 != 9:
                continue
            seen = read_mbox(self.root.mbox_path(user))
            if seen != names + [name]:
                raise Failure("%s: mailbox finds %s where POP3 finds %s" % (user, seen, names + [name]))

    def round(self, number):
        self.prepare()
        self.under_load(number)
        self.power_is_back()
        self.audit_queue()
        self.look_at_the_ruins()
        if number % 4 == 3:
            self.cut_the_recovery()
        self.audit_again(self.audit(), number)


def report(counts):
    for line in ("%(cuts)d cuts under load, %(recoveries)d in the recovery; found %(an expunge)d expunges under way, %(locks)d dotlocks",
                 "%(acknowledged)d acknowledged messages and %(queued)d in the queue, %(deleted)d acknowledged deletions, %(changed)d changes of accounts audited",
                 "%(unknown)d without an answer, %(unknown, seen)d of them seen; %(again)d sessions had to be repeated"):
        print("power: " + line % counts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--huge", action="store_true")
    parser.add_argument("--keep")
    options = parser.parse_args()
    reason = "sanitized daemons are slow under load" if letterbox.SANITIZED else disk.enter()
    if reason:
        print("power skipped: " + reason)
        print("0 passed, 0 failed, 1 skipped")
        return 0
    deadline = letterbox.Deadline(options.seconds)
    with disk.Disk(SIZE, ROOM) as device:
        rounds = Rounds(device, ["huge"] if options.huge else [])
        try:
            for number in range(options.cuts):
                if not deadline.over():
                    rounds.round(number)
        except Failure as failure:
            print("cut %d: %s" % (rounds.counts["cuts"], failure))
            if options.keep:
                shutil.copytree(rounds.root.path, options.keep)
            print("1 failed")
            return 1
    report(collections.defaultdict(int, rounds.counts))
    print("%d passed, 0 failed" % rounds.counts["cuts"])
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What was promised about every message, and whether a mailbox keeps it."""

import hashlib
import re
import threading

from letterbox import Failure

# Of a message: its final dot was not sent; it was, and no 250 came; 250.
UNFINISHED, MAYBE, STORED = "unfinished", "maybe", "stored"


def message(name, lines, width=70):
    """A message that says by itself whether it is whole. No line begins with a dot."""
    body = b"%s %0*d\r\n" % (name.encode(), width, lines) * lines + b"From " + name.encode() + b"\r\n\r\n"
    return b"Subject: %s\r\nX-Sum: %s\r\n\r\n" % (name.encode(), hashlib.sha256(body).hexdigest().encode()) + body


def name_of(wire):
    """The name of a message that is whole."""
    found = re.search(rb"\r\nSubject: (.*)\r\nX-Sum: (.*)\r\n\r\n", wire)
    if not found or hashlib.sha256(wire[found.end():]).hexdigest().encode() != found.group(2):
        raise Failure("torn: %r" % wire[:400])
    return found.group(1).decode()


class Ledger:
    """Written by many threads: what was sent to whom, what was deleted, and what each mailbox was seen to hold."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent = {}  # name -> (users, state)
        self.seen = {}  # user -> {uidl: name} of what is there, in the order of the mailbox
        self.ever = {}  # user -> {name: uidl}, with what was deleted
        self.gone = {}  # user -> uidls of deletions whose QUIT was +OK
        self.asked = {}  # user -> uidls of deletions whose QUIT was sent and not answered

    def send(self, name, users, state):
        with self.lock:
            self.sent[name] = (users, state)

    def count(self, state):
        """Messages, one for each mailbox."""
        with self.lock:
            return sum(len(users) for users, what in self.sent.values() if what == state)

    def deletions(self):
        with self.lock:
            return sum(len(gone) for gone in self.gone.values())

    def name(self, user, uidl):
        with self.lock:
            return self.seen.get(user, {}).get(uidl)

    def lost(self):
        """What was stored and never seen. (Seen once, it is look() that misses it.)"""
        with self.lock:
            return [(user, name) for name, (users, state) in self.sent.items() if state == STORED for user in users
                    if name not in self.ever.get(user, ())]

    def unfinished(self):
        """What is there although its final dot was never sent."""
        with self.lock:
            return [(user, name) for user, names in self.ever.items() for name in names if self.sent[name][1] == UNFINISHED]

    def ask(self, user, uidls):
        """QUIT is about to be sent."""
        with self.lock:
            self.asked[user] = list(uidls)

    def answer(self, user, deleted):
        """QUIT was answered."""
        with self.lock:
            asked = self.asked.pop(user)
            if deleted:
                self._bury(user, asked)

    def _bury(self, user, uidls):
        for uidl in uidls:
            del self.seen[user][uidl]
        self.gone.setdefault(user, set()).update(uidls)

    def _settle(self, user, there):
        """An unanswered QUIT deleted all that it was to delete, or nothing."""
        asked = self.asked.pop(user, [])
        left = [uidl for uidl in asked if uidl in there]
        if left and left != asked:
            raise Failure("%s: a QUIT that was cut short deleted %d of %d" % (user, len(asked) - len(left), len(asked)))
        if not left:
            self._bury(user, asked)

    def look(self, user, uidls):
        """A session lists these: what was seen before is there, in its order, and nothing that was deleted."""
        there = set(uidls)
        if len(there) != len(uidls):
            raise Failure("%s: a UIDL twice" % user)
        with self.lock:
            self._settle(user, there)
            back = self.gone.get(user, set()) & there
            if back:
                raise Failure("%s: deleted, and back: %s" % (user, sorted(back)))
            seen = self.seen.get(user, {})
            if list(seen) != uidls[:len(seen)]:
                raise Failure("%s: seen before, and gone or moved: %s" % (user, [seen[uidl] for uidl in seen if uidl not in there]))

    def see(self, user, uidl, wire):
        """A session retrieved this, after all that stands before it."""
        name = name_of(wire)
        with self.lock:
            if user not in self.sent.get(name, ((),))[0]:
                raise Failure("%s: %s was never sent there" % (user, name))
            if self.seen.setdefault(user, {}).setdefault(uidl, name) != name:
                raise Failure("%s: %s has the UIDL of another" % (user, name))
            if self.ever.setdefault(user, {}).setdefault(name, uidl) != uidl:
                raise Failure("%s: %s is there twice" % (user, name))

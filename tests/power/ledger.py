"""What the peers were told, mailbox by mailbox, and what may be there accordingly."""

import contextlib
import mailbox
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import mail  # noqa: E402
from letterbox import Failure  # noqa: E402

FILLER = b"".join(b"%02d " % n + b"-" * 60 + b"\r\n" for n in range(13))

# A message in a mailbox. SENT: its 250 did not come yet; DELETING: nor did the +OK of the QUIT that deletes it.
SENT, STORED, DELETING, GONE = "sent", "stored", "deleting", "gone"


def letter(name, size):
    """A message that says by itself what it should be: no two of its parts are equal."""
    head = b"Subject: %s %d\r\n\r\n" % (name.encode(), size)
    return head + b"".join(b"%s %d\r\nFrom %d\r\n.%d\r\n\r\n" % (name.encode(), n, n, n) + FILLER for n in range(size // 950 + 1))


def name_of(content):
    """The name of a message that is what was sent."""
    found = re.match(rb"Subject: (\S+) ([0-9]+)\r\n", content)
    should = letter(found.group(1).decode(), int(found.group(2))) if found else b""
    if not found or content != should:
        differs = next((n for n, (is_there, sent) in enumerate(zip(content, should)) if is_there != sent), 0)
        raise Failure("not what was sent: %r…, at %d of %d %r" % (content[:40], differs, len(should), content[differs:differs + 60]))
    return found.group(1).decode()


class Box:
    """One mailbox. By the name of a message: its state, its UIDL as the first session saw it, its size."""

    def __init__(self, user):
        self.user = user
        self.state, self.uidl, self.size = {}, {}, {}
        self.names = {}  # by UIDL
        self.busy = False  # a session has it

    def sent(self, name, size):
        self.state[name], self.size[name] = SENT, size

    def stored(self, name):
        """Who reads before the 250 is out may have deleted it already."""
        if self.state[name] == SENT:
            self.state[name] = STORED

    def seen(self, name, uidl):
        if self.uidl.setdefault(name, uidl) != uidl or self.names.setdefault(uidl, name) != name:
            raise Failure("%s: UIDL of %s is %s, was %s" % (self.user, name, uidl, self.uidl[name]))

    def octets(self):
        return sum(self.size[name] for name, state in self.state.items() if state in (SENT, STORED))

    def audit(self, found, counts):
        """found: [(uidl, content)] after the cut. What was not known is known from now on."""
        names = []
        for uidl, content in found:
            name = name_of(mail.below_trace(content))
            self.seen(name, uidl)
            if self.state.get(name, GONE) == GONE:
                raise Failure("%s: %s was deleted and is back" % (self.user, name))
            names.append(name)
        twice = [name for name in set(names) if names.count(name) > 1]
        lost = [name for name, state in self.state.items() if state == STORED and name not in names]
        if twice or lost:
            raise Failure("%s: lost %s, doubled %s" % (self.user, lost, twice))
        for name, state in self.state.items():
            counts["unknown"] += state in (SENT, DELETING)
            counts["unknown, seen"] += state in (SENT, DELETING) and name in names
            self.state[name] = STORED if name in names else GONE
        return names


def read_queue(folder):
    """The names of what waits there; each must be whole."""
    names = []
    for entry in os.listdir(folder) if os.path.isdir(folder) else ():
        if "." in entry or entry in ("flush", "hosts"):
            continue
        with open(os.path.join(folder, entry), "rb") as file:
            data = file.read()
        start, size = int(data[8:16]), int(data[17:37])
        text = re.sub(rb"(?m)^>(>*From )", rb"\1", data[start:start + size])
        delivery = b"Return-Path: <>\r\nDelivered-To: far\r\n"  # is added later
        names.append(name_of(mail.below_trace(delivery + text.replace(b"\n", b"\r\n"))))
    return names


def read_mbox(path):
    """What Python's mailbox sees there: the names of what is whole and not marked as deleted. Blanks that a power cut left are no text."""
    if not os.path.exists(path):
        return []
    names = []
    box = mailbox.mbox(path, create=False)
    try:
        for key in box.iterkeys():
            text = re.sub(rb"(?m)^>(>*From )", rb"\1", box.get_bytes(key))
            if b"\nX-Status: D expunged" in text[:2000]:
                continue
            text = re.sub(rb"\AX-UIDL: .*\n", b"", text)
            text = re.sub(rb"(?s)\n\0.*", b"", text)
            with contextlib.suppress(Failure):
                names.append(name_of(mail.below_trace(text.replace(b"\n", b"\r\n"))))
    finally:
        box.close()
    return names

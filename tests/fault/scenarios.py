"""What is done while something fails, and what may be there afterwards."""

import os
import subprocess


import world as w
from world import letterbox

FRESH = w.letter("the fresh one")
OTHERS = w.FOREIGN[w.FOREIGN.index(b"\n") + 1:-1].replace(b"\n", b"\r\n")  # as POP3 shows it
LARGE = w.letter("the large one", 400000)
IMMOVABLE = b"From eve@example.net Thu Jan  1 00:00:00 2026\nSubject: too large to be moved\n\n" + b"x" * (5 << 20) + b"\n\n"


def template():
    """Three messages of ours of the same length and one of another program, for each user, with an index; and what a session sees."""
    with w.World({"accounts": ("".join("%s:{PLAIN}%s\n" % (u, w.PASSWORD) for u in w.USERS + ("dora",)).encode(), None),
                  "accounts.secret": (bytes(range(32)), None), "users": (None, None)}) as made:
        for number in (1, 2, 3):
            expect(w.deliver(made.root, w.USERS, w.letter("number %d" % number)).acknowledged == set(w.USERS), "deliver")
            if number == 1:
                for user in w.USERS:
                    made.write("users/%s/mbox" % user, made.read("users/%s/mbox" % user) + w.FOREIGN)
        seen = {}
        for user in w.USERS:
            went = w.session(made.root, user)
            expect(went.quit and len(went.mail) == 4, "session")
            seen[user] = [(uidl, went.mail[uidl]) for uidl in went.uidls]
        return made.capture(), dict(seen, dora=[])


def expect(condition, what):
    if not condition:
        raise letterbox.Failure("the template could not be made: " + what)


class Scenario:
    """One thing to do. users: those whose mailboxes are looked at."""

    name = None
    users = ("anna",)
    apart = True  # one user's folder is all that it is about
    said = None  # to the peer: what acknowledges it; None: that it ends
    fresh = None  # a mailbox whose maker died before its name was durable
    unsynced = None  # a file, and how much at its end is not durable yet
    patient = False  # what is not told by a pipe is found later

    def __init__(self, files, seen, prepare=None):
        """prepare: what is different from the template's files."""
        self.seen = seen
        self.files = prepare(files) if prepare else files
        self.resumes = prepare in (half_expunged, half_buried)
        self.torn = prepare is crashed

    def world(self):
        made = w.World(self.files)
        if self.fresh is not None:
            os.chmod(made.path(self.fresh), 0o700)
        return made

    def act(self, world, env, log):
        """Do it; returns what allowed() and replies() judge by."""
        raise NotImplementedError

    def allowed(self, world, went):
        raise NotImplementedError

    def answer(self, acknowledged):
        """What act() returns where it is acknowledged, or not, and nothing else is known."""
        raise NotImplementedError

    def see_more(self, world):
        """What else must be right afterwards."""

    def judge_arrivals(self, world, went, fault):
        """At the receiver that run_queue passes on to."""

    def foreign(self, world, user, mailboxes):
        """With another program's message where that did get in: somewhere behind what is there."""
        if user != "anna" or not os.path.exists(world.path("appended")):
            return mailboxes
        return [mailbox[:at] + [(w.ANY, OTHERS)] + mailbox[at:] for mailbox in mailboxes for at in range(len(mailbox) + 1)]


class Deliver(Scenario):
    body = FRESH
    said = b"250 2.0.0"

    def __init__(self, files, seen, name, users=("anna",), body=FRESH, prepare=None):
        super().__init__(files, seen, prepare)
        self.name, self.users, self.body = name, users, body
        self.apart = len(users) == 1

    def act(self, world, env, log):
        return w.deliver(world.root, self.users, self.body, env, log)

    def allowed(self, world, went):
        fresh = [(None, self.body)]
        whole = {user: [self.seen[user] + fresh] for user in self.users}
        if went is None:
            return {user: [self.seen[user]] + whole[user] for user in self.users}
        return {user: self.foreign(world, user, whole[user] + ([] if user in went.acknowledged else [self.seen[user]])) for user in self.users}

    def answer(self, acknowledged):
        went = w.Delivery()
        went.acknowledged = set(self.users) if acknowledged else set()
        return went

    def succeeded(self, went):
        return went.acknowledged == set(self.users) and went.status == 0

    def replies(self, fault, went):
        sane = {"EIO": b"451 4.3.0", "EMFILE": b"451 4.3.0", "ENOSPC": b"452 4.3.1", "EDQUOT": b"452 4.2.2"}.get(fault, b"451 4.3.0")
        return [reply for reply in went.refused if not reply.startswith(sane)]


class Newborn(Deliver):
    fresh = "users/dora/mbox"


class Later(Deliver):
    """An expunge, an end cut off, and a message as long as that: should the plan of the expunge be back, it would fit."""

    def act(self, world, env, log):
        before = {name: value for name, value in env.items() if name not in ("FAULT_AT", "FAULT_DO", "FAULT_ON", "FAULT_LOG")}
        w.deliver(world.root, self.users, w.letter("to be cut off"), before, log)
        w.session(world.root, "anna", (), (1,), before, log)
        w.session(world.root, "anna", (), (4,), before, log)
        return super().act(world, env, log)


class Twice(Deliver):
    """Two messages in one session: for the second the mailboxes are open from the first."""

    first = w.letter("the first one")

    def act(self, world, env, log):
        first, went = w.Delivery(), w.Delivery()
        with w.Peer("smtpd", world.root, env, log) as peer:
            w.dialogue(peer, self.users, [(self.first, first), (self.body, went)])
        went.first, went.refused, went.status = first.acknowledged, first.refused + went.refused, peer.process.returncode
        return went

    def allowed(self, world, went):
        first, second = (None, self.first), (None, self.body)
        return {user: self.foreign(world, user, [self.seen[user] + [first] * one + [second] * two
                                                 for one in ((True,) if went and user in went.first else (False, True))
                                                 for two in ((True,) if went and user in went.acknowledged else (False, True))])
                for user in self.users}

    def answer(self, acknowledged):
        went = super().answer(acknowledged)
        went.first = went.acknowledged
        return went

    def succeeded(self, went):
        return super().succeeded(went) and went.first == set(self.users)


class Queued(Deliver):
    """By way of the queue: an alias leads to users of a domain that is elsewhere now, and here by the time the oracle looks."""

    def __init__(self, files, seen, name, users, body=FRESH):
        alias = "far: %s\n" % ", ".join("%s@later.example" % user for user in users)
        super().__init__(dict(files, aliases=(alias.encode(), None)), seen, name, users, body)
        self.apart = False

    def act(self, world, env, log):
        went = w.deliver(world.root, ("far",), self.body, env, log)
        went.acknowledged = set(self.users) if went.acknowledged else set()
        return went


class Session(Scenario):
    """delete: numbers from 1."""

    said = b"+OK"

    def __init__(self, files, seen, name, retrieve, delete, prepare=None):
        super().__init__(files, seen, prepare)
        self.name, self.retrieve, self.delete = name, retrieve, delete

    def act(self, world, env, log):
        return w.session(world.root, "anna", self.retrieve, self.delete, env, log)

    def allowed(self, world, went):
        before = self.seen["anna"]
        after = [m for number, m in enumerate(before, 1) if number not in self.delete]
        if went is None:
            return {"anna": [before, after]}
        for uidl, content in went.mail.items():
            if (uidl, content) not in before and content != dict(before).get(uidl, content):
                raise w.Wrong("RETR sends something else of " + uidl)
        return {"anna": self.foreign(world, "anna", [after] if went.quit else [before, after])}

    def answer(self, acknowledged):
        went = w.Session()
        went.quit = acknowledged
        return went

    def succeeded(self, went):
        return went.quit and not went.errors and went.status == 0

    def replies(self, fault, went):
        sane = b"-ERR [IN-USE]" if fault == "EAGAIN" else b"-ERR [SYS/TEMP]"
        return [reply for reply in went.errors if not reply.startswith(sane)]


class Behind(Session):
    """Somebody has delivered the last message, but not synced it yet: a power cut may take it."""

    def __init__(self, files, *arguments):
        super().__init__(files, *arguments)
        mbox = files["users/anna/mbox"][0]
        self.unsynced = ("users/anna/mbox", len(mbox) - mbox.rindex(b"\n\nFrom ") - 2)

    def allowed(self, world, went):
        whole = super().allowed(world, went)["anna"]
        return {"anna": whole + [mailbox[:-1] for mailbox in whole]}


class User(Scenario):
    """A change of `accounts`. Exit status 0 is what acknowledges it."""

    users = ()
    apart = False

    def __init__(self, files, seen, name, arguments, line_before, line_after):
        super().__init__(files, seen)
        self.name, self.arguments, self.before, self.after = name, arguments, line_before, line_after

    def act(self, world, env, log):
        with subprocess.Popen([letterbox.binary("pop3d"), "-d", world.root, "user"] + self.arguments, stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, stderr=log, env=env, close_fds=False) as process:
            try:
                process.communicate(b"another\n", w.SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise w.Wrong("does not end") from None
        return process.returncode

    def allowed(self, world, went):
        """Every other line of the file is as before, and this one either way."""
        old = self.files["accounts"][0].splitlines()
        lines = (world.read("accounts") or b"").splitlines()
        name = self.arguments[-1].encode() + b":"
        mine = [line for line in lines if line.startswith(name)]
        if [line for line in lines if not line.startswith(name)] != [line for line in old if not line.startswith(name)]:
            raise w.Wrong("another user's line has changed")
        if not (mine == self.before and went != 0 or self.after(mine)):
            raise w.Wrong("the line is %r after exit status %s" % (mine, went))
        if oct(os.stat(world.path("accounts")).st_mode)[-3:] != "600":
            raise w.Wrong("accounts may be read by others")
        return {"anna": [self.seen["anna"]]}

    def answer(self, acknowledged):
        return 0 if acknowledged else 1

    def see_more(self, world):
        """Who is in the file can log in, and the next change works."""
        name = self.arguments[-1]
        for line in world.read("accounts").splitlines():
            if line.startswith(name.encode() + b":{SCRAM"):
                if not w.session(world.root, name, password="another").quit:
                    raise w.Wrong(name + " cannot log in")
        if User(self.files, self.seen, None, ["add", "zoe"], None, None).act(world, None, subprocess.DEVNULL) != 0:
            raise w.Wrong("no other change is possible")

    def succeeded(self, went):
        return went == 0

    def replies(self, _, went):
        return [] if went in (0, 65, 66, 73, 74, 78) or went < 0 else [b"exit status %d" % went]


def without_index(files):
    return {path: file for path, file in files.items() if not path.endswith("/mbox.index")}


def newborn(files):
    return dict(files, **{"users/dora": (None, None), "users/dora/mbox": (b"", None)})


def crashed(files):
    """A process died in the middle of a message: half of one, a dotlock, an index that speaks of the time before."""
    mbox, inode = files["users/anna/mbox"]
    part = mbox[:mbox.index(b"\n\nFrom ") // 2]
    return dict(files, **{"users/anna/mbox": (mbox + part, inode), "users/anna/mbox.lock": (b"%d\n%d\n" % (2147483000, inode), inode)})


def half_done(files, delete, write):
    """An expunge was killed at so many writes to the mailbox."""
    with w.World(files) as world:
        log = world.path("log")
        with open(os.devnull, "wb") as null:
            w.session(world.root, "anna", (), delete, w.environment(world.root, log=log), null)
            with open(log, encoding="utf-8") as file:
                calls = [line.split() for line in file]
        at = [int(c[0]) for c in calls if c[1] == "write" and c[3].endswith("/mbox")][write]
    with w.World(files) as world:
        with open(os.devnull, "wb") as null:
            w.session(world.root, "anna", (), delete, w.environment(world.root, at=at, do="killed"), null)
        expect(world.read("users/anna/mbox.redo"), "half an expunge")
        return world.capture()


def half_expunged(files):
    """While messages 1 and 3 were cut out."""
    return half_done(files, (1, 3), 0)


def half_buried(files):
    """Between the marks on messages 1 and 2."""
    return half_done(files, (1, 2), 0)


def enlarged(files):
    """With a message behind the third, for which all that goes before it is only marked; and what a session sees."""
    mbox, inode = files["users/anna/mbox"]
    at = mbox.index(b"\n\nFrom ", len(mbox) // 2) + 2
    with w.World(dict(without_index(files), **{"users/anna/mbox": (mbox[:at] + IMMOVABLE + mbox[at:], inode)})) as made:
        went = w.session(made.root, "anna")
        expect(went.quit and len(went.mail) == 5, "session")
        return made.capture(), {"anna": [(uidl, went.mail[uidl]) for uidl in went.uidls]}


def scenarios():
    """All of them, each with its template."""
    files, seen = template()
    expunged = dict(seen, anna=[seen["anna"][1], seen["anna"][3]])
    large, mail = enlarged(files)
    buried = {"anna": mail["anna"][2:]}
    secret = b"{PLAIN}" + w.PASSWORD.encode()
    return [
        Deliver(files, seen, "deliver to one"),
        Deliver(files, seen, "deliver to three", w.USERS),
        Twice(files, seen, "deliver twice"),
        Deliver(files, seen, "deliver a large one", body=LARGE),
        Deliver(files, seen, "deliver the first", ("dora",)),
        Later(files, dict(seen, anna=seen["anna"][1:]), "deliver after expunges"),
        Newborn(files, seen, "deliver to what was just made", ("dora",), prepare=newborn),
        Deliver(files, seen, "deliver without an index", prepare=without_index),
        Deliver(files, seen, "deliver after a crash", prepare=crashed),
        Deliver(files, expunged, "deliver after half an expunge", prepare=half_expunged),
        Deliver(large, buried, "deliver after half a burial", prepare=half_buried),
        Queued(files, seen, "queue for two", ("anna", "bert")),
        Queued(files, seen, "queue a large one", ("anna",), body=LARGE),
        Session(files, seen, "retrieve and delete", (1, 2, 3), (2,)),
        Session(files, seen, "expunge some", (), (1, 3)),
        Behind(files, seen, "expunge behind an append", (), (1, 3)),
        Session(files, seen, "expunge the last", (), (4,)),
        Session(large, mail, "bury some", (), (1, 2)),
        Session(files, seen, "expunge all", (), (1, 2, 3, 4)),
        Session(files, seen, "expunge none", (2,), ()),
        Session(files, seen, "rebuild the index", (1, 4), (), without_index),
        Session(files, seen, "log in after a crash", (4,), (), crashed),
        Session(files, expunged, "log in after half an expunge", (1,), (), half_expunged),
        Session(large, buried, "log in after half a burial", (3,), (), half_buried),
        User(files, seen, "user add", ["add", "emil"], [], lambda lines: len(lines) == 1 and b"emil:{SCRAM-SHA-256}" in lines[0]),
        User(files, seen, "user passwd", ["passwd", "bert"], [b"bert:" + secret], lambda lines: len(lines) == 1 and b"bert:{SCRAM" in lines[0]),
        User(files, seen, "user remove", ["remove", "bert"], [b"bert:" + secret], lambda lines: not lines),
    ]

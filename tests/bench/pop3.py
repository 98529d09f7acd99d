"""Sessions: logins, retrievals, large mailboxes, deletions. Ours hold messages with our entry line, the others' plain mbox."""

import contextlib
import shutil
import statistics

import loads
import mailboxes
from servers import Dovecot, Floor, Ours, Popa3d, Server, Skipped
from subjects import each, started
from table import Row, at_least, at_most

USERS = ["u%d" % number for number in range(10)]
PEERS = ("dovecot", "tuned", "popa3d")
SLOW = {"dovecot": 10, "popa3d": 4}  # times fewer logins


class World:
    """Our daemon and its peers with the same mail. A floor knows one file only, so that each load has its own."""

    def __init__(self, stack):
        self.stack = stack
        self.store = stack.enter_context(Server())
        self.servers = {
            "ours": started(stack, Ours, "pop3d", USERS),
            "dovecot": started(stack, Dovecot, USERS),
            "tuned": started(stack, Dovecot, USERS, tuned=True),
            "popa3d": started(stack, Popa3d, USERS),
        }

    def fill(self, users, count, size):
        for name, form in (("ours", mailboxes.as_ours), ("foreign", mailboxes.as_foreign)):
            mailboxes.write(self.store.file(name), form, count, size)
        for name, server in self.servers.items():
            for user in users:
                self.put(server, user, "ours" if name == "ours" else "foreign")

    def put(self, server, user, source):
        with contextlib.suppress(Skipped):
            server.forget(user)
            shutil.copyfile(self.store.file(source), server.mailbox(user))
            mailboxes.settle(server.mailbox(user))
            server.own(user)

    def with_floor(self, count, size):
        """The servers and a floor with such messages."""
        wire = self.store.file("wire%d" % count)
        mailboxes.write(wire, mailboxes.as_wire, count, size)
        floor = started(self.stack, Floor, "floor_popd", wire)
        return {"ours": self.servers["ours"], "floor": floor, **{name: self.servers[name] for name in PEERS}}


def login(server, user):
    """Milliseconds to the reply to STAT."""
    return loads.pop3(server, user, "login")[0] * 1000


def login_beside(server, user, empty, times=5):
    """The medians of logins, and of what each took longer than one to an empty mailbox right before it."""
    pairs = [(login(server, empty), login(server, user)) for _ in range(times)]
    return {"time": statistics.median(full for _, full in pairs), "more": statistics.median(full - none for none, full in pairs)}


def logins(world, scale):
    world.fill(USERS, 10, loads.SIZE)

    def measure(name, server):
        count = max(len(USERS), int(400 * scale / SLOW.get(name, 1)))
        return {"rate": count / loads.pop3(server, "u%d", "logins", count, len(USERS))[0]}
    return Row("login, STAT, QUIT, 10 at once", {"rate": "sessions/s"}, each(world.with_floor(10, loads.SIZE), measure),
               [at_least("rate", 0.75, "floor")])


def retrieval(name, servers, how, count, goal, times=1):
    def measure(subject, server):
        # A reply of popa3d waits for a delayed acknowledgement, if the next command has not come yet.
        part = max(1, count // 50) if subject == "popa3d" and how == "retr" else count
        seconds = octets = 0
        for _ in range(times):
            taken = loads.pop3(server, "u0", how, part)
            seconds, octets = seconds + taken[0], octets + taken[1]
        return {"rate": octets / seconds / 1e6}
    return Row(name, {"rate": "MB/s"}, each(servers, measure), [at_least("rate", goal, "floor")])


def retrievals(world, scale):
    count = max(2, int(1000 * scale))
    world.fill(["u0"], count, loads.SIZE)
    servers = world.with_floor(count, loads.SIZE)
    yield retrieval("RETR %d x 5 KB, one by one" % count, servers, "retr", count, 0.8, 4)
    yield retrieval("RETR %d x 5 KB, pipelined" % count, servers, "burst", count, 0.6, 4)
    megabytes = max(1, int(100 * scale))
    world.fill(["u0"], 1, megabytes << 20)
    yield retrieval("RETR one of %d MB" % megabytes, world.with_floor(1, megabytes << 20), "retr", 1, 0.6, 2)


def large(world, scale):
    """u0: a large mailbox; u1: the same by another program, u2: nothing, u3: the same ten times over."""
    size = max(1, int(200 * scale))
    servers = world.servers
    count = (size << 20) // loads.SIZE
    world.fill(["u0"], count, loads.SIZE)
    world.put(servers["ours"], "u1", "foreign")
    mailboxes.write(servers["ours"].mailbox("u3"), mailboxes.as_ours, count * 10, loads.SIZE)
    for server in servers.values():
        with contextlib.suppress(Skipped):
            open(server.mailbox("u2"), "wb").close()
            server.own("u2")
    disk = world.store.file

    def unchanged(user):
        def measure(_, server):
            return login_beside(server, user, "u2")
        return measure

    def first(user):
        def measure(_, server):
            server.forget(user)
            return {"time": login(server, user)}
        return measure

    def read(name):
        return {"disk": lambda: {"time": loads.tool("disk", "read", disk(name))[0] * 1000}}

    def copy():
        return {"time": loads.tool("disk", "copy", disk("ours"), disk("copy"))[0] * 1000}

    def delete(_, server):
        return {"time": loads.pop3(server, "u0", "delete")[0] * 1000}

    for server in servers.values():
        with contextlib.suppress(Skipped):
            login(server, "u0")
    login(servers["ours"], "u3")
    more = {"time": "ms", "more": "ms more than empty"}
    yield Row("login to an unchanged %d MB mailbox" % size, more, each(servers, unchanged("u0")), [at_most("more", 3)])
    yield Row("login to an unchanged %d MB mailbox" % (size * 10), more, each(servers, unchanged("u3"), "ours"), [at_most("more", 3)])
    others = {"ours": first("u1"), **{name: first("u0") for name in PEERS}}
    yield Row("first login to %d MB of other programs" % size, {"time": "ms"},
              {**{name: lambda name=name: others[name](name, servers[name]) for name in others}, **read("foreign")},
              [at_most("time", 1.5, "disk")])
    yield Row("first login to %d MB of our own entries" % size, {"time": "ms"}, {**each(servers, first("u0"), "ours"), **read("ours")},
              [at_most("time", 0.5, "disk")])
    yield Row("DELE 1, QUIT on %d MB" % size, {"time": "ms"}, {**each(servers, delete), "disk": copy}, [at_most("time", 1.2, "disk")])


def rows(scale):
    with contextlib.ExitStack() as stack:
        world = World(stack)
        yield logins(world, scale)
        yield from retrievals(world, scale)


def large_rows(scale):
    with contextlib.ExitStack() as stack:
        yield from large(World(stack), scale)

"""What must not grow: the price of a login, of a delivery and of a session with the mailbox, the accounts and the crowd. Ours alone."""

import contextlib
import resource
import socket
import statistics

import loads
import mailboxes
from pop3 import login
from servers import Floor, Ours, PASSWORD, letterbox, mail
from subjects import each
from table import Row, at_least, at_most

CROWD = 1000
USERS = ["u%d" % number for number in range(CROWD)]


class Root:
    """A mail root with both daemons over it."""

    def __init__(self, stack, users):
        self.smtpd = stack.enter_context(Ours("smtpd", users))
        self.pop3d = stack.enter_context(Ours("pop3d", beside=self.smtpd))

    def fill(self, user, count, size):
        """Such a mailbox, which has been seen once."""
        mailboxes.write(self.pop3d.mailbox(user), mailboxes.as_ours, count, size)
        self.pop3d.own(user)
        login(self.pop3d, user)


def logins(root, scale):
    """Unchanged, after a delivery, never seen; and what the session's process has for itself meanwhile."""
    metrics = {"unchanged": "ms, unchanged", "delivered": "ms, after one delivery", "first": "ms, without index", "memory": "KB private"}

    def row(name, user, count, size):
        root.fill(user, count, size)

        def measure():
            unchanged = statistics.median(login(root.pop3d, user) for _ in range(5))
            loads.smtp_source(root.smtpd, 1, 1, user + "@localhost")
            delivered = login(root.pop3d, user)
            root.pop3d.forget(user)
            first = login(root.pop3d, user)
            with mail.Pop3(root.pop3d.port, user, PASSWORD) as session:
                session.stat()
                memory = sum(letterbox.private(pid) for pid in root.pop3d.children()) / 1024
            return {"unchanged": unchanged, "delivered": delivered, "first": first, "memory": memory}
        return Row(name, metrics, {"ours": measure})

    yield row("login, empty mailbox", "u0", 0, 0)
    megabytes = max(1, int(2000 * scale))
    yield row("login, %d MB in messages of 5 KB" % megabytes, "u1", (megabytes << 20) // loads.SIZE, loads.SIZE)
    count = max(2, int(1000000 * scale))
    yield row("login, %d messages of 300 octets" % count, "u2", count, 300)


def deliveries(root, scale):
    """Over one connection, to a large mailbox and, in the same breath, to one of 1 MB."""
    root.fill("u3", (1 << 20) // loads.SIZE, loads.SIZE)
    count = max(2, int(300 * scale))

    def each_takes(user):
        return 1000 / loads.deliveries(root.smtpd, 1, count, to=user + "@localhost", keep=True)["rate"]

    for user, megabytes in (("u4", max(1, int(100 * scale))), ("u5", max(1, int(2000 * scale)))):
        def measure(user=user):
            small, large = each_takes("u3"), each_takes(user)
            return {"time": large, "times": large / small}
        root.fill(user, (megabytes << 20) // loads.SIZE, loads.SIZE)
        yield Row("a delivery to %d MB" % megabytes, {"time": "ms", "times": "x that to 1 MB"}, {"ours": measure}, [at_most("times", 1.2)])


def user_rows(scale):
    """A server of 10,000 users beside one of 10, the last of whom is meant: a connection a message, a login."""
    count = max(2, int(200 * scale))
    many = ["u%d" % number for number in range(max(10, int(10000 * scale)))]

    def measure_of(few, crowded, take):
        def measure():
            alone, among = take(few, "u9"), take(crowded, many[-1])
            return {"rate": among, "times": among / alone}
        return {"ours": measure}

    def delivering(root, user):
        return loads.deliveries(root.smtpd, 10, count, to=user + "@localhost")["rate"]

    def logging_in(root, user):
        return count / loads.pop3(root.pop3d, user, "logins", count, 1)[0]

    with contextlib.ExitStack() as stack:
        few, crowded = Root(stack, many[:10]), Root(stack, many)
        for root, user in ((few, "u9"), (crowded, many[-1])):
            loads.smtp_source(root.smtpd, 1, 1, user + "@localhost")
            login(root.pop3d, user)
        goals = [at_least("times", 0.9)]
        yield Row("deliveries, a connection each, %d users" % len(many), {"rate": "messages/s", "times": "x with 10 users"},
                  measure_of(few, crowded, delivering), goals)
        yield Row("login, STAT, QUIT, %d users" % len(many), {"rate": "sessions/s", "times": "x with 10 users"},
                  measure_of(few, crowded, logging_in), goals)


def crowds(root, scale):
    """So many sessions that wait: behind the greeting of smtpd, behind the login of pop3d."""
    count = max(2, int(CROWD * scale))
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limit[0], min(limit[1], count + 200)), limit[1]))

    def connected(server, _, stack):
        channel = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 60))
        channel.recv(1000)

    def logged_in(server, user, stack):
        stack.callback(mail.Pop3(server.port, user, PASSWORD).close)

    def measure_of(come):
        def measure(_, server):
            with contextlib.ExitStack() as stack:
                for user in USERS[:count]:
                    come(server, user, stack)
                sizes = [letterbox.private(pid) / 1024 for pid in server.children()]
                if len(sizes) < count:
                    raise letterbox.Failure("%d sessions of %d" % (len(sizes), count))
                return {"memory": statistics.median(sizes), "most": max(sizes)}
        return measure

    metrics, goals = {"memory": "KB private each", "most": "KB, the largest"}, [at_most("most", 200)]
    with Floor("floor_smtpd") as floor:
        yield Row("%d idle SMTP sessions" % count, metrics, each({"ours": root.smtpd, "floor": floor}, measure_of(connected)), goals)
    with Floor("floor_popd", "/dev/null") as floor:
        yield Row("%d idle POP3 sessions, logged in" % count, metrics, each({"ours": root.pop3d, "floor": floor}, measure_of(logged_in)), goals)


def rows(scale):
    with contextlib.ExitStack() as stack:
        root = Root(stack, USERS)
        yield from crowds(root, scale)
        yield from logins(root, scale)
        yield from deliveries(root, scale)

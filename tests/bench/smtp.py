"""Deliveries: a connection a message or kept open, to one mailbox or to many. All durable before the 250."""

import contextlib

import loads
from servers import Floor, Ours, Postfix, Skipped
from subjects import each, started
from table import Row, at_least, at_most

MAILBOXES = 500
METRICS = {"rate": "messages/s", "cpu": "ms CPU each"}
USUAL = (at_least("rate", 0.85, "floor"), at_most("cpu", 1.5, "floor"))


def users():
    return ["anna"] + ["%danna" % number for number in range(MAILBOXES + 1)]


def index_all(server, many):
    """As where each user has logged in at some time: each mailbox has an index, which deliveries append to."""
    with Ours("pop3d", beside=server) as pop3d:
        loads.pop3(pop3d, "anna", "login")
        loads.pop3(pop3d, "%danna", "logins", many + 1, many + 1)


def rows(scale):
    many = max(2, int(MAILBOXES * scale))
    with contextlib.ExitStack() as stack:
        servers = {
            "ours": started(stack, Ours, "smtpd", users()),
            "floor": started(stack, Floor, "floor_smtpd"),
            "postfix": started(stack, Postfix, users()),
        }
        for server in servers.values():
            with contextlib.suppress(Skipped):
                loads.smtp_source(server, 2, many, numbered=True)
                loads.smtp_source(server, 1, 2)
        index_all(servers["ours"], many)

        def row(name, sessions, count, goals, slower=1, **how):
            """To so many mailboxes if `numbered`. Postfix gets `slower` times fewer messages: they take longer."""
            def measure(subject, server):
                share = count // (slower if subject == "postfix" else 1)
                if how.get("numbered"):
                    return loads.deliveries(server, sessions, many, max(1, share // MAILBOXES), **how)
                return loads.deliveries(server, sessions, max(2, int(share * scale)), **how)
            return Row(name, METRICS, each(servers, measure), goals)

        yield row("1 session, a connection a message", 1, 200, USUAL)
        yield row("10 sessions, a connection a message, one mailbox", 10, 300, USUAL)
        yield row("50 sessions, a connection a message, %d mailboxes" % MAILBOXES, 50, 500, USUAL, numbered=True)
        yield row("10 sessions kept open, one mailbox", 10, 2000, [at_least("rate", 1, "floor")], 4, keep=True)
        yield row("50 sessions kept open, %d mailboxes" % MAILBOXES, 50, 2000, [at_least("rate", 0.85, "floor")], 4,
                  numbered=True, keep=True)

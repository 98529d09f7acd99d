"""Mail that is passed on: Postfix's smtp-source, the server with its durable queue, smtp-sink. It counts until the sink has all of it."""

import contextlib
import os
import re
import time

import loads
from servers import Ours, Postfix, Server, free_port, letterbox, need
from subjects import each, started
from table import Row, at_least

METRICS = {"rate": "messages/s", "cpu": "ms CPU each"}


class Sink(Server):
    """smtp-sink: takes all, keeps nothing, counts."""

    def __init__(self):
        super().__init__()
        port = free_port()
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        self.start([need("smtp-sink", "postfix"), "-c", *user, "127.0.0.1:%d" % port, "1000"], port)

    def count(self):
        return int((re.findall("[0-9]+", self.log()) or ["0"])[-1])


class Relay(Ours):
    """smtpd that passes all on to the sink."""

    def __init__(self, sink):
        super().__init__("smtpd")
        self.write("routes", "* 127.0.0.1:%d\n" % sink.port)

    def settle(self):
        deadline = letterbox.Deadline(120)
        while letterbox.queued(self.file("queue")):
            if deadline.over():
                raise letterbox.Failure("smtpd does not get its queue empty:\n" + self.log()[-5000:])
            time.sleep(0.02)


def relayed(server, sink, sessions, count, keep):
    before = sink.count()
    server.settle()
    cpu, begun = server.cpu(), time.monotonic()
    loads.smtp_source(server, sessions, count, to="bob@example.net", keep=keep)
    server.settle()
    taken = time.monotonic() - begun
    if sink.count() - before != count:
        raise letterbox.Failure("%d messages went in, %d came out" % (count, sink.count() - before))
    return {"rate": count / taken, "cpu": (server.cpu() - cpu) * 1000 / count}


def rows(scale):
    with contextlib.ExitStack() as stack:
        sink = started(stack, Sink)
        servers = {"ours": started(stack, Relay, sink), "postfix": started(stack, Postfix, [], relayhost=sink)}

        def row(name, sessions, count, keep=False):
            def measure(_, server):
                return relayed(server, sink, sessions, max(2, int(count * scale)), keep)
            return Row("relay, " + name, METRICS, each(servers, measure), [at_least("rate", 3, "postfix")])

        yield row("10 sessions, a connection a message", 10, 500)
        yield row("10 sessions kept open", 10, 2000, keep=True)

"""What a session asks of the kernel: system calls, counted by strace in the child, and page faults, parent and child together."""

import collections
import os
import re
import tempfile
import time

import loads
import mailboxes
from servers import Floor, Ours, letterbox, need
from table import Row

MORE = 10
METRICS = {"calls": "system calls", "further": "system calls each further one", "faults": "page faults"}


def traced(server):
    """System calls of each child, in the order they came; the server has ended, the trace soon does."""
    deadline = letterbox.Deadline(30)
    ended = re.compile(r"^%d +\+\+\+ " % server.process.pid, re.M)
    while True:
        with open(server.file("trace"), encoding="latin-1") as file:
            text = file.read()
        if ended.search(text):
            break
        if deadline.over():
            raise letterbox.Failure("strace does not end:\n" + text[-500:])
        time.sleep(0.01)
    pids = re.findall(r"^([0-9]+) +\w+\(", text, re.M)
    return [count for pid, count in collections.Counter(pids).items() if int(pid) != server.process.pid]


def row(name, makers, prepare, load, times):
    """load(server, n): one session with n parts."""
    def measure(make):
        # -D: the server stays the process that we know.
        with make([need("strace", "strace"), "-D", "-f", "-q", "-o"]) as server:
            prepare(server)
            for parts in (1, 1, 1 + MORE):
                load(server, parts)
            server.stop()
            _, once, more = traced(server)[-3:]
        with make(()) as server:
            prepare(server)
            load(server, 1)
            before = server.faults()
            for _ in range(times):
                load(server, 1)
            return {"calls": once, "further": (more - once) / MORE, "faults": (server.faults() - before) / times}
    return Row(name, METRICS, {subject: lambda make=make: measure(make) for subject, make in makers.items()})


def rows(scale):
    times = max(2, int(50 * scale))
    yield row("SMTP connection, one message",
              {"ours": lambda wrapper: Ours("smtpd", ["anna"], wrapper=wrapper),
               "floor": lambda wrapper: Floor("floor_smtpd", wrapper=wrapper)},
              lambda server: None, lambda server, parts: loads.smtp_source(server, 1, parts, keep=True), times)

    def fill(server):
        if isinstance(server, Ours):
            mailboxes.write(server.mailbox("anna"), mailboxes.as_ours, 1 + MORE, loads.SIZE)
            server.own("anna")

    with tempfile.TemporaryDirectory(prefix="letterbox-bench-") as folder:
        wire = os.path.join(folder, "wire")
        mailboxes.write(wire, mailboxes.as_wire, 1 + MORE, loads.SIZE)
        yield row("POP3 session: login, STAT, one RETR, QUIT",
                  {"ours": lambda wrapper: Ours("pop3d", ["anna"], wrapper=wrapper),
                   "floor": lambda wrapper: Floor("floor_popd", wire, wrapper=wrapper)},
                  fill, lambda server, parts: loads.pop3(server, "anna", "retr", parts), times)

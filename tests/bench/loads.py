"""What is done to a server, and how long it takes."""

import os
import subprocess
import time

from servers import BUILT, PASSWORD, letterbox, need

SIZE = 5120


def smtp_source(server, sessions, count, to="anna@localhost", keep=False, numbered=False, size=SIZE):
    """numbered: message n goes to `n` + to."""
    command = [need("smtp-source", "postfix"), "-s", str(sessions), "-m", str(count), "-l", str(size), "-f", "carl@example.net", "-t", to]
    command += ["-d"] * keep + ["-N"] * numbered + ["127.0.0.1:%d" % server.port]
    letterbox.run(command, seconds=300)


def deliveries(server, sessions, count, times=1, **how):
    """Messages a second, and CPU milliseconds each, until all is in its mailbox."""
    server.settle()
    cpu, begun = server.cpu(), time.monotonic()
    for _ in range(times):
        smtp_source(server, sessions, count, **how)
    taken = time.monotonic() - begun
    server.settle()
    return {"rate": count * times / taken, "cpu": (server.cpu() - cpu) * 1000 / count / times}


def tool(name, *arguments):
    """A load generator of this folder; the numbers that it prints."""
    try:
        out, _ = letterbox.run([os.path.join(BUILT, name), *map(str, arguments)], seconds=300)
    except subprocess.TimeoutExpired:
        raise letterbox.Failure("%s took too long" % name) from None
    return [float(word) for word in out.split()]


def pop3(server, user, *load):
    """Seconds, octets."""
    return tool("pop3_load", server.port, user, PASSWORD, *load)

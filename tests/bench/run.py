#!/usr/bin/env python3
"""Measures our daemons beside the floors and other people's servers, and prints one table.

    run.py [--rounds N] [--scale X] [--results FILE] [GROUP]...

GROUP: smtp, relay, pop3, large, size, users, calls; all by default. What was measured is kept in build/bench/results.json and drawn
beside it; groups that are not asked for stay as they were there, for a whole run takes many minutes.
BENCH_PEERS=no: ours and the floors alone.
"""

import argparse
import os
import signal
import sys

import calls
import plot
import pop3
import relay
import servers
import size
import smtp
import table
from servers import mail

GROUPS = {"smtp": smtp.rows, "relay": relay.rows, "pop3": pop3.rows, "large": pop3.large_rows, "size": size.rows, "users": size.user_rows,
          "calls": calls.rows}


def say(text):
    print(text, file=sys.stderr, flush=True)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the servers end with us
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1, help="of the number of messages")
    parser.add_argument("--results", default=os.path.join(servers.BUILT, "results.json"))
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []])
    asked = parser.parse_args()
    results = table.load(asked.results)
    for group in asked.groups or GROUPS:
        results = [result for result in results if result["group"] != group]
        for row in GROUPS[group](asked.scale):
            results.append(dict(row.measure(asked.rounds, say), group=group))
            table.save(asked.results, sorted(results, key=lambda result: list(GROUPS).index(result["group"])))
    results = table.load(asked.results)
    table.show(results)
    if mail.tool("gnuplot"):
        plot.draw(results, os.path.splitext(asked.results)[0] + ".svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Fails, or kills, a program at every system call of everything the store does, and looks whether the promises hold.

    run.py [--every K] [--jobs N] [WORD]...      only scenarios whose name contains one of the words; each K-th call

Prints, last but one, how much was tried, and last `N passed, N failed`: a case is a kind of fault at every call of one scenario.
"""

import argparse
import collections
import multiprocessing
import os
import sys
import tempfile

import runs
import scenarios
import world as w

FILE = {
    "read": ["EIO", "EIO+", "EINTR", "short"],
    "write": ["EIO", "EIO+", "ENOSPC", "ENOSPC+", "EDQUOT", "EDQUOT+", "EINTR", "short", "short, ENOSPC+"],
    "create": ["EIO", "EIO+", "ENOSPC", "ENOSPC+", "EDQUOT", "EDQUOT+", "EMFILE", "EMFILE+"],
    "open": ["EIO", "EIO+", "EMFILE", "EMFILE+"],
    "sync": ["EIO", "EIO+", "ENOSPC", "EDQUOT"],
    "rename": ["EIO", "EIO+", "ENOSPC", "EDQUOT"],
    "mkdir": ["EIO", "EIO+", "ENOSPC", "EDQUOT"],
    "unlink": ["EIO"],
    "truncate": ["EIO"],
    "link": ["EIO", "ENOSPC"],
    "chmod": ["EIO"],
    "stat": ["EIO", "EIO+"],
    "lock": ["ENOLCK", "EAGAIN"],
    "mmap": ["ENOMEM"],
    "close": ["EIO"],
    "seek": ["EIO"],
}
SOCKET = {"recv": ["EINTR", "short"], "send": ["EINTR", "short", "EPIPE"], "read": ["EINTR"], "close": ["EIO"]}
OTHER = {"write": ["EIO", "ENOSPC", "EAGAIN", "EINTR"], "close": ["EIO"]}
state = {}


def faults_of(call):
    """Which faults a call may have."""
    name, kind, _ = call
    table = {"sock": SOCKET, "other": OTHER}.get(kind, FILE)
    return ["kill", "killed", "append"] + table.get(name, [])


def calls_of(scenario):
    """The calls of a run that nothing disturbs: [(name, kind, name of the file)]."""
    with scenario.world() as world, tempfile.NamedTemporaryFile(dir=w.PLACE) as log:
        went = scenario.act(world, w.environment(world.root, log=log.name), w.subprocess.DEVNULL)
        if not scenario.succeeded(went):
            raise w.Wrong("does not work even undisturbed")
        lines = [line.decode("utf-8", "replace").split(" ", 3)[1:] for line in log.read().splitlines()]
        return [(name, kind, os.path.basename(path)) for name, kind, path in lines]


def variables(world, fault, number):
    """For the shim."""
    do, _, on = fault.partition(", ")
    more = {"at": number, "do": do.rstrip("+")}
    if fault.endswith("+"):
        more["on"] = (on or do).rstrip("+")
    if fault == "append":
        more.update(mbox=world.path("users", "anna", "mbox"), foreign=w.FOREIGN.decode(), done=world.path("appended"))
    return w.environment(world.root, **more)


def judge_answer(scenario, fault, call, went):
    """Is what was said the right thing to say?"""
    wrong = scenario.replies("ENOSPC" if "ENOSPC" in fault else fault.rstrip("+"), went)
    if wrong:
        raise w.Wrong("replied %s" % wrong)
    unseen = fault in w.INVISIBLE or call[0] == "close" or call[:2] == ("write", "other")
    if unseen and not (scenario.patient and call[1] == "other") and not scenario.succeeded(went):
        raise w.Wrong("does not succeed")
    # An expunge that is resumed by the daemon as it starts is resumed again by the session. An index that cannot be synced is removed.
    if call[0] == "sync" and call[2] != "mbox.index" and fault != "append" and not scenario.resumes and scenario.succeeded(went):
        raise w.Wrong("succeeds with what could not be synced")


def judge_take_back(scenario, fault, call, world, went):
    """What could not be synced is gone: on the disk there may be less of it than anybody sees now."""
    if call[0] == "sync" and call[2] == "mbox" and fault in FILE["sync"] and not fault.endswith("+") and went is not None:
        for user in scenario.users if isinstance(went, w.Delivery) and not went.acknowledged else ():
            if scenario.body[:scenario.body.index(b"\r")] in (world.read("users/%s/mbox" % user) or b""):
                raise w.Wrong("not taken back")


def one(task):
    """One fault; returns (scenario's number, fault, what is wrong or None)."""
    which, number, fault, call = task
    scenario = state["scenarios"][which]
    with scenario.world() as world, tempfile.TemporaryFile(dir=w.PLACE) as log:
        try:
            went = scenario.act(world, variables(world, fault, number), log)
            if not fault.startswith("kill"):
                judge_answer(scenario, fault, call, went)
                judge_take_back(scenario, fault, call, world, went)
            w.Oracle(world, scenario.allowed(world, went)).judge(number % 2 == (fault == "killed"))
            scenario.judge_arrivals(world, went, fault)
            if ("ENOSPC" in fault or "EDQUOT" in fault) and not scenario.torn and world.read("users/anna/mbox.torn"):
                raise w.Wrong("no part of a message is to be left where the disk was full")
            return which, fault, None
        except w.Wrong as wrong:
            log.seek(0)
            text = "%s: %s at call %d (%s %s %s): %s\n%s" % (scenario.name, fault, number, *call, wrong, log.read().decode("utf-8", "replace"))
            return which, fault, text


def tasks(every):
    """Each K-th call, the first of which differs with the scenario; all kinds of faults that it may have."""
    for which, scenario in enumerate(state["scenarios"]):
        calls = calls_of(scenario)
        for number in range(1 + which % every, len(calls) + 1, every):
            for fault in faults_of(calls[number - 1]):
                if fault != "append" or "anna" in scenario.users:
                    yield which, number, fault, calls[number - 1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    if w.letterbox.SANITIZED:
        print("fault skipped: a sanitizer makes system calls of its own")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    found = scenarios.scenarios() + runs.scenarios_of(*scenarios.template())
    state["scenarios"] = [s for s in found if not options.words or any(word in s.name for word in options.words)]
    injected, failed = 0, collections.Counter()
    cases = set()
    with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
        for which, fault, wrong in pool.imap_unordered(one, tasks(options.every), 8):
            cases.add((which, fault))
            injected += 1
            if wrong:
                failed[which, fault] += 1
                if failed[which, fault] <= 2:
                    print(wrong, flush=True)
    for (which, fault), times in sorted(failed.items()):
        print("%s: %s: %d wrong" % (state["scenarios"][which].name, fault, times))
    print("faults: %d injected in %d scenarios" % (injected, len(state["scenarios"])))
    print("%d passed, %d failed" % (len(cases) - len(failed), len(failed)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

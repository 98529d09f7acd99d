#!/usr/bin/env python3
"""Every tree that POSIX allows after a power cut during what the store does: does it keep its promises?

    run.py [--states N] [--exhaustive N] [--seed N] [--jobs N] [WORD]...

Each scenario runs once, recorded by the shim of tests/fault. disk.py says what may be there at each of its instants; equal trees are
looked at once. --states: of each scenario at most so many, drawn by lot (0: all that are made); --exhaustive: all subsets of so many
pending calls. Prints the number of trees of each scenario, last but one of all, and last `N passed, N failed`: a case is a scenario.
"""

import argparse
import collections
import hashlib
import multiprocessing
import os
import random
import sys
import tempfile

import disk

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fault"))
import more  # noqa: E402
import runs  # noqa: E402
import scenarios  # noqa: E402
import world as w  # noqa: E402

TWINS = 6  # of so many times as many, most are equal to another
BOOT = 56  # of an index: where it says which start of the system it is of
TOGETHER = 24  # mailboxes in one mail root: they share a delivery
state = {}


def describe(call, part):
    name = type(call).__name__.lower()
    what = {"write": lambda: "%d bytes at %d" % (len(call.data), call.at), "truncate": lambda: str(call.size), "mode": lambda: oct(call.mode),
            "entries": lambda: " ".join(("+" if inode else "-") + entry for entry, inode in call.sets.items())}[name]()
    return "(%s of %d: %s: %s)" % (name, call.of, what, "dropped" if part is None else " ".join(map(str, part)) if isinstance(part, tuple) else part)


class Recorded:
    """A scenario, what it did, and the trees that may be there."""

    def __init__(self, scenario):
        self.scenario = scenario
        with scenario.world() as world, tempfile.NamedTemporaryFile(dir=w.PLACE) as file:
            self.trace = disk.Trace(world.root, scenario.fresh, scenario.unsynced)
            went = scenario.act(world, w.environment(world.root, trace=file.name), w.subprocess.DEVNULL)
            if not scenario.succeeded(went):
                raise w.Wrong(scenario.name + ": does not work even undisturbed")
            self.trace.read(file.name, world.root)
            there = {path: data for path, (data, _) in world.capture().items()}
        if there != {path: data for path, (data, _, _) in disk.walk(self.trace.now, self.trace.root).items()}:
            raise w.Wrong(scenario.name + ": not all that it did was recorded")
        self.instants = list(self.trace.instants())
        self.before = disk.walk(self.trace.base, self.trace.root)
        # Of what is large fewer are looked at, and fewer at once.
        self.weight = 1 + (sum(map(len, self.trace.now.files.values())) >> 20)

    def acknowledged_at(self):
        """The number of the call; the program's end where it has no peer."""
        said = self.scenario.said
        if said is None:
            return len(self.trace.calls) - 1
        return max(n for n, call in enumerate(self.trace.calls) if isinstance(call, disk.Said) and said in call.text)

    def states(self, options, lot):
        """(instant, parts, acknowledged) of each tree that is not equal to another; where it was acknowledged, that counts."""
        at = self.acknowledged_at()
        made = [(instant, tuple(parts), number > at) for instant, (number, _, pending) in enumerate(self.instants)
                for parts in disk.choices(pending, lot, options.random, options.exhaustive)]
        lot.shuffle(made)
        most, found = options.states // self.weight // (options.resumed if isinstance(self.scenario, more.Resumed) else 1), {}
        most = max(most, 1) if options.states else None
        for chosen in made[:most and TWINS * most]:
            key = fingerprint(self.tree(chosen))
            if key not in found or chosen[2]:
                found[key] = chosen
        return list(found.values())[:most]

    def tree(self, chosen):
        _, durable, pending = self.instants[chosen[0]]
        return self.trace.tree(durable, pending, chosen[1])


def is_garbage(path):
    """A spool that was unlinked: nobody reads it again."""
    return path == "spool"


def fingerprint(tree):
    mark, seen = hashlib.blake2b(digest_size=16), {}
    for path, (data, mode, inode) in sorted(tree.items()):
        same = seen.setdefault(inode, path)
        mark.update(b"%s %s %s %d\n" % (path.encode(), same.encode(), oct(mode or 0).encode(), -1 if data is None else len(data)))
        mark.update(b"" if data is None or is_garbage(path) else data)
    return mark.digest()


def of_another_boot(path, data):
    """The system has started since."""
    if os.path.basename(path) not in ("mbox.index", "mbox.index.new") or len(data) <= BOOT:
        return data
    return data[:BOOT] + bytes([data[BOOT] ^ 1]) + data[BOOT + 1:]


class Ruin(w.World):
    """A tree as a mail root."""

    def __init__(self, tree):
        mboxes = {os.path.dirname(path): inode for path, (_, _, inode) in tree.items() if os.path.basename(path) == "mbox"}
        super().__init__({path: (of_another_boot(path, data), mboxes.get(os.path.dirname(path))) for path, (data, _, _) in tree.items()})
        first = {}
        for path, (data, mode, inode) in tree.items():
            if data is None:
                continue
            same = first.setdefault((os.path.dirname(path), inode), path)
            if same != path:
                os.unlink(self.path(path))
                os.link(self.path(same), self.path(path))
            os.chmod(self.path(path), mode)


def judge(recorded, chosen, deliver_first):
    """One tree in a mail root of its own."""
    scenario = recorded.scenario
    with Ruin(recorded.tree(chosen)) as world:
        went = scenario.answer(chosen[2])
        w.Oracle(world, scenario.allowed(world, went)).judge(deliver_first)
        scenario.see_more(world)
        scenario.judge_arrivals(world, went, "a power cut")


def alone(recorded, tree):
    """The user's folder, if nothing else differs from what was there before."""
    user = "users/" + recorded.scenario.users[0]
    outside = {path: file for path, file in tree.items() if not is_of(path, user) and not is_garbage(path)}
    if outside != {path: file for path, file in recorded.before.items() if not is_of(path, user)}:
        return None
    return {path[len(user):]: file for path, file in tree.items() if is_of(path, user)}


def is_of(path, folder):
    return path == folder or path.startswith(folder + "/")


def together(recorded, many, deliver_first):
    """So many trees at once: each is another user's folder. Returns those that must be looked at by themselves."""
    scenario, (user,) = recorded.scenario, recorded.scenario.users
    tree = {path: file for path, file in recorded.before.items() if "users/" not in path}
    rest, allowed, names = [], {}, []
    for number, chosen in enumerate(many):
        folder = alone(recorded, recorded.tree(chosen))
        if folder is None:
            rest.append(chosen)
            continue
        name = "u%03d" % number
        names.append(name)
        tree.update({"users/" + name + path: file for path, file in folder.items()})
        allowed[name] = chosen
    if not names:
        return rest
    tree["accounts"] = ("".join("%s:{PLAIN}%s\n" % (name, w.PASSWORD) for name in names).encode(), 0o600, 0)
    with Ruin(tree) as world:
        allowed = {name: scenario.allowed(world, scenario.answer(chosen[2]))[user] for name, chosen in allowed.items()}
        w.Oracle(world, allowed).judge(deliver_first)
    return rest


def task(job):
    """Some trees of a scenario; returns (its number, how many, what is wrong)."""
    which, many, deliver_first = job
    recorded, wrong = state["recorded"][which], []
    rest = many
    if recorded.scenario.apart:
        try:
            rest = together(recorded, many, deliver_first)
        except w.Wrong as error:
            wrong.append("%s: together: %s" % (recorded.scenario.name, error))
    alone_wrong = [text for text in (judge_one(recorded, chosen, deliver_first) for chosen in rest) if text]
    return which, len(many), alone_wrong or wrong


def judge_one(recorded, chosen, deliver_first):
    try:
        judge(recorded, chosen, deliver_first)
        return None
    except w.Wrong as error:
        number, _, pending = recorded.instants[chosen[0]]
        parts = " ".join(describe(call, part) for call, part in zip(pending, chosen[1]) if part != disk.ALL)
        return "%s: before call %d of %d%s, but for %s: %s" % (recorded.scenario.name, number, len(recorded.trace.calls),
                                                             ", acknowledged" if chosen[2] else "", parts or "nothing", error)


def resumed(recorded, options, lot):
    """Scenarios: a session begins on a tree that an expunge left with a plan."""
    planned = []
    for chosen in recorded.states(options, lot):
        tree = recorded.tree(chosen)
        if tree.get("users/anna/mbox.redo", (b"",))[0]:
            planned.append((chosen, tree))
    for number, (chosen, tree) in enumerate(lot.sample(planned, min(options.resumed, len(planned)))):
        yield more.Resumed(recorded.scenario, tree, chosen[2], number)


def record_all(options):
    files, seen = scenarios.template()
    found = scenarios.scenarios() + runs.scenarios_of(files, seen)[:-1] + more.scenarios_of(files, seen)
    recorded = [Recorded(s) for s in found if not options.words or any(word in s.name for word in options.words)]
    lot = random.Random(options.seed)
    for expunge in [r for r in recorded if r.scenario.name.startswith(("expunge", "bury"))]:
        recorded += [Recorded(s) for s in resumed(expunge, options, lot)]
    return recorded


def jobs(options):
    for which, recorded in enumerate(state["recorded"]):
        states = recorded.states(options, random.Random("%d %d" % (options.seed, which)))
        size = max(1, TOGETHER // recorded.weight)
        for number, at in enumerate(range(0, len(states), size)):
            yield which, states[at:at + size], number % 2 == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--states", type=int, default=0)
    parser.add_argument("--random", type=int, default=200)
    parser.add_argument("--exhaustive", type=int, default=12)
    parser.add_argument("--resumed", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    if w.letterbox.SANITIZED:
        print("crash states skipped: a sanitizer makes system calls of its own")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    state["recorded"] = record_all(options)
    seen, wrong = collections.Counter(), collections.defaultdict(list)
    with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
        for which, count, texts in pool.imap_unordered(task, jobs(options)):
            name = state["recorded"][which].scenario.name
            seen[name] += count
            for text in texts:
                if len(wrong[name]) < 3:
                    print(text, flush=True)
                wrong[name].append(text)
    for name, count in seen.items():
        print("%6d  %s%s" % (count, name, ": %d wrong" % len(wrong[name]) if name in wrong else ""))
    print("crash states: %d in %d scenarios, seed %d" % (sum(seen.values()), len(seen), options.seed))
    print("%d passed, %d failed" % (len(seen) - len(wrong), len(wrong)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

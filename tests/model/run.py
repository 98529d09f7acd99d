#!/usr/bin/env python3
"""Checks the model of the store with SPIN: that its promises hold in every state, and that each planted bug breaks one.

    run.py [--short]

Each round is exhaustive: every order of steps, every crash, every state of the disk after it. Prints, last, `N passed, N failed`.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MEGABYTES = 6000
CAST = {"smtpd": 1, "second smtpd": 2, "session": 3, "second session": 4, "other program": 6}


class Round:
    """Who plays, and what may go wrong."""

    def __init__(self, *cast, crashes=0, faults=0, plant=0):
        self.cast, self.crashes, self.faults, self.plant = cast, crashes, faults, plant

    def numbers(self):
        absent = sum(1 << number for who, number in CAST.items() if who not in self.cast)
        return {"PLANT": self.plant, "CRASHES": self.crashes, "FAULTS": self.faults, "ABSENT": absent}

    def __str__(self):
        return "%s; crashes %d, faults %d" % (", ".join(self.cast), self.crashes, self.faults)


SHORT = (
    Round("smtpd", "session", crashes=1),
    Round("session", crashes=2),
    Round("smtpd", "second smtpd", "other program", faults=1),
)
LONG = (
    Round("smtpd", "session", crashes=1, faults=1),
    Round("smtpd", "second smtpd", "other program", crashes=1),
    Round("smtpd", "session", "second session", crashes=1),
    Round("session", "second session", "other program", crashes=1),
)
PLANTS = {
    "NO_FDATASYNC": Round("smtpd", "session", crashes=1),
    "SYNC_AGAIN": Round("smtpd", "session", crashes=1, faults=1),
    "NO_ROLL_BACK": Round("smtpd", "session", faults=1),
    "TAKEN_BACK_BLINDLY": Round("smtpd", "session", crashes=1, faults=1),
    "CUT_TO_CLEAN": Round("smtpd", "session", crashes=1),
    "CUT_TO_DOTLOCK": Round("smtpd", "session", crashes=1),
    "INDEX_TRUSTED": Round("session", "second session", "other program", crashes=1),
    "NO_REDO": Round("smtpd", "session", crashes=1),
    "REDO_NOT_SYNCED": Round("smtpd", "session", crashes=1),
    "FOLDER_NOT_SYNCED": Round("smtpd", "session", crashes=1),
    "NAME_BELIEVED": Round("session", crashes=2),
    "REDO_NOT_VOID": Round("smtpd", "session", "second session", crashes=1),
    "OLD_SIZE_NOT_SYNCED": Round("smtpd", "session", crashes=1),
    "LOCK_ORDER": Round("smtpd", "session", "other program"),
    "LOCK_KEPT": Round("smtpd", "session", "other program"),
    "NO_FCNTL": Round("smtpd", "session", "other program", crashes=1),
}


class Model:
    """One .pml, made into a program that searches all of its states."""

    def __init__(self, name, folder):
        self.file = os.path.join(HERE, name + ".pml")
        self.folder = folder
        with open(self.file, encoding="utf-8") as text:
            rows = re.findall(r"^#define (\w+)\s+([0-9]+)\s+/\* (.*) \*/$", text.read(), re.M)
        self.plants = {plant: (int(number), words) for plant, number, words in rows}
        self.call("spin", "-a", "-DENVIRONMENT", self.file)
        self.call("gcc", "-O1", "-w", "-DSAFETY", "-DCOLLAPSE", "-DNOREDUCE", "-DMEMLIM=%d" % MEGABYTES, "-o", "pan", "pan.c")

    def call(self, *command, **more):
        done = subprocess.run(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **more)
        text = done.stdout.decode()
        if done.returncode != 0:
            raise RuntimeError("%s: %s" % (command[0], text))
        return text

    def search(self, one):
        """What was found wrong, or None, and how much was searched."""
        begun = time.monotonic()
        numbers = {name: str(value) for name, value in one.numbers().items()}
        text = self.call("./pan", "-m100000", "-w%d" % (20 if "--short" in sys.argv else 25), env=dict(os.environ, **numbers))
        wrong = re.search(r"pan:1: (.*) \(at depth ([0-9]+)\)", text)
        if wrong is None and ("errors: 0" not in text or "Search not completed" in text):
            raise RuntimeError(text)
        states = int(re.search(r"([0-9]+) states, stored", text).group(1))
        depth = int(re.search(r"depth reached ([0-9]+)", text).group(1))
        return wrong, states, "%d states, depth %d, %.1f s" % (states, depth, time.monotonic() - begun)

    def show(self, one):
        """The steps that lead to what is wrong."""
        numbers = ["-D%s=%d" % each for each in one.numbers().items()]
        trail = os.path.join(self.folder, os.path.basename(self.file) + ".trail")
        text = self.call("spin", "-t", "-p", "-w", "-k", trail, *numbers, self.file)
        steps = [line for line in text.splitlines() if "[" in line and not re.search(r"\[(else|paused|\(!\(paused|\(1\)|.\(goto)", line)]
        print("\n".join(steps[-120:]))


def check(model, rounds, counts):
    """The promises hold; returns the number of states."""
    total = 0
    for one in rounds:
        wrong, states, searched = model.search(one)
        total += states
        print("%s: %s: %s" % (one, searched, "holds" if wrong is None else "BROKEN: " + wrong.group(1)), flush=True)
        counts[wrong is not None] += 1
        if wrong is not None:
            model.show(one)
    return total


def plant(model, rounds, counts):
    """Each bug breaks a promise."""
    for name, one in rounds.items():
        one.plant, words = model.plants[name]
        wrong, _, searched = model.search(one)
        found = "NOT FOUND: " + searched if wrong is None else "found, %s steps" % wrong.group(2)
        print("planted: %s: %s" % (words, found), flush=True)
        counts[wrong is None] += 1
    if set(model.plants) != set(rounds):
        raise RuntimeError("nobody looks for " + " ".join(set(model.plants) - set(rounds)))


def main():
    counts = [0, 0]
    missing = [command for command in ("spin", "gcc") if shutil.which(command) is None]
    if missing:
        print("model: skipped (no %s)\n0 passed, 0 failed, 1 skipped" % missing[0])
        return 0
    with tempfile.TemporaryDirectory() as folder:
        model = Model("mailbox", folder)
        states = check(model, SHORT if "--short" in sys.argv else SHORT + LONG, counts)
        plant(model, PLANTS, counts)
    print("model: %d states, %d planted bugs" % (states, len(PLANTS)))
    print("%d passed, %d failed" % tuple(counts))
    return 1 if counts[1] else 0


if __name__ == "__main__":
    sys.exit(main())

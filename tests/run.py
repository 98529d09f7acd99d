#!/usr/bin/env python3
"""Runs every suite there is and prints, last, `N passed, N failed` over all of their cases.

    run.py [WORD]...        only suites whose name contains one of the words

A suite is build/unit/test_* (check), wire/run.py, any test_*.py (unittest) or test_*.sh (its last line:
`N passed, N failed`) one folder below this one. One that dies without saying how it went counts as a failed case.
"""

import concurrent.futures
import glob
import os
import re
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(HERE)
BUILD = os.path.join(REPOSITORY, os.environ.get("BUILD", "build"))
SUITE_SECONDS = 900
WAITING = "relay/"  # suites that mostly wait, for what is to be tried again: they run beside the others, one after the other


def suites():
    """(name, command) of each, the quick ones first."""
    for path in sorted(glob.glob(os.path.join(BUILD, "unit", "test_*"))):
        if os.access(path, os.X_OK) and os.path.exists(os.path.join(HERE, "unit", os.path.basename(path) + ".c")):
            yield "unit/" + os.path.basename(path)[5:], [path]
    yield "wire", [sys.executable, os.path.join(HERE, "wire", "run.py")]
    for path in sorted(glob.glob(os.path.join(HERE, "*", "test_*.py")) + glob.glob(os.path.join(HERE, "*", "test_*.sh"))):
        folder, file = os.path.split(path)
        command = [sys.executable, path, "-v"] if path.endswith(".py") else [path]
        yield os.path.basename(folder) + "/" + os.path.splitext(file)[0][5:], command


def count(text):
    """Cases (passed, failed, skipped) of a suite's output, or None where it says nothing."""
    found = re.findall(r"Checks: ([0-9]+), Failures: ([0-9]+), Errors: ([0-9]+)", text)
    if found:
        ran, failed = sum(int(f[0]) for f in found), sum(int(f[1]) + int(f[2]) for f in found)
        return ran - failed, failed, 0
    found = re.search(r"^Ran ([0-9]+) tests? in .*\n\n(?:OK|FAILED)(.*)$", text, re.M)
    if found:
        kinds = {kind: int(n) for kind, n in re.findall(r"(\w+)=([0-9]+)", found.group(2))}
        failed, skipped = kinds.get("failures", 0) + kinds.get("errors", 0), kinds.get("skipped", 0)
        return max(int(found.group(1)) - failed - skipped, 0), failed, skipped
    found = re.findall(r"([0-9]+) passed, ([0-9]+) failed(?:, ([0-9]+) skipped)?", text)
    if found:
        return tuple(int(n or 0) for n in found[-1])
    return None


def run(name, command):
    """Run one suite; returns its counts."""
    begun = time.monotonic()
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              cwd=REPOSITORY, timeout=SUITE_SECONDS)
        text, status = done.stdout.decode("utf-8", "backslashreplace"), done.returncode
    except subprocess.TimeoutExpired as late:
        text, status = (late.stdout or b"").decode("utf-8", "backslashreplace") + "\ntook too long\n", 1
    passed, failed, skipped = count(text) or (0, 0, 0)
    if failed == 0 and (status != 0 or passed + skipped == 0):
        failed = 1
    said = [text.rstrip("\n")] if failed else \
        ["  " + line for line in re.findall(r".* skipped .*|(?:faults|kills|shared|power|model|crash states|explain|queue): .*", text)]
    said.append("%-24s %4d passed, %d failed%s (%.1f s)" % (name, passed, failed, ", %d skipped" % skipped if skipped else "",
                                                            time.monotonic() - begun))
    print("\n".join(said), flush=True)
    return passed, failed, skipped


def run_all(chosen):
    """The sum of their counts."""
    return [sum(counts) for counts in zip((0, 0, 0), *(run(name, command) for name, command in chosen))]


def main():
    # Who runs this in the background may have SIGINT ignored, and programs leave it at that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    words = sys.argv[1:]
    chosen = [suite for suite in suites() if not words or any(word in suite[0] for word in words)]
    waiting = [suite for suite in chosen if suite[0].startswith(WAITING)]
    with concurrent.futures.ThreadPoolExecutor() as beside:
        counts = beside.submit(run_all, waiting)
        totals = [sum(both) for both in zip(run_all([suite for suite in chosen if suite not in waiting]), counts.result())]
    if totals[2]:
        print("%d skipped, as said above" % totals[2])
    print("%d passed, %d failed" % tuple(totals[:2]))
    return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
    sys.exit(main())

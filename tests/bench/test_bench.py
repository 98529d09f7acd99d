#!/usr/bin/env python3
"""The bench itself: a tiny round of ours and the floors gives a figure for each load, and its table a verdict for each goal."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


class Bench(unittest.TestCase):
    def measure(self, group):
        with tempfile.TemporaryDirectory(prefix="letterbox-") as folder:
            path = os.path.join(folder, "results.json")
            done = subprocess.run([os.path.join(HERE, "run.py"), "--rounds", "1", "--scale", "0.01", "--results", path, group],
                                  env=dict(os.environ, BENCH_PEERS="no"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            with open(path, encoding="utf-8") as file:
                return json.load(file), done.stdout.decode()

    def check(self, group, loads, peers):
        results, printed = self.measure(group)
        self.assertEqual(len(results), loads)
        for result in results:
            mine = [subject for subject in result["subjects"] if subject in ("ours", "floor", "disk")]
            for subject in mine:  # a few messages may cost no tick of CPU, a mailbox less than an empty one
                figures = result["rounds"][0][subject]
                self.assertEqual(set(figures), set(result["metrics"]), result["name"])
                self.assertTrue(all(figure > 0 for metric, figure in figures.items() if metric not in ("more", "cpu")), figures)
            self.assertEqual(set(result["skipped"]), set(result["subjects"]) - set(mine))
            self.assertIn(result["name"], printed)
        verdicts = printed.count("met: ") + printed.count("MISSED: ") + printed.count("skipped (")
        self.assertEqual(verdicts, sum(len(result["goals"]) for result in results))
        for peer in peers:
            self.assertIn(peer + " skipped: was not asked for", printed)

    def test_deliveries(self):
        self.check("smtp", 5, ["postfix"])

    def test_relaying(self):
        self.check("relay", 2, ["postfix"])

    def test_sessions(self):
        self.check("pop3", 4, ["dovecot", "tuned", "popa3d"])

    def test_large_mailboxes(self):
        self.check("large", 5, ["dovecot", "tuned", "popa3d"])

    @unittest.skipIf("asan" in os.environ.get("BUILD", ""), "a sanitizer's memory and system calls are its own")
    def test_sizes(self):
        self.check("size", 7, [])
        self.check("users", 2, [])
        self.check("calls", 2, [])


if __name__ == "__main__":
    unittest.main()

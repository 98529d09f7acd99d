#!/usr/bin/env python3
"""Draws what was measured as one SVG, by gnuplot.

    plot.py [RESULTS [SVG]]         both in build/bench, results.json and results.svg, by default
"""

import os
import re
import subprocess
import sys

import servers
import table

COLOURS = {"ours": "#0b5fa5", "floor": "#9a9a9a", "disk": "#9a9a9a", "postfix": "#e07b00", "dovecot": "#e07b00", "tuned": "#f3b562",
           "popa3d": "#3f8f3f"}
TITLES = {"ours": "ours", "floor": "floor", "disk": "the disk alone", "postfix": "Postfix", "dovecot": "Dovecot", "tuned": "Dovecot, tuned",
          "popa3d": "popa3d"}
# Title, metric, subjects, and the loads: what their names begin with, and what stands below the bars.
DELIVERIES = (("1 session, a", "1 session"), ("10 sessions, a", "10 sessions"), ("50 sessions, a", "50 sessions,\\nmany mailboxes"),
              ("10 sessions kept", "10 sessions\\nkept open"), ("50 sessions kept", "50 sessions\\nkept open,\\nmany mailboxes"))
PANELS = (
    ("Deliveries a second; a connection each unless kept open (more is better)", "rate", ("ours", "floor", "postfix"), DELIVERIES),
    ("Deliveries, ms of CPU each; a connection each unless kept open (less is better)", "cpu", ("ours", "floor", "postfix"), DELIVERIES),
    ("POP3, sessions or MB a second (more is better)", "rate", ("ours", "floor", "dovecot", "tuned", "popa3d"), (
        ("login, STAT, QUIT, 10", "login, STAT,\\nQUIT\\n(sessions)"), ("RETR .*one by one", "1,000 x 5 KB,\\none by one\\n(MB)"),
        ("RETR .*pipelined", "1,000 x 5 KB,\\npipelined\\n(MB)"), ("RETR one", "one of 100 MB\\n(MB)"))),
    ("POP3 on 200 MB, milliseconds (less is better)", "time", ("ours", "disk", "dovecot", "tuned", "popa3d"), (
        ("login to an unchanged [0-9]{3} MB", "login,\\nunchanged"), ("first login .*other", "first login,\\nforeign mail"),
        ("first login .*our own", "first login,\\nour entries"), ("DELE 1", "DELE 1, QUIT"))),
)
HEAD = """set terminal svg size 1400,920 background rgb 'white' font 'sans-serif,12'
set output '{svg}'
set multiplot layout 2,2
set style fill solid 0.9 noborder
set logscale y
set grid ytics lc rgb '#dddddd'
set border 3
set tics nomirror scale 0.5
set xtics font ',10'
set key top right horizontal samplen 1.5
set bmargin 5
"""


def brief(figure):
    return "%.0f" % figure if figure >= 100 else "%.2g" % figure


def find(results, pattern):
    return next((result for result in results if re.match(pattern, result["name"])), None)


def panel(results, title, metric, subjects, loads):
    """A group of bars for each load, a bar for each subject."""
    width, bars, tics = 0.8 / len(subjects), {subject: [] for subject in subjects}, []
    for place, (pattern, label) in enumerate(loads):
        tics.append('"%s" %d' % (label, place))
        result = find(results, pattern)
        found = table.medians(result) if result else {}
        for number, subject in enumerate(subjects):
            figure = found.get(subject, {}).get(metric)
            if figure:
                bars[subject].append((place + (number - (len(subjects) - 1) / 2) * width, figure))
    shown = [subject for subject in subjects if bars[subject]]
    heights = [figure for subject in shown for _, figure in bars[subject]]
    if not heights:
        return
    for subject in shown:
        yield "$%s << end" % subject
        for x, figure in bars[subject]:
            yield '%g %g "%s"' % (x, figure, brief(figure))
        yield "end"
    yield 'set title "%s"' % title
    yield "set xtics (%s) font ',10'" % ", ".join(tics)
    yield "set xrange [-0.6:%g]" % (len(loads) - 0.4)
    yield "set yrange [%g:%g]" % (min(heights) / 2, max(heights) * 6)
    yield "set boxwidth %g" % (width * 0.92)
    parts = ["$%s using 1:2 with boxes lc rgb '%s' title '%s'" % (subject, COLOURS[subject], TITLES[subject]) for subject in shown]
    parts += ["$%s using 1:2:3 with labels offset 0,0.5 font ',8' notitle" % subject for subject in shown]
    yield "plot " + ", ".join(parts)


def draw(results, svg):
    lines = [HEAD.format(svg=svg)]
    for one in PANELS:
        lines += panel(results, *one)
    subprocess.run([servers.need("gnuplot", "gnuplot-nox")], input="\n".join(lines) + "\n", text=True, check=True)


def main():
    results = sys.argv[1] if len(sys.argv) > 1 else os.path.join(servers.BUILT, "results.json")
    svg = sys.argv[2] if len(sys.argv) > 2 else os.path.join(servers.BUILT, "results.svg")
    draw(table.load(results), svg)


if __name__ == "__main__":
    main()

"""Rows, their goals, and how they are printed: medians over interleaved rounds, ratios within a round."""

import json
import statistics
import time

from servers import Skipped, letterbox

OURS = "ours"
MUST = (OURS, "floor", "disk")


class Goal:
    """`metric` of ours is at least or at most `bound`, as it is or times that of `against` in the same round."""

    def __init__(self, metric, kind, bound, against=None):
        self.metric, self.kind, self.bound, self.against = metric, kind, bound, against

    def figure(self, rounds):
        """The median that is to be judged; None where there is none."""
        found = []
        for one in rounds:
            ours = one.get(OURS, {}).get(self.metric)
            other = one.get(self.against, {}).get(self.metric) if self.against else 1
            if ours is not None and other:
                found.append(ours / other)
        return statistics.median(found) if found else None

    def verdict(self, rounds):
        figure = self.figure(rounds)
        sign = ">=" if self.kind == "least" else "<="
        wanted = "%s %g%s" % (sign, self.bound, " x " + self.against if self.against else "")
        if figure is None:
            return "skipped (%s)" % wanted
        met = figure >= self.bound if self.kind == "least" else figure <= self.bound
        return "%s: %s %s" % ("met" if met else "MISSED", short(figure), wanted)


def at_least(metric, bound, against=None):
    return Goal(metric, "least", bound, against)


def at_most(metric, bound, against=None):
    return Goal(metric, "most", bound, against)


class Row:
    """One load. subjects: name -> function that measures once and returns {metric: figure}; metrics: name -> unit."""

    def __init__(self, name, metrics, subjects, goals=()):
        self.name, self.metrics, self.subjects, self.goals = name, metrics, subjects, goals

    def measure(self, rounds, say):
        """All rounds, every other one backwards. A subject that says Skipped is left out from there on."""
        taken, skipped = [], {}
        for number in range(rounds):
            one = {}
            for subject in sorted(self.subjects, reverse=number % 2 == 1, key=list(self.subjects).index):
                if subject in skipped:
                    continue
                begun = time.monotonic()
                try:
                    one[subject] = self.subjects[subject]()
                except Skipped as why:
                    skipped[subject] = str(why)
                    continue
                except letterbox.Failure as why:
                    if subject in MUST:
                        raise
                    skipped[subject] = "failed: " + str(why).split("\n", 1)[0]
                    continue
                say("%s, round %d, %s: %s (%.1f s)" % (self.name, number + 1, subject, " ".join(
                    "%s %s" % (short(value), self.metrics[metric]) for metric, value in one[subject].items()), time.monotonic() - begun))
            taken.append(one)
        return {"name": self.name, "metrics": self.metrics, "subjects": list(self.subjects), "rounds": taken, "skipped": skipped,
                "goals": [[goal.metric, goal.kind, goal.bound, goal.against] for goal in self.goals]}


def short(figure):
    """Three digits are more than a measurement has."""
    if figure >= 100:
        return "%.0f" % figure
    return "%.1f" % figure if figure >= 10 else "%.2f" % figure


def medians(result):
    """{subject: {metric: median}} of a measured row."""
    found = {}
    for subject in result["subjects"]:
        for metric in result["metrics"]:
            figures = [one[subject][metric] for one in result["rounds"] if metric in one.get(subject, {})]
            if figures:
                found.setdefault(subject, {})[metric] = statistics.median(figures)
    return found


def cell(result, found, subject, metric):
    if subject in result["skipped"]:
        return "skipped"
    figure = found.get(subject, {}).get(metric)
    return "-" if figure is None else short(figure)


def lines(results):
    """The table: a line a metric, a column a subject, verdicts at the end."""
    subjects = []
    for result in results:
        subjects += [subject for subject in result["subjects"] if subject not in subjects]
    yield ["load", "unit", *subjects, "goal for ours"]
    for result in results:
        found = medians(result)
        for metric, unit in result["metrics"].items():
            goals = [Goal(*goal).verdict(result["rounds"]) for goal in result["goals"] if goal[0] == metric]
            cells = [cell(result, found, subject, metric) if subject in result["subjects"] else "" for subject in subjects]
            yield [result["name"], unit, *cells, "; ".join(goals)]


def show(results):
    """As Markdown, which reads as a table on a terminal, too; what was skipped, and why."""
    table = list(lines(results))
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for number, line in enumerate(table):
        print("| " + " | ".join(text.ljust(width) for text, width in zip(line, widths)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    for subject, why in sorted({(subject, why) for result in results for subject, why in result["skipped"].items()}):
        print("%s skipped: %s" % (subject, why))


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return []


def save(path, results):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
        file.write("\n")

"""What a runner and its workers do with what is in the queue."""

import collections
import subprocess
import tempfile

import scenarios
import world as w
from world import letterbox

STALLED = 2  # seconds after which a runner without a word has given up for now

Ran = collections.namedtuple("Ran", "status over arrived")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def accepted(files):
    """A session has put a message for "far" into the queue."""
    with w.World(files) as made:
        scenarios.expect(w.deliver(made.root, ("far",), scenarios.FRESH).acknowledged, "queue")
        return made.capture()


class Run(scenarios.Scenario):
    """A runner takes out of the queue what a session got its 250 for. counted: whose system calls: 2, those of the workers, or 1, the runner's."""

    apart, patient = False, True

    def __init__(self, files, seen, name, aliases, users=(), counted=2, body=scenarios.FRESH, passes=0, **hooks):
        """users: who gets it, body: what; passes: how often a receiver does, which says what the hooks do."""
        super().__init__(dict(files, aliases=(aliases, None)), seen, accepted)
        self.name, self.users, self.counted, self.body, self.passes, self.hooks = name, users, counted, body, passes, hooks
        self.resumes = True  # what could not be synced is tried again
        self.said = b"\r\n.\r\n" if passes and not hooks else None  # to the receiver

    def act(self, world, env, log):
        env = {name: value for name, value in env.items() if name != "FAULT_CLOCK"}
        with tempfile.NamedTemporaryFile(dir=w.PLACE) as said, tempfile.NamedTemporaryFile(dir=w.PLACE) as calls:
            env = dict({"FAULT_LOG": calls.name}, **env, FAULT_FORKED=str(self.counted))

            def is_over():
                return world.queue() == [] or b" deferred " in read(said.name)

            patience = letterbox.Deadline(STALLED)
            world.hooks = self.hooks
            status = w.run_queue(world, env, said, lambda: is_over() or self.has_failed(env, read(said.name), patience))
            if log != subprocess.DEVNULL:
                log.write(read(said.name))
            went, world.arrived = Ran(status, is_over(), len(world.arrived)), []
            return went

    @staticmethod
    def has_failed(env, said, patience):
        """The fault has happened, and nothing more is to be expected."""
        happened = "FAULT_AT" in env and read(env["FAULT_LOG"]).count(b"\n") >= int(env["FAULT_AT"])
        return happened and (b" error=" in said or b" crashed " in said or patience.over())

    def allowed(self, world, went):
        world.hooks = {} if self.passes else self.hooks
        fresh = (None if self.body is scenarios.FRESH else w.ANY, self.body)
        return {user: self.foreign(world, user, [self.seen[user] + [fresh]]) for user in self.users}

    def judge_arrivals(self, world, went, fault):
        """Again only where the receiver had it, and who passed it on died or could not record that."""
        again = went.arrived if fault not in w.INVISIBLE and fault != "append" else 0
        if not self.passes <= went.arrived + len(world.arrived) <= self.passes + again:
            raise w.Wrong("arrived %d times, and then %d times" % (went.arrived, len(world.arrived)))

    def answer(self, acknowledged):
        return Ran(0, True, int(acknowledged and self.said is not None))

    def succeeded(self, went):
        return went.status == 0 and went.over

    def replies(self, fault, went):
        return []


class Notice:
    """Equal to the notice that it was not delivered, be it without the header that could not be read."""

    def __eq__(self, content):
        return content.startswith(b"Return-Path: <>\r\n") and b"\n  r@b.example\r\n" in content

    def __len__(self):
        return 0


DELIVERY = b"far: anna@later.example\n", ("anna",)
EXPANSION = b"far: all@later.example\nall: anna, bert\n", ("anna", "bert")
FAILURE = b"far: r@b.example\nowner-far: anna\n", ("anna",)
REFUSED = {"body": Notice(), "RCPT": b"550 5.1.1 no such user\r\n"}


def scenarios_of(files, seen):
    return [
        Run(files, seen, "run a delivery", *DELIVERY),
        Run(files, seen, "run an expansion", *EXPANSION),
        Run(files, seen, "run a relay", b"far: r@b.example\n", passes=1),
        Run(files, seen, "run a retry", b"far: r@b.example\n", passes=1, RCPT=b"451 4.3.0 not now\r\n"),
        Run(files, seen, "run a failure", *FAILURE, **REFUSED),
        Run(files, seen, "run a failure, the runner", *FAILURE, counted=1, **REFUSED),
    ]

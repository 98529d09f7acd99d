"""What tests/fault has no scenario of, since it looks at one program alone, or at an end that is always reached."""

import os
import subprocess
import tempfile

import runs
import scenarios
import world as w

EARLIER = w.letter("the earlier one")


def quietly(action, *arguments):
    with open(os.devnull, "wb") as null:
        return action(*arguments, null)


class Behind(scenarios.Deliver):
    """Another delivery has appended and not synced yet: its process goes no further."""

    def act(self, world, env, log):
        calls = world.path("..", os.path.basename(world.root) + ".calls")
        try:
            with w.World(self.files) as other:
                w.deliver(other.root, self.users, EARLIER, w.environment(other.root, log=calls), log)
            with open(calls, encoding="utf-8") as file:
                at = next(line.split()[0] for line in file if line.split()[1] == "sync")
        finally:
            os.unlink(calls)
        w.deliver(world.root, self.users, EARLIER, dict(env, FAULT_AT=at, FAULT_DO="kill"), log)
        return super().act(world, env, log)

    def allowed(self, world, went):
        found = super().allowed(world, went)
        for user in self.users:
            before = self.seen[user]
            found[user] += [before + [(None, EARLIER)] + mailbox[len(before):] for mailbox in found[user]]
        return found


class Finished(runs.Run):
    """A worker is killed when it has given a notice its name. Another goes on from there."""

    call = "rename"

    def act(self, world, env, log):
        with w.World(self.files) as other, tempfile.NamedTemporaryFile("r", dir=w.PLACE) as calls:
            super().act(other, w.environment(other.root, log=calls.name), log)
            at = next(line.split()[0] for line in calls if line.split()[1] == self.call)
        super().act(world, dict(env, FAULT_AT=at, FAULT_DO="killed"), log)
        return super().act(world, env, log)


class Appended(Finished):
    """When a mailbox has its message, not synced."""

    call = "seek"


class Repair(scenarios.Scenario):
    """A mailbox with a line too much to be an entry's, as after an editor. What is not repaired yet, is repaired now."""

    name, apart = "repair", False
    command = ("mailbox", "repair", "anna")

    def __init__(self, files, seen):
        mbox, inode = files["users/anna/mbox"]
        self.broken = mbox.replace(b"\n\nFrom ", b"\n\n\0\0\0From ", 1).replace(b"\n", b"\r\n", 5)
        super().__init__(dict(files, **{"users/anna/mbox": (self.broken, inode)}), seen)

    def act(self, world, env, log):
        command = [w.letterbox.binary("pop3d"), "-d", world.root, *self.command]
        return subprocess.run(command, stdout=log, stderr=log, env=env, timeout=w.SECONDS, check=False).returncode

    def answer(self, acknowledged):
        return 0 if acknowledged else 1

    def succeeded(self, went):
        return went == 0

    def allowed(self, world, went):
        mbox = world.read("users/anna/mbox")
        if mbox is None:
            raise w.Wrong("no mailbox")
        if went == 0 and mbox == self.broken:
            raise w.Wrong("not repaired")
        kept = [world.read("users/anna/" + name) for name in os.listdir(world.path("users/anna")) if name.startswith("mbox.before-repair")]
        if mbox != self.broken and self.broken not in kept:
            raise w.Wrong("the original is not kept")
        # Who opens it next drops the second name that half a rename leaves.
        w.session(world.root, "anna", ())
        if quietly(self.act, world, None) != 0:
            raise w.Wrong("cannot be repaired")
        return {"anna": [self.seen["anna"]]}


class Resumed(scenarios.Session):
    """A session on a tree that an expunge left."""

    def __init__(self, expunge, tree, acknowledged, number):
        mbox = tree["users/anna/mbox"][2]
        super().__init__({path: (data, mbox) for path, (data, _, _) in tree.items()}, expunge.seen, expunge.name + ", resumed", (), ())
        self.gone, self.acknowledged, self.number = expunge.delete, acknowledged, number

    def allowed(self, world, went):
        before = self.seen["anna"]
        after = [m for number, m in enumerate(before, 1) if number not in self.gone]
        return {"anna": [after] if self.acknowledged else [before, after]}


def first_ever(files):
    """No users/ yet."""
    return {path: file for path, file in files.items() if not path.startswith("users")}


def no_accounts(files):
    return {path: file for path, file in files.items() if not path.startswith("accounts")}


def scenarios_of(files, seen):
    return [
        Behind(files, seen, "deliver while another does"),
        Behind(files, seen, "deliver while another does, without an index", prepare=scenarios.without_index),
        scenarios.Deliver(files, dict(seen, anna=[]), "deliver the first ever", ("dora",), prepare=first_ever),
        scenarios.Session(files, seen, "expunge the first", (), (1,)),
        scenarios.Session(files, seen, "expunge all but the last", (), (1, 2, 3)),
        Appended(files, seen, "run a delivery, killed", *runs.DELIVERY),
        Finished(files, seen, "run an expansion, killed", *runs.EXPANSION),
        Finished(files, seen, "run a failure, killed", *runs.FAILURE, **runs.REFUSED),
        Repair(files, seen),
    ]

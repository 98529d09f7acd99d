"""What may be on the disk after a power cut: a model of what POSIX promises, and of no more than that.

fsync(2) of a file makes what was written to it durable, of a directory its entries; fdatasync(2) the same without the mode. What was
not synced may be there or not, each call by itself, in any order, and in part:

    write       a first part of the bytes; or the new size with NULs where bytes are missing; whole pages and sectors of it
    rename      both names
"""

import collections
import itertools
import os
import stat

SECTOR, PAGE = 512, 4096
SMALL = 1100  # bytes: what may be cut anywhere
CUTS = 12  # of what is longer, at so many places at most of each kind
ALL = "all"  # of a call took place

State = collections.namedtuple("State", "files modes folders")  # by inode: bytes, permissions, {name: inode}


class Write:
    def __init__(self, inode, at, data):
        self.of, self.at, self.data = inode, at, data

    def apply(self, state, part):
        old = state.files[self.of].ljust(self.at, b"\0")
        how, *where = (ALL,) if part == ALL else part
        data = self.data
        if how == "cut" or how == "hole":
            data = data[:where[0]]
        elif how == "tail":
            data = old[self.at:self.at + where[0]].ljust(where[0], b"\0") + data[where[0]:]
        elif how == "blocks":
            data = self.blocks(old, *where)
        new = old[:self.at] + data + old[self.at + len(data):]
        state.files[self.of] = new.ljust(self.at + len(self.data), b"\0") if how == "hole" else new

    def blocks(self, old, size, wanted):
        """Those of its blocks of the file that are wanted: a number's bits."""
        data = bytearray(old[self.at:self.at + len(self.data)].ljust(len(self.data), b"\0"))
        for number, (start, end) in enumerate(self.spans(size)):
            if wanted >> number & 1:
                data[start:end] = self.data[start:end]
        return bytes(data)

    def spans(self, size):
        edges = [0, *range(size - self.at % size, len(self.data), size), len(self.data)]
        return list(zip(edges, edges[1:]))

    def parts(self, lot):
        """Every way in which a part of it may be there; of a long one a choice."""
        n = len(self.data)
        sectors = [start for start, _ in self.spans(SECTOR)][1:]
        pages = [start for start, _ in self.spans(PAGE)][1:]
        some = [lot.randrange(1, n) for _ in range(CUTS)] if n > 1 else []
        edges = choose(lot, sectors) + choose(lot, pages)
        anywhere = list(range(1, n)) if n <= SMALL else sorted(set(edges + some + [1, n - 1]))
        yield from (("cut", k) for k in anywhere)
        yield from (("hole", k) for k in sorted(set([0] + edges + some)))
        yield from (("tail", k) for k in sorted(set(edges + some)))
        for size in (SECTOR, PAGE):
            count = len(self.spans(size))
            if count > 2:
                yield from (("blocks", size, lot.getrandbits(count)) for _ in range(CUTS))


def choose(lot, places):
    return places if len(places) <= CUTS else sorted(lot.sample(places, CUTS))


class Truncate:
    def __init__(self, inode, size):
        self.of, self.size = inode, size

    def apply(self, state, _):
        state.files[self.of] = state.files[self.of][:self.size].ljust(self.size, b"\0")

    def parts(self, _):
        return iter(())


class Mode:
    def __init__(self, inode, mode):
        self.of, self.mode = inode, mode

    def apply(self, state, _):
        state.modes[self.of] = self.mode

    def parts(self, _):
        return iter(())


class Entries:
    """sets: name -> inode, or None where it is no more. The last is the old name of a rename."""

    def __init__(self, folder, sets):
        self.of, self.sets = folder, sets

    def apply(self, state, part):
        sets = list(self.sets.items())
        folder = dict(state.folders[self.of])
        for name, inode in sets[:1] if part == "both" else sets:
            folder[name] = inode
            if inode is None:
                del folder[name]
        state.folders[self.of] = folder

    def parts(self, _):
        return iter(("both",) if len(self.sets) > 1 else ())


class Sync:
    def __init__(self, inode, data_only):
        self.of, self.data_only = inode, data_only

    def makes_durable(self, call):
        return call.of == self.of and not (self.data_only and isinstance(call, Mode))


class Said:
    of = None

    def __init__(self, text):
        self.text = text


class Start:
    of = None


class Trace:
    """What a world was and what happened to it, as the shim recorded it. `began` numbers the call with which the last program started."""

    def __init__(self, root, fresh=None, unsynced=None):
        """Before it. fresh: a file that is there, but neither durable, nor is the folder it is in. unsynced: (file, bytes at its end)."""
        self.root = os.stat(root).st_ino
        self.base = State({}, {}, {})
        self.calls, self.began = [], 0
        for folder, names, entries in os.walk(root):
            inode = os.stat(folder).st_ino
            self.base.folders[inode] = {name: os.stat(os.path.join(folder, name)).st_ino for name in names + entries}
            for name in entries:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    self.add_file(os.stat(path), file.read())
        self.now = copy(self.base)
        if fresh is not None:
            self.take_back(root, fresh)
        if unsynced is not None:
            inode, size = os.stat(os.path.join(root, unsynced[0])).st_ino, unsynced[1]
            data = self.base.files[inode]
            self.calls.append(Write(inode, len(data) - size, data[-size:]))
            self.base.files[inode] = data[:-size]

    def add_file(self, st, data):
        self.base.files[st.st_ino] = data
        self.base.modes[st.st_ino] = stat.S_IMODE(st.st_mode)

    def take_back(self, root, fresh):
        """The folder and its one file are entries that are pending."""
        folder, name = os.path.split(fresh)
        parent, folder_name = os.path.split(os.path.join(root, folder))
        inode, above = os.stat(os.path.join(root, folder)).st_ino, os.stat(parent).st_ino
        self.calls += [Entries(above, {folder_name: inode}), Entries(inode, {name: self.base.folders[inode][name]})]
        self.base.folders[above] = {other: number for other, number in self.base.folders[above].items() if other != folder_name}
        self.base.folders[inode] = {}

    def read(self, path, root):
        """Add what was recorded."""
        with open(path, "rb") as file:
            for line in file:
                word, *rest = line.decode().split()
                if word == "start":
                    self.began = len(self.calls)
                    call = Start()
                elif word == "said":
                    call = Said(file.read(int(rest[0])))
                elif word == "write":
                    call = Write(int(rest[0]), int(rest[1]), file.read(int(rest[2])))
                elif word in ("sync", "datasync"):
                    call = Sync(int(rest[0]), word == "datasync")
                elif word in ("truncate", "mode"):
                    call = {"truncate": Truncate, "mode": Mode}[word](int(rest[0]), int(rest[1]))
                else:
                    call = self.entries(word, root, *rest)
                if call is not None:
                    self.calls.append(call)
                if hasattr(call, "apply"):
                    call.apply(self.now, ALL)

    def entries(self, word, root, inode, mode, path, source=None):
        folder, name = os.path.split(os.path.relpath(path, root))
        inode = int(inode)
        above = self.root
        for part in folder.split("/") if folder else ():
            above = self.now.folders[above][part]
        if word == "create" and self.now.folders[above].get(name) == inode:
            return None
        for state in (self.base, self.now):
            if word == "create":
                state.files[inode], state.modes[inode] = b"", int(mode, 8)
            elif word == "mkdir":
                state.folders[inode] = {}
        if word == "unlink":
            return Entries(above, {name: None})
        # Whatever is renamed stays in its folder.
        return Entries(above, {name: inode, os.path.basename(source): None} if word == "rename" else {name: inode})

    def instants(self):
        """(calls so far, durable ones, pending ones) where most is pending: before each sync, and at the end."""
        durable, pending = [], []
        for number, call in enumerate(self.calls):
            if isinstance(call, Sync):
                if number >= self.began:
                    yield number, list(durable), list(pending)
                durable += [c for c in pending if call.makes_durable(c)]
                pending = [c for c in pending if not call.makes_durable(c)]
            elif hasattr(call, "apply"):
                pending.append(call)
        yield len(self.calls), durable, pending

    def tree(self, durable, pending, parts):
        """path -> (bytes or None for a folder, mode). parts: for each pending call None, ALL or a part."""
        state = copy(self.base)
        for call in durable:
            call.apply(state, ALL)
        for call, part in zip(pending, parts):
            if part is not None:
                call.apply(state, part)
        return walk(state, self.root)


def copy(state):
    return State(dict(state.files), dict(state.modes), dict(state.folders))


def walk(state, root, prefix=""):
    found = {}
    for name, inode in state.folders[root].items():
        path = prefix + name
        if inode in state.folders:
            found[path] = (None, None, inode)
            found.update(walk(state, inode, path + "/"))
        else:
            found[path] = (state.files[inode], state.modes[inode], inode)
    return found


def choices(pending, lot, most, exhaustive):
    """What became of each pending call, for so many states or somewhat more: None, ALL or a part of it.

    All subsets of up to `exhaustive` calls; all pairs of one that is dropped and one of which there is a part; the rest by lot.
    """
    n = len(pending)
    parts = [list(call.parts(lot)) for call in pending]
    if n <= exhaustive:
        yield from itertools.product((ALL, None), repeat=n)
    else:
        yield from ([ALL] * i + [None] * (n - i) for i in range(n + 1))
    for i in range(n):
        for part in parts[i]:
            others = [[ALL] * n, [None] * n, [ALL] * i + [None] * (n - i)] + [[ALL] * j + [None] + [ALL] * (n - j - 1) for j in range(n) if j != i]
            for chosen in others:
                chosen[i] = part
                yield chosen
    for _ in range(most):
        yield [lot.choice([ALL, None] + [lot.choice(p) for p in [parts[i]] if p]) for i in range(n)]

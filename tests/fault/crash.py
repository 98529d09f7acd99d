"""What a power cut may leave: per file what was synced last, or what was written since, or a part of that; per folder the same.

The shim has recorded what was synced. All mixes of those are legal, for no order holds between what is not synced.
"""

import itertools
import os
import random

MOST = 24  # states of one instant


class Disk:
    """What is durable before the program runs: by inode."""

    def __init__(self, root, fresh=None):
        """fresh: a file that is there, but not durable yet, nor is the folder it is in."""
        self.root = root
        self.files, self.folders = {}, {}
        for folder, names, entries in os.walk(root):
            self.folders[os.stat(folder).st_ino] = {name: os.stat(os.path.join(folder, name)).st_ino for name in names + entries}
            for name in entries:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    self.files[os.stat(path).st_ino] = file.read()
        if fresh is not None:
            parent, name = os.path.split(os.path.dirname(os.path.join(root, fresh)))
            del self.folders[os.stat(parent).st_ino][name]
            self.folders[os.stat(os.path.join(parent, name)).st_ino] = {}

    def synced(self, shadow):
        """What is durable now: files and folders by inode."""
        files, folders = dict(self.files), dict(self.folders)
        for name in os.listdir(shadow):
            with open(os.path.join(shadow, name), "rb") as file:
                data = file.read()
            if name[0] == "f":
                files[int(name[1:])] = data
            else:
                folders[int(name[1:])] = {entry: int(inode) for inode, entry in (line.split(" ", 1) for line in data.decode().splitlines())}
        return files, folders


def torn(old, new):
    """The first half of what differs is new, the rest as before: a file is not longer than what was written of it (journals order it so)."""
    first = next((i for i, (a, b) in enumerate(zip(old, new)) if a != b), min(len(old), len(new)))
    middle = first + max(len(new) - first, 0) // 2
    return new[:middle] + old[middle:]


def tree(folders, root, files, prefix=""):
    """path -> inode of the files, None of the folders."""
    found = {}
    for name, inode in folders.get(root, {}).items():
        path = prefix + name
        if inode in folders:
            found[path] = None
            found.update(tree(folders, inode, files, path + "/"))
        else:
            found[path] = inode
    return found


def states(disk, shadow):
    """Every mailroot that may be there after a power cut now, as World takes it; at most MOST, drawn by lot."""
    now = Disk(disk.root)
    files, folders = disk.synced(shadow)
    root = os.stat(disk.root).st_ino
    shapes = [tree(now.folders, root, now.files)]
    # A folder of which only the entry is there is an empty one.
    old = {inode: folders.get(inode, {}) for inode in set(now.folders) | set(folders)}
    shapes += [tree(old, root, files)] if tree(old, root, files) != shapes[0] else []
    found = []
    for shape in shapes:
        inodes = sorted({inode for inode in shape.values() if inode is not None})
        versions = [list(dict.fromkeys(choices(files.get(inode), now.files.get(inode)))) for inode in inodes]
        for chosen in itertools.islice(itertools.product(*versions), 1000):
            content = dict(zip(inodes, chosen))
            found.append({path: (None, None) if inode is None else (content[inode], beside(shape, path)) for path, inode in shape.items()})
    if len(found) > MOST:
        found = random.Random(len(found)).sample(found, MOST)
    return found


def choices(old, new):
    if old is None:
        old = b""
    if new is None or new == old:
        return [old]
    return [old, new] + ([torn(old, new)] if len(new) > 64 else [])


def beside(shape, path):
    """The inode of the mbox in the same folder."""
    return shape.get(os.path.join(os.path.dirname(path), "mbox"))

"""Disks that tests may break: ext4 in files that live in memory, loop-mounted in namespaces of our own.

Whatever becomes of the test, be it killed: with its first process the kernel ends all others, and takes the mounts, the loop devices and
the memory away.
"""

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import struct
import subprocess
import sys

INSIDE = "LETTERBOX_POWER"
PLACE = "/dev/shm"
MOUNTED = os.path.join(PLACE, "mounted")
EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
F_ADD_SEALS, F_SEAL_WRITE = 1033, 8
SYNC_FILE_RANGE_WRITE = 2
PR_SET_PDEATHSIG = 1
# No block but those of data is new when a file of 50 KB grows: of the file system itself nothing is lost when they are.
LYING = {"size": 64, "features": "^has_journal,^extent,^64bit"}
libc = ctypes.CDLL(None)


def system(*command, **more):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **more)


def enter():
    """Run this program in namespaces of its own: there it goes on, over an empty PLACE. Returns why it cannot be, or None."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if INSIDE in os.environ:
        return None
    if os.geteuid() != 0:
        return "not root"
    for program in ("unshare", "mount", "mkfs.ext4"):
        if shutil.which(program) is None:
            return program + " is not installed"
    alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    probe = "mount -t tmpfs letterbox {0} && truncate -s 8M {0}/probe && mkfs.ext4 -q {0}/probe && mkdir {1} && mount -o loop {0}/probe {1}"
    tried = subprocess.run([*alone, "sh", "-c", probe.format(PLACE, MOUNTED)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, check=False)
    if tried.returncode != 0:
        return "no loop-mounted ext4: " + tried.stderr.decode("utf-8", "replace").strip()
    # unshare(1) does not heed SIGTERM.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with subprocess.Popen([*alone, sys.executable, *sys.argv], env=dict(os.environ, **{INSIDE: "1"}), preexec_fn=die_with_parent) as inside:
        try:
            sys.exit(inside.wait())
        finally:
            inside.kill()


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Disk:
    """An ext4 of so many MB, mounted at MOUNTED; room: MB that the file may take of memory."""

    def __init__(self, size, room, features="has_journal"):
        system("mount", "-t", "tmpfs", "-o", "size=%dM,mode=700" % room, "letterbox", PLACE)
        os.mkdir(MOUNTED)
        self.image = os.path.join(PLACE, "image")
        with open(self.image, "wb") as file:
            file.truncate(size << 20)
        system("mkfs.ext4", "-q", "-F", "-b", "4096", "-O", features, "-E", "nodiscard,lazy_itable_init=0", self.image)
        self.mount()

    def mount(self):
        system("mount", "-o", "loop", self.image, MOUNTED)

    def unmount(self):
        system("umount", MOUNTED)

    def sync(self):
        """All that is in memory is written."""
        system("sync", "-f", MOUNTED)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(subprocess.CalledProcessError):
            self.unmount()
        system("umount", "-l", PLACE)

    def path(self, *parts):
        return os.path.join(MOUNTED, *parts)


class FullDisk(Disk):
    """Finds no memory for what is written, once it fails."""

    limit = usual = None

    def __init__(self):
        super().__init__(room=16, **LYING)

    def mount(self):
        """In pieces of a page: of a larger one some could be written, and the loop device takes that for all of it."""
        super().mount()
        device = os.stat(MOUNTED).st_dev
        self.limit = "/sys/dev/block/%d:%d/queue/max_sectors_kb" % (os.major(device), os.minor(device))
        with open(self.limit, "r+", encoding="ascii") as file:
            self.usual = file.read()
            file.write("4")

    def unmount(self):
        with open(self.limit, "w", encoding="ascii") as file:
            file.write(self.usual)
        super().unmount()

    def fail(self):
        with open(os.path.join(PLACE, "fill"), "wb", 0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    def make_room(self):
        os.unlink(os.path.join(PLACE, "fill"))

    def heal(self):
        """What is in memory alone is gone."""
        self.unmount()
        with contextlib.suppress(FileNotFoundError):
            self.make_room()
        self.mount()


class BrokenDisk(Disk):
    """Cannot be written any more, once it fails. What can be read is copied to a new one."""

    def __init__(self):
        self.memory = os.memfd_create("disk", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        super().__init__(room=100, **LYING)

    def mount(self):
        with open(self.image, "rb") as file:
            os.sendfile(self.memory, file.fileno(), 0, 64 << 20)
        system("mount", "-o", "loop", "/proc/self/fd/%d" % self.memory, MOUNTED, pass_fds=[self.memory])

    def fail(self):
        fcntl.fcntl(self.memory, F_ADD_SEALS, F_SEAL_WRITE)

    def heal(self):
        self.unmount()
        with open(self.image, "wb") as file:
            os.sendfile(file.fileno(), self.memory, 0, 64 << 20)
        os.close(self.memory)
        self.memory = os.memfd_create("disk", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self.mount()

    def __exit__(self, *_):
        super().__exit__()
        os.close(self.memory)


class Power:
    """What cuts it. Opened beforehand, for speed."""

    def __init__(self):
        self.fd = os.open(MOUNTED, os.O_RDONLY)

    def cut(self):
        """From now on nothing reaches the disk, not even what the journal holds in memory."""
        fcntl.ioctl(self.fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))

    def close(self):
        os.close(self.fd)


def write_back(path, offset, size):
    """What the kernel may do at any time: write a part of a file, and no more than that. Journal and size wait."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return
    libc.sync_file_range(fd, ctypes.c_int64(offset), ctypes.c_int64(size), SYNC_FILE_RANGE_WRITE)
    os.close(fd)

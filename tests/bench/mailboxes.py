"""Mailboxes to measure with: the same messages as an mbox of other programs, as an mbox of ours, and as RETR sends them."""

import os
import zlib

LINE = b"The quick brown fox jumps over the lazy dog, and the dog does not mind at all\n"
FROM = b"From carl@example.net Thu Jan  1 12:00:00 2026\n"


def message(number, size):
    """About `size` bytes, LF line ends; no line wants quoting or stuffing."""
    head = (b"From: Carl <carl@example.net>\nTo: Anna <anna@localhost>\nSubject: number %d\nDate: Thu, 1 Jan 2026 12:00:00 +0000\n"
            b"Message-ID: <%d@example.net>\n\n" % (number, number))
    return head + LINE * max(1, (size - len(head)) // len(LINE))


def as_foreign(number, content):
    return b"%s%s\n" % (FROM, content)


def as_ours(number, content):
    """With the entry line: its length counts itself."""
    content = b"Return-Path: <carl@example.net>\nDelivered-To: anna@localhost\n" + content
    wire = len(content) + content.count(b"\n")
    around = len(FROM) + len(content) + 1
    stored = around
    while True:
        begin = b"X-UIDL: bench%012d %d %d " % (number, stored, wire)
        if around + len(begin) + 9 == stored:
            break
        stored = around + len(begin) + 9
    total = zlib.adler32(content + b"\n", zlib.adler32(FROM + begin))
    return b"%s%s%08x\n%s\n" % (FROM, begin, total, content)


def as_wire(number, content):
    return content.replace(b"\n", b"\r\n") + b".\r\n"


def write(path, form, count, size):
    with open(path, "wb", 1 << 20) as file:
        for number in range(1, count + 1):
            file.write(form(number, message(number, size)))
    settle(path)


def settle(path):
    """On the disk: nobody's fsync has to wait for it."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())

"""Name servers on loopback: dnsmasq, which tells the truth, and one that says whatever a test wants."""

import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

A, NS, CNAME, MX, AAAA = 1, 2, 5, 15, 28
NXDOMAIN, SERVFAIL = 3, 2


def free_port(host="127.0.0.1"):
    """A port that is free for TCP and UDP: sockets of both, bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        tcp, udp = socket.socket(family, socket.SOCK_STREAM), socket.socket(family, socket.SOCK_DGRAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.bind((host, 0))
        try:
            udp.bind((host, tcp.getsockname()[1]))
            return tcp, udp
        except OSError:
            tcp.close()
            udp.close()


class Dnsmasq:
    """A context manager. records: dnsmasq's own options. What is below `example` and not there is NXDOMAIN; the rest it refuses."""

    def __init__(self, records, host="127.0.0.1"):
        tcp, udp = free_port(host)
        port = tcp.getsockname()[1]
        tcp.close()
        udp.close()
        self.folder = tempfile.mkdtemp(prefix="dnsmasq-")
        self.log = open(os.path.join(self.folder, "log"), "wb")
        self.process = subprocess.Popen(
            ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file", "--user=", "--group=",
             "--port=%d" % port, "--listen-address=" + host, "--bind-interfaces", "--log-facility=-", "--local=/example/"] + list(records),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin"))
        self.address = ("[%s]:%d" if ":" in host else "%s:%d") % (host, port)
        end = time.monotonic() + 10
        while True:
            try:
                socket.create_connection((host, port), 1).close()
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.__exit__()
                    raise
                time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def record(kind, data, owner=b"\xc0\x0c"):
    return owner + struct.pack(">2HIH", kind, 1, 60, len(data)) + data


def mx(preference, host):
    return record(MX, struct.pack(">H", preference) + (host if isinstance(host, bytes) else name(host)))


def response(query, records=(), flags=0x8180, identifier=None, question=None, count=None):
    """What answers a query, or says that it does."""
    head = query[:2] if identifier is None else identifier
    return head + struct.pack(">5H", flags, 1, len(records) if count is None else count, 0, 0) + (
        question or query[12:query.index(b"\0", 12) + 5]) + b"".join(records)


class Liar:
    """A context manager. answer(query, tcp) gives the bytes to send, a list of them, or None for silence."""

    def __init__(self, answer):
        self.answer = answer
        self.tcp, self.udp = free_port()
        self.tcp.listen(8)
        self.address = "127.0.0.1:%d" % self.tcp.getsockname()[1]
        self.asked, self.held, self.over = [], [], False
        self.threads = [threading.Thread(target=target, daemon=True) for target in (self._serve_udp, self._serve_tcp)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.udp.sendto(b"", self.udp.getsockname())
        self.tcp.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(10)
        for each in self.held + [self.tcp, self.udp]:
            each.close()

    def _answers(self, query, tcp):
        self.asked.append((query, tcp))
        answers = self.answer(query, tcp)
        return [] if answers is None else answers if isinstance(answers, list) else [answers]

    def _serve_udp(self):
        while True:
            query, peer = self.udp.recvfrom(65536)
            if self.over:
                return
            for answer in self._answers(query, False):
                self.udp.sendto(answer, peer)

    def _serve_tcp(self):
        while True:
            try:
                peer, _ = self.tcp.accept()
            except OSError:
                return
            self.held.append(peer)
            size = struct.unpack(">H", peer.recv(2, socket.MSG_WAITALL))[0]
            answers = self._answers(peer.recv(size, socket.MSG_WAITALL), True)
            for answer in answers:
                peer.sendall(struct.pack(">H", len(answer)) + answer)
            if answers:
                peer.close()

"""Peers that do not wait for one another: SMTP and POP3 over asyncio, commands in batches."""

import asyncio

MOST = 64 << 20


class Refused(Exception):
    """An answer that was not hoped for."""


class Peer:
    def __init__(self, port):
        self.port = port
        self.reader = self.writer = None

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=MOST)
        return self

    async def __aexit__(self, *_):
        self.writer.close()

    async def line(self):
        return (await self.reader.readuntil(b"\r\n")).decode("latin-1")


class Smtp(Peer):
    async def __aenter__(self):
        await super().__aenter__()
        await self.expect("220")
        await self.ask("250", "EHLO client")
        return self

    async def expect(self, code):
        line = await self.line()
        while line[3:4] == "-":
            line = await self.line()
        if not line.startswith(code):
            raise Refused(line)

    async def ask(self, code, *commands):
        """All at once; each must have this answer."""
        self.writer.write("".join(command + "\r\n" for command in commands).encode())
        for _ in commands:
            await self.expect(code)

    async def send(self, users, content):
        """Returns when its 250 has come."""
        await self.ask("250", "MAIL FROM:<carl@example.net>", *("RCPT TO:<%s@localhost>" % user for user in users))
        await self.ask("354", "DATA")
        self.writer.write(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        await self.expect("250")

    async def quit(self):
        await self.ask("221", "QUIT")


class Pop3(Peer):
    def __init__(self, port, user, password):
        super().__init__(port)
        self.user, self.password = user, password

    async def __aenter__(self):
        await super().__aenter__()
        await self.answer()
        await self.ask("USER " + self.user, "PASS " + self.password)
        return self

    async def answer(self):
        line = await self.line()
        if not line.startswith("+OK"):
            raise Refused("%s: %s" % (self.user, line))

    async def ask(self, *commands):
        self.writer.write("".join(command + "\r\n" for command in commands).encode())
        for _ in commands:
            await self.answer()

    async def uidls(self):
        """By number, from 1."""
        await self.ask("UIDL")
        found, line = {}, await self.line()
        while line != ".\r\n":
            number, uidl = line.split()
            found[int(number)] = uidl
            line = await self.line()
        return found

    async def retr(self, number):
        await self.ask("RETR %d" % number)
        return (await self.reader.readuntil(b"\r\n.\r\n"))[:-3].replace(b"\r\n..", b"\r\n.")

    async def quit(self):
        await self.ask("QUIT")

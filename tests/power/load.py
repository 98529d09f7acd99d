"""All that may go on while the power is cut: senders, first mail, sessions that delete, accounts that change."""

import asyncio
import itertools
import os
import random

from ledger import DELETING, GONE, SENT, STORED, letter, name_of
import disk
import letterbox
import mail
from peers import Pop3, Refused, Smtp

SENDERS = 50
PASSWORD = "secret"
SECONDS = (0.2, 1.2)
# After which event the power is cut, how often, and within how many seconds.
MOMENTS = [(None, 3, 1.0), ("expunge of much", 4, 0.08), ("expunge", 2, 0.01), ("burial", 2, 0.03), ("first delivery", 2, 0.01),
           ("delivery", 1, 0.005), ("account", 2, 0.03), ("queueing", 3, 0.01)]
BIG, HUGE = 12 << 20, 44 << 20  # octets; in a huge mailbox messages are marked, not cut out


class Load:
    """One round. boxes: of old users, big ones, and new ones who have had no mail yet."""

    def __init__(self, root, server, boxes, accounts, number):
        self.root, self.smtp, self.pop3 = root, server[0], server[1]
        self.boxes, self.accounts, self.number = boxes, accounts, number
        self.old = [box for name, box in boxes.items() if name.startswith("user")]
        self.big = [box for name, box in boxes.items() if name.startswith("big")]
        self.huge = [box for name, box in boxes.items() if name.startswith("huge")]
        self.new = [box for name, box in boxes.items() if name.startswith("new")]
        self.power = disk.Power()
        self.serial = itertools.count()
        self.moment, _, self.within = random.choices(MOMENTS, [often for _, often, _ in MOMENTS])[0]
        self.over = False
        self.done = None
        self.wrong = []
        self.queued = set()  # names
        self.acknowledged = self.deleted = self.changed = 0

    def cut(self):
        """Nothing that is heard from now on counts."""
        if not self.over:
            self.power.cut()
            self.over = True
            self.done.set()

    def at(self, moment):
        """That is about to happen."""
        if self.moment == moment:
            self.moment = None
            asyncio.get_running_loop().call_later(random.uniform(0, self.within), self.cut)

    async def send(self, smtp, boxes, size, moment="delivery"):
        name = "%d-%d" % (self.number, next(self.serial))
        content = letter(name, size)
        for box in boxes:
            box.sent(name, size)
        self.at(moment)
        await smtp.send([box.user for box in boxes], content)
        if not self.over:
            self.acknowledged += len(boxes)
            for box in boxes:
                box.stored(name)

    async def sender(self):
        """To one or three of the old users; one in thirty too large for memory."""
        while not self.over:
            async with Smtp(self.smtp) as smtp:
                for _ in range(random.randint(1, 8)):
                    boxes = random.sample(self.old, random.choice([1, 1, 1, 3]))
                    await self.send(smtp, boxes, random.choice([300, 2000, 5000, 5000, 20000]) if random.random() < 0.97 else 320000)
                await smtp.quit()

    async def first_deliveries(self):
        """To users who have no mailbox yet, now to one, now to three at once."""
        left = list(self.new)
        while left and not self.over:
            count = random.choice([1, 3])
            async with Smtp(self.smtp) as smtp:
                await self.send(smtp, left[:count], random.choice([300, 5000]), "first delivery")
                await self.send(smtp, left[:1], 5000)
            left = left[count:]
            await asyncio.sleep(random.uniform(0, 0.1))

    async def elsewhere(self):
        """What an alias sends on to a host that is dead: it waits in the queue, and the runner writes there that it tried."""
        while not self.over:
            async with Smtp(self.smtp) as smtp:
                for _ in range(random.randint(1, 8)):
                    name = "%d-%d" % (self.number, next(self.serial))
                    self.at("queueing")
                    await smtp.send(["far"], letter(name, random.choice([300, 5000, 320000])))
                    if not self.over:
                        self.queued.add(name)
                await smtp.quit()

    async def fill(self, box, octets):
        """Keep a big mailbox big."""
        while not self.over:
            async with Smtp(self.smtp) as smtp:
                while box.octets() < octets:
                    await self.send(smtp, [box], random.randint(100000, 700000))
                await smtp.quit()
            await asyncio.sleep(random.uniform(0, 0.05))

    async def learn(self, session, box):
        """Which messages there are, by number. Those not seen before are fetched."""
        found = await session.uidls()
        names = {}
        for number, uidl in found.items():
            if uidl not in box.names:
                content = await session.retr(number)
                if self.over:
                    return {}
                box.seen(name_of(mail.below_trace(content)), uidl)
            names[number] = box.names[uidl]
        if len(set(names.values())) < len(names) or any(box.state[name] == GONE for name in names.values()):
            raise Refused("%s: doubled or back: %s" % (box.user, names))
        return names

    async def delete(self, box, moment, most, fewest):
        """A session that deletes a few, all, or so many that there are not more than `most`; but leaves `fewest`."""
        async with Pop3(self.pop3, box.user, PASSWORD) as session:
            names = await self.learn(session, box)
            count = random.choice([0, 1, 1, 2, 5, len(names) if random.random() < 0.2 else 1])
            count = max(min(max(count, len(names) - most), len(names) - fewest), 0)
            early = list(names)[:max(count, len(names) // 2)]
            gone = random.sample(early if random.random() < 0.7 else list(names), count)
            await session.ask(*("DELE %d" % number for number in gone))
            if self.over:
                return
            if gone:
                self.at(moment)
            for number in gone:
                box.state[names[number]] = DELETING
            await session.quit()
            if not self.over:
                self.deleted += len(gone)
                for number in gone:
                    box.state[names[number]] = GONE

    async def deleter(self, box, moment, most, fewest=0):
        while not self.over:
            if not box.busy:
                box.busy = True
                await self.delete(box, moment, most, fewest)
                box.busy = False
            await asyncio.sleep(random.uniform(0, 0.02))

    async def logins(self):
        """Sessions that only look: they rebuild indexes."""
        while not self.over:
            box = random.choice(self.old + self.big + self.huge + self.new)
            if not box.busy:
                box.busy = True
                async with Pop3(self.pop3, box.user, PASSWORD) as session:
                    await self.learn(session, box)
                    await session.quit()
                box.busy = False
            await asyncio.sleep(random.uniform(0, 0.02))

    async def change(self, *arguments, password=""):
        """pop3d user …; 0 is what acknowledges it."""
        command = [letterbox.binary("pop3d"), "-d", self.root.path, "user", *arguments]
        await asyncio.to_thread(letterbox.run, command, stdin=password.encode() + b"\n")

    async def change_accounts(self):
        """accounts: name -> the passwords that may be right, None for no account."""
        while not self.over:
            name = "acct%d" % random.randrange(8)
            (now,) = self.accounts.get(name, {None})
            then = None if now is not None and random.random() < 0.3 else "p%d-%d" % (self.number, next(self.serial))
            self.accounts[name] = {now, then}
            self.at("account")
            if then is None:
                await self.change("remove", name)
            else:
                await self.change("passwd" if now is not None else "add", name, password=then)
            if not self.over:
                self.changed += 1
                self.accounts[name] = {then}

    async def write_back(self):
        """The kernel writes what it likes when it likes."""
        while not self.over:
            folder = self.root.file("users", random.choice(list(self.boxes)))
            path = os.path.join(folder, random.choice(["mbox", "mbox.index", "mbox.lock", "mbox.redo", "mbox.redo.new", "mbox.index.new"]))
            disk.write_back(path, random.choice([0, 4096 * random.randrange(1000)]), random.choice([0, 4096, 65536]))
            await asyncio.sleep(random.uniform(0, 0.01))

    async def guard(self, work):
        """What goes wrong before the cut is a failure."""
        try:
            await work
        except (OSError, EOFError, Refused, letterbox.Failure) as error:
            if not self.over:
                self.wrong.append(error)
                self.done.set()

    async def run(self):
        self.done = asyncio.Event()
        works = [self.sender() for _ in range(SENDERS)] + [self.deleter(box, "expunge", 40) for box in self.old]
        works += [self.deleter(box, "expunge of much", 60) for box in self.big] + [self.fill(box, BIG) for box in self.big]
        works += [self.deleter(box, "burial", 200, 60) for box in self.huge] + [self.fill(box, HUGE) for box in self.huge]
        works += [self.elsewhere(), self.elsewhere(), self.first_deliveries(), self.logins(), self.logins(), self.change_accounts(), self.write_back()]
        tasks = [asyncio.create_task(self.guard(work)) for work in works]
        moment, self.moment = self.moment, None
        try:
            await asyncio.wait_for(self.done.wait(), random.uniform(*SECONDS))
        except asyncio.TimeoutError:
            self.moment = moment
            if moment is None:
                self.cut()
        try:
            await asyncio.wait_for(self.done.wait(), 10)
        except asyncio.TimeoutError:
            self.cut()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.wrong:
            raise self.wrong[0]

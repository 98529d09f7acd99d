"""Both daemons over a mail root that outlives them."""

import contextlib
import os
import signal

import letterbox
from letterbox import Daemon, Failure
import mail


class Root(letterbox.MailRoot):
    """On the disk, and stays there."""

    def __init__(self, folder):  # pylint: disable=super-init-not-called
        self.path = folder
        if not os.path.exists(folder):
            os.makedirs(self.file("users"), 0o700)


class Server:
    """Both daemons, each in a process group of its own: without power all of a group ends at once."""

    def __init__(self, root):
        self.daemons = []
        try:
            for program in ("smtpd", "pop3d"):
                self.daemons.append(Daemon(program, root, wrapper=["setsid"], options=["hostname=localhost"]))
        except BaseException:
            self.kill()
            raise
        self.smtp, self.pop3 = (daemon.port for daemon in self.daemons)

    def kill(self):
        """We are the first process here: who loses his parent is our child."""
        for daemon in self.daemons:
            group = daemon.process.pid
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
            daemon.process.wait()
            with contextlib.suppress(ChildProcessError):
                while True:
                    os.waitpid(-group, 0)
            daemon.kill()

    def stop(self):
        for daemon in self.daemons:
            daemon.stop()

    def log(self, word):
        lines = [line for daemon in self.daemons for line in daemon.log().splitlines() if word in line]
        return "\n".join(lines[-20:])

    def fetch(self, user, password):
        """([(uidl, content)], sessions that failed). An index that speaks of what the power cut took may refuse one message, once."""
        for attempt in (0, 1):
            with mail.Pop3(self.pop3, user, password) as session:
                try:
                    return [(line.split()[1], session.retr(n)) for n, line in enumerate(session.lines("UIDL"), 1)], attempt
                except Failure as failure:
                    if "[SYS/TEMP]" not in str(failure) or attempt == 1:
                        raise

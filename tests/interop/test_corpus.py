#!/usr/bin/env python3
"""Real messages of every shape, each sent, listed, shown and fetched: byte for byte the same below the trace header."""

import glob
import mailbox
import os
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import letterbox  # noqa: E402
import mail  # noqa: E402

# Of ASCII and C1, and what turns the direction of text; but line ends and tabs.
CONTROL = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]")
FILES = sorted(glob.glob(os.path.join(letterbox.CORPUS, "*.eml")))


@unittest.skipUnless(FILES, "no corpus at " + letterbox.CORPUS)
class Corpus(unittest.TestCase):
    def test_every_message_comes_back(self):
        with tempfile.TemporaryDirectory(prefix="letterbox-") as folder, mail.MailServer() as server:
            sent = []
            for path in FILES:
                with open(path, "rb") as file:
                    message = re.sub(rb"\r?\n", b"\r\n", file.read())
                sent.append(message if message.endswith(b"\r\n") else message + b"\r\n")
                copy = os.path.join(folder, "message")
                with open(copy, "wb") as file:
                    file.write(sent[-1])
                mail.curl_send(server, copy)
            environment = dict(os.environ, MAIL_PASSWORD=mail.PASSWORDS["anna"], HOME=folder)
            pop3c = [letterbox.binary("pop3c"), "-S", server.pop3, "-u", "anna"]
            for number, message in enumerate(sent, 1):
                with self.subTest(os.path.basename(FILES[number - 1])):
                    self.assertEqual(mail.below_trace(mail.curl_fetch(server, number)), message)
                    raw, _ = letterbox.run(pop3c + ["raw", str(number)], env=environment)
                    self.assertEqual(mail.below_trace(raw), message)
                    shown, _ = letterbox.run(pop3c + ["read", str(number)], env=environment)
                    self.assertIsNone(CONTROL.search(shown.decode()), shown)
            lines, _ = letterbox.run(pop3c + ["list"], env=environment)
            for number, line in enumerate(lines.decode().splitlines(), 1):
                self.assertRegex(line, r"^ *%d  +[0-9]+  \S+(?: \S+)*  +[0-9-]{10} [0-9:-]{5}  \S+(?: \S+)*$" % number)
            letterbox.run(pop3c + ["fetch", "box"], env=environment, cwd=folder)
            box = mailbox.mbox(os.path.join(folder, "box"), create=False)
            for number, message in enumerate(sent):
                below = mail.below_trace(box.get_bytes(number), b"\n")
                self.assertEqual(re.sub(rb"(?m)^>(>*From )", rb"\1", below), message.replace(b"\r\n", b"\n"))
            box.close()
            with server.login() as session:
                self.assertEqual(session.stat()[0], 0)


if __name__ == "__main__":
    unittest.main()

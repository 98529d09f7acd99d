#!/usr/bin/env python3
"""Real messages of every shape, each sent and fetched: byte for byte the same below the trace header."""

import glob
import os
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import letterbox  # noqa: E402
import mail  # noqa: E402

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
            environment = dict(os.environ, MAIL_PASSWORD=mail.PASSWORDS["anna"])
            for number, message in enumerate(sent, 1):
                with self.subTest(os.path.basename(FILES[number - 1])):
                    self.assertEqual(mail.below_trace(mail.curl_fetch(server, number)), message)
                    raw, _ = letterbox.run([letterbox.binary("pop3c"), "-S", server.pop3, "-u", "anna", "raw", str(number)],
                                           env=environment)
                    self.assertEqual(mail.below_trace(raw), message)
            with server.login() as session:
                self.assertEqual(session.stat()[0], len(sent))


if __name__ == "__main__":
    unittest.main()

"""The server's side of SCRAM-SHA-256 (RFC 5802), as the fake servers have it."""

import base64
import hashlib
import hmac


class Scram:
    """kind: "yes"; "lie": it does not know the password; "silent": it does not say that it does."""

    def __init__(self, password, kind):
        self.password, self.kind = password.encode(), kind
        self.bare = self.first = ""

    def challenge(self, message):
        """server-first-message to client-first-message."""
        self.bare = message.split(",", 2)[2]
        nonce = dict(part.split("=", 1) for part in self.bare.split(","))["r"] + "fake"
        self.first = "r=%s,s=%s,i=%d" % (nonce, base64.b64encode(b"0123456789abcdef").decode(), 4096)
        return self.first.encode()

    def final(self, message):
        """server-final-message to client-final-message; None where the password is wrong, empty where nothing is to be said."""
        without, proof = message.rsplit(",p=", 1)
        salted = hashlib.pbkdf2_hmac("sha256", self.password, b"0123456789abcdef", 4096)
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        transcript = ",".join((self.bare, self.first, without)).encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), transcript, "sha256")
        if bytes(a ^ b for a, b in zip(client_key, signature)) != base64.b64decode(proof):
            return None
        if self.kind == "silent":
            return b""
        key = hmac.digest(salted if self.kind != "lie" else b"x", b"Server Key", "sha256")
        return b"v=" + base64.b64encode(hmac.digest(key, transcript, "sha256"))

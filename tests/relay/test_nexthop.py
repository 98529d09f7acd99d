#!/usr/bin/env python3
"""Where the mail for a domain goes: routes, an honest name server, and one that lies."""

import os
import struct
import time
import unittest

from relay_case import OPTIONS, RelayCase, drive

import letterbox
import mail
import name_server
from name_server import A, AAAA, CNAME, MX, NXDOMAIN, SERVFAIL, Dnsmasq, Liar, mx, record, response


class Case(RelayCase):
    def explain(self, domain, resolver):
        """(steps, verdict) for a domain."""
        lines = drive(self.root, "explain", domain, options=["resolver=" + resolver.address])
        return lines[:-1], lines[-1]

    def expect(self, domain, resolver, verdict, *steps):
        got = self.explain(domain, resolver)
        self.assertTrue(got[1].startswith(verdict), got)
        for step in steps:
            self.assertIn(step, got[0])


HOSTS = ["--host-record=mx%d.example,127.0.0.%d" % (n, n) for n in range(1, 10)]


@unittest.skipUnless(mail.tool("dnsmasq"), "dnsmasq is not installed")
class Honest(Case):
    """dnsmasq."""

    def serve(self, *records, **more):
        return self.enter(Dnsmasq(HOSTS + list(records), **more))

    def test_mx_by_preference(self):
        server = self.serve("--mx-host=a.example,mx2.example,20", "--mx-host=a.example,mx1.example,10", "--mx-host=a.example,mx3.example,30")
        for _ in range(5):
            steps, verdict = self.explain("a.example", server)
            self.assertEqual(verdict, "done 2.0.0 - - a.example can be tried")
            self.assertEqual(steps, ["a.example has no route", "a.example has the MX 10 mx1.example", "a.example has the MX 20 mx2.example",
                                     "a.example has the MX 30 mx3.example", "mx1.example has the address 127.0.0.1",
                                     "mx2.example has the address 127.0.0.2", "mx3.example has the address 127.0.0.3"])

    def test_case_and_a_last_dot(self):
        server = self.serve("--mx-host=a.example,mx1.example,10")
        self.expect("A.Example.", server, "done", "mx1.example has the address 127.0.0.1")

    def test_equal_ones_in_any_order(self):
        server = self.serve("--mx-host=a.example,mx1.example,10", "--mx-host=a.example,mx2.example,10")
        seen = set()
        deadline = letterbox.Deadline(60)
        while len(seen) < 2 and not deadline.over():
            seen.add([step for step in self.explain("a.example", server)[0] if "address" in step][0])
        self.assertEqual(seen, {"mx1.example has the address 127.0.0.1", "mx2.example has the address 127.0.0.2"})

    def test_no_mx_is_the_host_itself(self):
        server = self.serve("--host-record=b.example,127.0.0.8,::8")
        self.expect("b.example", server, "done", "b.example has no MX", "b.example has the address 127.0.0.8", "b.example has the address ::8")

    def test_an_alias(self):
        server = self.serve("--mx-host=a.example,mx1.example,10", "--cname=c.example,mx2.example")
        self.expect("c.example", server, "done", "c.example has no MX", "c.example has the address 127.0.0.2")

    def test_no_such_domain(self):
        server = self.serve()
        self.expect("none.example", server, "failed 5.1.2 - - none.example does not exist")

    def test_neither_mx_nor_address(self):
        server = self.serve("--txt-record=t.example,text")
        self.expect("t.example", server, "failed 5.4.4 - - t.example has neither")

    def test_mx_without_an_address(self):
        server = self.serve("--mx-host=a.example,gone.example,10", "--mx-host=b.example,gone.example,10", "--mx-host=b.example,mx1.example,20")
        self.expect("a.example", server, "failed 5.4.4", "gone.example has no address")
        self.expect("b.example", server, "done", "gone.example has no address", "mx1.example has the address 127.0.0.1")

    def test_refused_is_later(self):
        self.expect("elsewhere.test", self.serve(), "later 4.4.3")

    def test_a_large_answer_comes_by_tcp(self):
        server = self.serve(*["--mx-host=a.example,%s%d.example,%d" % ("x" * 40, n, n) for n in range(40)], "--mx-host=a.example,mx1.example,0")
        steps, verdict = self.explain("a.example", server)
        self.assertTrue(verdict.startswith("done"), verdict)
        self.assertEqual(sum("has the MX" in step for step in steps), 20)
        self.assertIn("a.example has the MX 18 %s18.example" % ("x" * 40), steps)

    def test_by_ipv6(self):
        server = self.serve("--mx-host=a.example,mx1.example,10", host="::1")
        self.expect("a.example", server, "done", "mx1.example has the address 127.0.0.1")

    def test_smtpd_explains_it(self):
        """With the same words, which the driver has from the same place."""
        server = self.serve("--mx-host=a.example,mx2.example,20", "--mx-host=a.example,mx1.example,10")
        steps, _ = self.explain("a.example", server)
        options = [word for option in (*OPTIONS, "resolver=" + server.address) for word in ("-o", option)]
        said, _ = letterbox.run([letterbox.binary("smtpd"), "-d", self.root.path, *options, "explain", "-a", "127.0.0.1", "r@a.example"])
        lines = [line.strip() for line in said.decode().splitlines()]
        self.assertEqual([line for line in lines if line in steps], steps)
        self.assertTrue(lines[-1].startswith("250 2.1.5"), lines)

    def test_loops(self):
        server = self.serve("--mx-host=a.example,self.example,10", "--mx-host=b.example,mx1.example,10", "--mx-host=b.example,Self.example,20",
                            "--mx-host=b.example,mx2.example,20", "--mx-host=b.example,mx3.example,30", "--mx-host=c.example,mx1.example,10",
                            "--mx-host=c.example,ours.example,10", "--host-record=self.example,127.0.0.1")
        self.expect("a.example", server, "failed 5.4.6")
        self.expect("c.example", server, "failed 5.4.6")
        self.expect("self.example", server, "failed 5.4.6")
        steps, verdict = self.explain("b.example", server)
        self.assertTrue(verdict.startswith("done"), verdict)
        self.assertEqual([step for step in steps if "address" in step], ["mx1.example has the address 127.0.0.1"])


class Lies(Case):
    """A name server that does as it likes. (A domain of which it says nothing has no such record.)"""

    def lie(self, *answers, a=b"\x7f\0\0\7"):
        """Each query for MX gets the next of the answers, functions of the query; the last one all that follow."""
        answers = list(answers)

        def answer(query, tcp):
            kind = struct.unpack(">H", query[query.index(b"\0", 12) + 1:][:2])[0]
            if kind != MX:
                return response(query, [record(A, a)] if kind == A and a else [])
            return (answers.pop(0) if len(answers) > 1 else answers[0])(query)
        return self.enter(Liar(answer))

    def expect_later(self, *answers):
        started = time.monotonic()
        self.expect("a.example", self.lie(*answers), "later 4.4.3")
        self.assertLess(time.monotonic() - started, 25)

    def test_the_truth(self):
        self.expect("a.example", self.lie(lambda q: response(q, [mx(1, "m.example")])), "done", "m.example has the address 127.0.0.7")

    def test_null_mx(self):
        self.expect("a.example", self.lie(lambda q: response(q, [mx(0, ".")])), "failed 5.1.10", "a.example has the MX 0 .")
        self.expect("a.example", self.lie(lambda q: response(q, [mx(0, "."), mx(5, "m.example")])), "done", "m.example has the address 127.0.0.7")

    def test_no_domain(self):
        self.expect("a.example", self.lie(lambda q: response(q, flags=0x8180 | NXDOMAIN), a=None), "failed 5")

    def test_failing(self):
        for code in (SERVFAIL, 1, 4, 5, 9):
            self.expect_later(lambda q, code=code: response(q, flags=0x8180 | code))

    def test_silence(self):
        self.expect_later(lambda q: None)

    def test_silence_once(self):
        self.expect("a.example", self.lie(lambda q: None, lambda q: response(q, [mx(1, "m.example")])), "done")

    def test_another_ones_answer(self):
        self.expect_later(lambda q: response(q, [mx(1, "evil.example")], identifier=b"xx" if q[:2] != b"xx" else b"yy"))
        self.expect_later(lambda q: response(q, [mx(1, "evil.example")], question=name_server.name("b.example") + b"\0\x0f\0\1"))

    def test_wrong_then_right(self):
        server = self.lie(lambda q: [response(q, [mx(1, "evil.example")], identifier=bytes([q[0] ^ 1, q[1]])), response(q, [mx(1, "m.example")])])
        steps, _ = self.explain("a.example", server)
        self.assertIn("a.example has the MX 1 m.example", steps)
        self.assertNotIn("a.example has the MX 1 evil.example", steps)

    def test_circles(self):
        self.expect_later(lambda q: response(q, [mx(1, b"\xc0" + bytes([len(q) + 2 + 10 + 2]))]))
        self.expect_later(lambda q: response(q, [record(CNAME, b"\xc0\x0c"), mx(1, "m.example")]))
        self.expect_later(lambda q: response(q, [record(CNAME, name_server.name("b.example")),
                                                 record(CNAME, b"\xc0\x0c", name_server.name("b.example"))]))

    def test_cut_short(self):
        whole = 12 + 11 + 4 + 12 + 2 + 11
        for size in (13, 20, 30, whole - 12, whole - 1):
            self.expect_later(lambda q, size=size: response(q, [mx(1, "m.example")])[:size])
        self.expect_later(lambda q: response(q, [mx(1, "m.example")], count=2))
        self.expect_later(lambda q: response(q, [mx(1, "m.example")], count=65535))

    def test_hosts_that_are_none(self):
        server = self.lie(lambda q: response(q, [mx(1, b"\5a b\r\n\0"), mx(2, b"\3a.b\0"), mx(3, "127.0.0.1")]))
        self.expect("a.example", server, "failed 5.4.4", "a.example has the MX 1 ?", "a.example has the MX 2 ?")

    def test_truncated_for_ever(self):
        self.expect_later(lambda q: response(q, [mx(1, "m.example")], flags=0x8380))

    def test_by_tcp_a_thousand(self):
        """The best twenty are kept, wherever they stand."""
        def answer(query, tcp):
            kind = struct.unpack(">H", query[query.index(b"\0", 12) + 1:][:2])[0]
            if kind != MX:
                return response(query, [record(A, b"\x7f\0\0\7")] if kind == A else [])
            return response(query, [mx(5000 - n, "m%d.example" % n) for n in range(1000)]) if tcp else response(query, flags=0x8380)
        with Liar(answer) as server:
            steps, verdict = self.explain("a.example", server)
        self.assertTrue(verdict.startswith("done"), verdict)
        self.assertEqual([s for s in steps if "MX" in s], ["a.example has the MX %d m%d.example" % (5000 - n, n) for n in range(999, 979, -1)])

    def test_silence_by_tcp_ends(self):
        """libc waits for it without end."""
        started = time.monotonic()
        with Liar(lambda query, tcp: None if tcp else response(query, flags=0x8380)) as server:
            self.expect("a.example", server, "later 4.4.3")
        self.assertLess(time.monotonic() - started, 45)

    def test_many_addresses(self):
        """Six of each host, and IPv6 leaves room for IPv4."""
        def answer(query, tcp):
            kind = struct.unpack(">H", query[query.index(b"\0", 12) + 1:][:2])[0]
            addresses = {A: [record(A, bytes([127, 0, 1, n])) for n in range(20)], AAAA: [record(AAAA, bytes(15) + bytes([n])) for n in range(9)]}
            return response(query, addresses.get(kind, []))
        with Liar(answer) as server:
            steps, _ = self.explain("a.example", server)
        self.assertEqual([s.split()[-1] for s in steps if "address" in s], ["::", "::1", "::2", "127.0.1.0", "127.0.1.1", "127.0.1.2"])

    def test_no_address_now(self):
        def answer(query, tcp):
            kind = struct.unpack(">H", query[query.index(b"\0", 12) + 1:][:2])[0]
            return response(query, [mx(1, "m.example")]) if kind == MX else response(query, flags=0x8180 | SERVFAIL)
        with Liar(answer) as server:
            self.expect("a.example", server, "later 4.4.3", "m.example has no address")


class WithoutDns(Case):
    """Nobody is asked: the resolver that is named would fail the test."""

    def setUp(self):
        super().setUp()
        self.nobody = self.enter(Liar(lambda query, tcp: None))
        self.addCleanup(lambda: self.assertEqual(self.nobody.asked, []))

    def test_literals(self):
        self.expect("[127.0.0.9]", self.nobody, "done", "127.0.0.9 has the address 127.0.0.9")
        self.expect("[IPv6:::1]", self.nobody, "done", "::1 has the address ::1")
        for bad in ("[", "[]", "[127.0.0.1", "[::1]", "[IPv6:127.0.0.1]", "[localhost]", "[127.1]", "[IPv6:]", "[127.0.0.1]x", "[127.0.0.1:25]"):
            self.expect(bad, self.nobody, "failed 5.1.2")

    def test_what_is_no_domain(self):
        self.expect("bücher.example", self.nobody, "failed 5.1.2 - - bücher.example must be written as the DNS has it, with xn--")
        for bad in ("a..b", ".", "", "a b", "a_b/", "127.0.0.1", "2130706433", "0x7f.1", "x" * 64 + ".example", "x." * 130 + "x"):
            self.expect(bad, self.nobody, "failed 5.1.2")

    def test_routes(self):
        self.root.append("routes", "a.example 127.0.0.9:2525\nb.example [::1]\n[127.0.0.1] 127.0.0.8\nc.example self.example:99\n"
                                   "d.example ours.example\ne.example broken:port\nbücher.example 127.0.0.6\n* 127.0.0.7:587\n")
        self.expect("A.example.", self.nobody, "done", "A.example has a route, port 2525 of 127.0.0.9", "127.0.0.9 has the address 127.0.0.9")
        self.expect("b.example", self.nobody, "done", "::1 has the address ::1")
        self.expect("[127.0.0.1]", self.nobody, "done", "127.0.0.8 has the address 127.0.0.8")
        self.expect("c.example", self.nobody, "failed 5.4.6")
        self.expect("d.example", self.nobody, "failed 5.4.6")
        self.expect("e.example", self.nobody, "later 4.3.5 - - routes:6:")
        self.expect("bücher.example", self.nobody, "done", "127.0.0.6 has the address 127.0.0.6")
        self.expect("f.example", self.nobody, "done", "f.example has a route, port 587 of 127.0.0.7")

    def test_a_login_that_others_may_read(self):
        self.root.append("routes", "* 127.0.0.7:587\n")
        self.root.append("routes.auth", "127.0.0.7:587 anna secret\n")
        self.expect("f.example", self.nobody, "done")
        os.chmod(self.root.file("routes.auth"), 0o640)
        self.expect("f.example", self.nobody, "later 4.3.5 - - routes.auth may be read by others")


if __name__ == "__main__":
    unittest.main()

#include "unit.h"

#include <stdio.h>

#include "dns.h"

/* Messages are built field by field; m is the one that is under way. */
static unsigned char m[70000];
static size_t n;

static void
put(const void *bytes, size_t size)
{
	memcpy(m + n, bytes, size);
	n += size;
}

static void
put_number(unsigned value)
{
	unsigned char bytes[2] = { (unsigned char)(value >> 8), (unsigned char)value };

	put(bytes, 2);
}

/* "a.b" with the root behind it; "@N" at its end: a pointer to N in place of the root. */
static void
put_name(const char *name)
{
	while (*name != '\0' && *name != '@') {
		size_t label = strcspn(name, ".@");
		unsigned char length = (unsigned char)label;
		put(&length, 1);
		put(name, label);
		name += label + (name[label] == '.');
	}
	if (*name == '@')
		put_number(0xc000 | (unsigned)atoi(name + 1));
	else
		put("", 1);
}

enum { RESPONSE = 0x8180 };

static void
begin(unsigned flags, unsigned records, const char *name, unsigned type)
{
	n = 0;
	put_number(0x1234);
	put_number(flags);
	put_number(1);
	put_number(records);
	put_number(0);
	put_number(0);
	put_name(name);
	put_number(type);
	put_number(1);
}

static void
put_header(const char *owner, unsigned type, unsigned size)
{
	put_name(owner);
	put_number(type);
	put_number(1);
	put_number(0);
	put_number(300);
	put_number(size);
}

/* What it takes on the wire. */
static unsigned
length_of(const char *name)
{
	const char *at = strchr(name, '@');

	if (at != NULL)
		return (unsigned)(at - name) + (at > name ? 1 : 0) + 2;
	return name[0] == '\0' ? 1 : (unsigned)strlen(name) + 2;
}

static void
put_mx(const char *owner, unsigned preference, const char *host)
{
	put_header(owner, DNS_MX, 2 + length_of(host));
	put_number(preference);
	put_name(host);
}

static void
put_cname(const char *owner, const char *target)
{
	put_header(owner, DNS_CNAME, length_of(target));
	put_name(target);
}

/* "preference host|…" of an MX message, the last byte before a guard page; or what is wrong with it. */
static const char *
read_mx(const char *name, size_t size)
{
	static const char *const words[] = { "", "no domain", "refused", "bad" };
	static char text[4096];
	struct dns_answer answer;
	struct dns_record record;
	size_t used = 0;
	char *copy = guarded(m, size);

	enum dns_result result = dns_begin(&answer, (struct span){ copy, size }, name, DNS_MX);
	snprintf(text, sizeof text, "%s", words[result]);
	while (result == DNS_ANSWER && dns_next(&answer, &record) > 0)
		used += (size_t)snprintf(
		    text + used, sizeof text - used, "%u %s|", record.preference, record.host);
	unguard(copy, size);
	return text;
}

static void
expect(const char *expected)
{
	ck_assert_str_eq(read_mx("example.org", n), expected);
}

static void
usual(void)
{
	begin(RESPONSE, 3, "example.org", DNS_MX);
	put_mx("@12", 10, "mx1@12");
	put_mx("EXAMPLE.org", 5, "mx.example.net");
	put_mx("@12", 65535, "");
}

START_TEST(reads_mx)
{
	usual();
	expect("10 mx1.example.org|5 mx.example.net|65535 |");
}
END_TEST

START_TEST(reads_addresses)
{
	struct dns_answer answer;
	struct dns_record record;

	begin(RESPONSE, 2, "mx.example.org", DNS_A);
	put_header("@12", DNS_A, 4);
	put("\x7f\x00\x00\x02", 4);
	put_header("@12", DNS_A, 4);
	put("\xc0\x00\x02\x01", 4);
	struct span message = guarded_span((struct span){ (char *)m, n });
	ck_assert_int_eq(dns_begin(&answer, message, "mx.example.org", DNS_A), DNS_ANSWER);
	ck_assert_int_eq(dns_next(&answer, &record), 1);
	ck_assert_mem_eq(record.address, "\x7f\x00\x00\x02", 4);
	ck_assert_int_eq(dns_next(&answer, &record), 1);
	ck_assert_mem_eq(record.address, "\xc0\x00\x02\x01", 4);
	ck_assert_int_eq(dns_next(&answer, &record), 0);
	ck_assert_int_eq(dns_next(&answer, &record), 0);
	ck_assert_int_eq(dns_begin(&answer, message, "mx.example.org", DNS_AAAA), DNS_BAD);

	begin(RESPONSE, 1, "mx.example.org", DNS_AAAA);
	put_header("@12", DNS_AAAA, 16);
	put("0123456789abcdef", 16);
	message = guarded_span((struct span){ (char *)m, n });
	ck_assert_int_eq(dns_begin(&answer, message, "mx.example.org", DNS_AAAA), DNS_ANSWER);
	ck_assert_int_eq(dns_next(&answer, &record), 1);
	ck_assert_mem_eq(record.address, "0123456789abcdef", 16);

	begin(RESPONSE, 1, "mx.example.org", DNS_A);
	put_header("@12", DNS_A, 5);
	put("\x7f\x00\x00\x02\x01", 5);
	message = guarded_span((struct span){ (char *)m, n });
	ck_assert_int_eq(dns_begin(&answer, message, "mx.example.org", DNS_A), DNS_BAD);
}
END_TEST

/* Nothing that is cut off is an answer, and nothing behind the cut is read. */
START_TEST(is_bad_at_every_cut)
{
	usual();
	for (size_t cut = 0; cut < n; cut++)
		ck_assert_str_eq(read_mx("example.org", cut), "bad");
}
END_TEST

/* Whatever a byte is changed to, it reads nothing behind the end. */
START_TEST(survives_every_byte)
{
	usual();
	for (size_t i = 0; i < n; i++)
		for (unsigned value = 0; value < 256; value += i < 40 ? 1 : 7) {
			unsigned char before = m[i];
			m[i] = (unsigned char)value;
			read_mx("example.org", n);
			m[i] = before;
		}
}
END_TEST

START_TEST(looks_at_the_header)
{
	begin(RESPONSE | 3, 0, "example.org", DNS_MX);
	expect("no domain");
	begin(RESPONSE, 0, "example.org", DNS_MX);
	expect("");
	for (unsigned code = 1; code < 16; code++) {
		begin(RESPONSE | code, 0, "example.org", DNS_MX);
		expect(code == 3 ? "no domain" : "refused");
	}
	begin(RESPONSE | 0x0200, 0, "example.org", DNS_MX); /* truncated */
	expect("bad");
	begin(RESPONSE | 0x0800, 0, "example.org", DNS_MX); /* another opcode */
	expect("bad");
	begin(0x0100, 0, "example.org", DNS_MX); /* a query */
	expect("bad");
}
END_TEST

START_TEST(looks_at_the_question)
{
	begin(RESPONSE, 0, "example.com", DNS_MX);
	expect("bad");
	begin(RESPONSE, 0, "example.org", DNS_A);
	expect("bad");
	begin(RESPONSE, 0, "", DNS_MX);
	expect("bad");
	begin(RESPONSE, 0, "Example.ORG", DNS_MX);
	expect("");
	begin(RESPONSE, 0, "example.org", DNS_MX);
	m[5] = 2;
	expect("bad");
	m[5] = 0;
	expect("bad");
	begin(RESPONSE, 0, "example.org", DNS_MX);
	m[n - 1] = 3; /* another class */
	expect("bad");
}
END_TEST

START_TEST(follows_aliases)
{
	begin(RESPONSE, 4, "example.org", DNS_MX);
	put_mx("b.example", 7, "mx.b.example");
	put_cname("a.example", "b.example");
	put_cname("@12", "a.example");
	put_mx("c.example", 1, "mx.c.example");
	expect("7 mx.b.example|");

	begin(RESPONSE, 2, "example.org", DNS_MX);
	put_cname("@12", "a.example");
	put_mx("@12", 1, "mx.example.org");
	expect("");

	begin(RESPONSE, 2, "example.org", DNS_MX);
	put_cname("@12", "a.example");
	put_cname("a.example", "@12");
	expect("bad");

	begin(RESPONSE, 1, "example.org", DNS_MX);
	put_header("@12", DNS_CNAME, 4);
	put_name("a@12");
	expect("");
	m[n - 5] = 3; /* the name does not end where its data do */
	expect("bad");
}
END_TEST

static void
expect_chain(unsigned aliases, const char *expected)
{
	char owner[20] = "example.org", target[20];

	begin(RESPONSE, aliases + 1, "example.org", DNS_MX);
	for (unsigned i = 0; i < aliases; i++) {
		snprintf(target, sizeof target, "a%u", i);
		put_cname(owner, target);
		memcpy(owner, target, sizeof owner);
	}
	put_mx(owner, 1, "mx");
	expect(expected);
}

START_TEST(bounds_a_chain_of_aliases)
{
	expect_chain(DNS_ALIASES, "1 mx|");
	expect_chain(DNS_ALIASES + 1, "bad");
}
END_TEST

static void
expect_host(const char *host, size_t size, const char *expected)
{
	begin(RESPONSE, 1, "example.org", DNS_MX);
	put_header("@12", DNS_MX, (unsigned)(2 + size));
	put_number(1);
	put(host, size);
	expect(expected);
}

START_TEST(refuses_malformed_names)
{
	expect_host("\x02mx\x00", 4, "1 mx|");
	expect_host("\x02mx\xc0\x0c", 5, "1 mx.example.org|");
	expect_host("\xc0\x0c", 2, "1 example.org|");
	expect_host("\x02\x31\x30\x00", 4, "1 ?|"); /* "10": an address, or its end */
	expect_host("\xc0\x2b", 2, "bad");	    /* to itself: 12 + 13 + 4 + 12 + 2 is 43 */
	expect_host("\xc0\xff", 2, "bad");	    /* past the end */
	expect_host("\xff\xff", 2, "bad");
	expect_host("\x02mx\xc0\x2b", 5, "bad"); /* a circle */
	expect_host("\x02mx", 3, "bad");	 /* no end */
	expect_host("\x3fmx\x00", 4, "bad");	 /* a label past the end */
	expect_host("\x40mx\x00", 4, "bad");	 /* neither label nor pointer */
	expect_host("\x80mx\x00", 4, "bad");
	expect_host("\xc0", 1, "bad");		 /* half a pointer */
	expect_host("\x02mx\x00\x00", 5, "bad"); /* behind the name there is more */
	expect_host("", 0, "bad");
	expect_host("\x03m.x\x00", 5, "1 ?|"); /* no name of a host */
	expect_host("\x03m x\x00", 5, "1 ?|");
	expect_host("\x03m\x00x\x00", 5, "1 ?|");
	expect_host("\x03m\nx\x00", 5, "1 ?|");
}
END_TEST

START_TEST(bounds_a_name)
{
	char label[64] = "", name[300] = "", longest[300] = "";

	memset(label, 'a', 63);
	snprintf(longest, sizeof longest, "%s.%s.%s.%.61s", label, label, label, label);
	begin(RESPONSE, 1, "example.org", DNS_MX);
	put_mx("@12", 1, longest);
	snprintf(name, sizeof name, "1 %s|", longest);
	expect(name);
	begin(RESPONSE, 1, "example.org", DNS_MX);
	snprintf(longest, sizeof longest, "%s.%s.%s.%.62s", label, label, label, label);
	put_mx("@12", 1, longest);
	expect("bad");
	begin(RESPONSE, 0, "example.org", DNS_MX);
	ck_assert_str_eq(read_mx(longest, n), "bad");
}
END_TEST

/* More records are announced than there are, or fewer. */
START_TEST(counts_records)
{
	usual();
	m[7] = 4;
	expect("bad");
	m[6] = 255;
	expect("bad");
	m[6] = 0;
	m[7] = 1;
	expect("10 mx1.example.org|");
	begin(RESPONSE, 1, "example.org", DNS_MX);
	put_mx("@12", 1, "mx");
	m[n - 7] = 255; /* its length */
	expect("bad");
}
END_TEST

START_TEST(leaves_others_records_out)
{
	begin(RESPONSE, 4, "example.org", DNS_MX);
	put_header("@12", DNS_A, 4);
	put("\x7f\x00\x00\x02", 4);
	put_mx("example.com", 1, "mx.example.com");
	put_mx("@12", 2, "mx");
	m[n - 13] = 3; /* its class */
	put_mx("@12", 3, "good");
	expect("3 good|");
}
END_TEST

START_TEST(knows_names)
{
	char name[300] = "";

	ck_assert(dns_is_name(span_of("example.org")));
	ck_assert(dns_is_name(span_of("x")));
	ck_assert(dns_is_name(span_of("_a-1.B")));
	ck_assert(dns_is_name(span_of("1.3com")));
	ck_assert(!dns_is_name(span_of("192.0.2.1")));
	ck_assert(!dns_is_name(span_of("127.0x1")));
	ck_assert(!dns_is_name(span_of("0X7F000001")));
	ck_assert(!dns_is_name(span_of("1")));
	ck_assert(!dns_is_name(span_of("")));
	ck_assert(!dns_is_name(span_of(".")));
	ck_assert(!dns_is_name(span_of(".org")));
	ck_assert(!dns_is_name(span_of("example..org")));
	ck_assert(!dns_is_name(span_of("example.org.")));
	ck_assert(!dns_is_name(span_of("b\xc3\xbc"
				       "cher.example")));
	ck_assert(!dns_is_name(span_of("a b")));
	ck_assert(!dns_is_name(span_of("[127.0.0.1]")));
	memset(name, 'a', 63);
	ck_assert(dns_is_name(span_of(name)));
	memset(name, 'a', 64);
	ck_assert(!dns_is_name(span_of(name)));
	for (size_t i = 0; i < 254; i += 2)
		memcpy(name + i, "a.", 2);
	ck_assert(dns_is_name((struct span){ name, 253 }));
	name[253] = 'b';
	ck_assert(!dns_is_name((struct span){ name, 254 }));
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, reads_mx);
	tcase_add_test(t, reads_addresses);
	tcase_add_test(t, is_bad_at_every_cut);
	tcase_add_test(t, survives_every_byte);
	tcase_add_test(t, looks_at_the_header);
	tcase_add_test(t, looks_at_the_question);
	tcase_add_test(t, follows_aliases);
	tcase_add_test(t, bounds_a_chain_of_aliases);
	tcase_add_test(t, refuses_malformed_names);
	tcase_add_test(t, bounds_a_name);
	tcase_add_test(t, counts_records);
	tcase_add_test(t, leaves_others_records_out);
	tcase_add_test(t, knows_names);
}

int
main(void)
{
	return run_suite("dns", add);
}

#include "unit.h"

#include <stdio.h>

#include "address.h"
#include "bounds.h"

static const char *reason;

/* Parsed against a guard page; the spans are those of static memory that outlives the test's use of them. */
static int
parse(const char *text, enum path_kind kind, struct path *path, size_t *used)
{
	reason = NULL;
	int result = path_parse(guarded_span(span_of(text)), kind, path, used, &reason);
	ck_assert_msg(result == 0 || (reason != NULL && reason[0] != '\0'), "no reason for %s", text);
	return result;
}

static void
accept_forward(const char *text, const char *local, const char *domain, const char *whole)
{
	struct path path;
	size_t used;

	if (parse(text, PATH_FORWARD, &path, &used) < 0)
		ck_abort_msg("%s: %s", text, reason);
	expect_span(path.local, local);
	expect_span(path.domain, domain);
	expect_span(path.whole, whole);
	ck_assert_uint_eq(used, strlen(text));
}

static void
accept_as_is(const char *local, const char *domain)
{
	char text[1100], whole[1024];
	struct path path;

	snprintf(whole, sizeof(whole), "%s@%s", local, domain);
	snprintf(text, sizeof(text), "<%s>", whole);
	accept_forward(text, local, domain, whole);
	if (path_parse_bare(guarded_span(span_of(whole)), &path, &reason) < 0)
		ck_abort_msg("bare %s: %s", whole, reason);
	expect_span(path.local, local);
	expect_span(path.domain, domain);
	expect_span(path.whole, whole);
}

static void
refuse(const char *text)
{
	struct path path;
	size_t used;

	ck_assert_msg(parse(text, PATH_FORWARD, &path, &used) < 0, "%s was taken", text);
}

START_TEST(takes_mailboxes)
{
	accept_as_is("anna", "example.org");
	accept_as_is("a", "b");
	accept_as_is("anna.b+tag", "mail-1.example.org");
	accept_as_is("!#$%&'*+-/=?^_`{|}~", "x.example");
	accept_as_is("a", "_dmarc.my_host.example");
	accept_as_is("a", "123.example");
	accept_as_is("\"a b\"", "example.org");
	accept_as_is("\"a@b>c\"", "example.org");
	accept_as_is("\"a\\\"b\\\\\"", "example.org");
	accept_as_is("\"\"", "example.org");
	accept_as_is("user%other.example", "example.org");
	accept_as_is("other!user", "example.org");
}
END_TEST

START_TEST(takes_literals)
{
	accept_as_is("a", "[192.0.2.1]");
	accept_as_is("a", "[255.255.255.255]");
	accept_as_is("a", "[IPv6:::1]");
	accept_as_is("a", "[ipv6:2001:db8::1:0:0:1]");
	accept_as_is("a", "[IPv6:1:2:3:4:5:6:7:8]");
	accept_as_is("a", "[IPv6:::]");
	accept_as_is("a", "[IPv6:1::]");
	accept_as_is("a", "[IPv6:::ffff:192.0.2.1]");
	accept_as_is("a", "[IPv6:1:2:3:4:5:6:192.0.2.1]");
	accept_as_is("a", "[X-tag:anything(1)]");
}
END_TEST

START_TEST(refuses_bad_literals)
{
	const char *bad[] = { "", "192.0.2", "192.0.2.256", "192.0.2.1.1", "192.0.2.", ".192.0.2.1",
		"1921.0.2.1", "192.0.2.1 ", "IPv6:", "IPv6:1", "IPv6::1", "IPv6:1::2::3",
		"IPv6:1:2:3:4:5:6:7:8:9", "IPv6:1:2:3:4::5:6:7:8",
		"IPv6:12345::", "IPv6:g::", "IPv6:::1:", "IPv6:::192.0.2.300",
		"IPv6:192.0.2.1::", "IPv6:::1%eth0", "tag:", ":x", "tag-:x", "t ag:x", "tag:a[b", "tag:a\\b",
		"tag:a b", "tag:\xc3\xa4", "hello" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[256];
		snprintf(text, sizeof(text), "<a@[%s]>", bad[i]);
		refuse(text);
	}
	refuse("<a@[192.0.2.1>");
	refuse("<a@[192.0.2.1]x>");
	refuse("<a@[192.0.2.1].example>");
}
END_TEST

START_TEST(refuses_bad_mailboxes)
{
	const char *bad[] = { "", "a@b", "<", "<a", "<a@", "<a@b", "<a@>", "<@b>", "<>", "<a>", "<.a@b>",
		"<a.@b>", "<a..b@c>", "<a b@c>", "< a@b>", "<a@b >", "<a @b>", "<a@ b>", "<a@b@c>", "<\"a@b>",
		"<\"a\"b@c>", "<a\"b\"@c>", "<\"a\\\"@b>", "<\"a\001\"@b>", "<\"a\\\001\"@b>", "<a\\b@c>",
		"<a(c)@b>", "<a,b@c>", "<a@b.>", "<a@.b>", "<a@b..c>", "<a@-b>", "<a@b->", "<a@b.-c.d>",
		"<a@b!c>", "<a@b,c>", "<a@b\r\n>", "<a\177@b>", "<a\001@b>", "<a@b\001>", "<<a@b>>",
		"<\"\\\xc3\xa4\"@b>", " <a@b>" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuse(bad[i]);
}
END_TEST

START_TEST(knows_nul_and_every_control)
{
	struct path path;
	size_t used;

	for (int c = 0; c < 256; c++) {
		char local[] = "<aXb@c>", quoted[] = "<\"aXb\"@c>", domain[] = "<a@bXc>";
		bool control = c < 32 || c == 127, high = c > 127;

		local[2] = quoted[3] = domain[4] = (char)c;
		if (control || high) { /* a single high byte is no UTF-8 */
			ck_assert_int_lt(
			    path_parse((struct span){ local, 7 }, PATH_FORWARD, &path, &used, &reason), 0);
			ck_assert_int_lt(
			    path_parse((struct span){ quoted, 9 }, PATH_FORWARD, &path, &used, &reason), 0);
			ck_assert_int_lt(
			    path_parse((struct span){ domain, 7 }, PATH_FORWARD, &path, &used, &reason), 0);
		}
	}
}
END_TEST

START_TEST(drops_source_routes)
{
	accept_forward("<@hop.example:a@b>", "a", "b", "a@b");
	accept_forward("<@hop1.example,@hop2.example:a@b>", "a", "b", "a@b");
	refuse("<@hop.example:>");
	refuse("<@hop.example:postmaster>");
	refuse("<@:a@b>");
	refuse("<@hop.example,:a@b>");
	refuse("<@hop.example,hop2.example:a@b>");
	refuse("<@hop.example a@b>");
	refuse("<@hop.example.:a@b>");
	refuse("<@hop.example,");
}
END_TEST

START_TEST(knows_null_and_postmaster)
{
	struct path path;
	size_t used;

	ck_assert_int_eq(parse("<> SIZE=1", PATH_REVERSE, &path, &used), 0);
	ck_assert_uint_eq(used, 2);
	ck_assert_uint_eq(path.whole.n + path.local.n + path.domain.n, 0);
	accept_forward("<postmaster>", "postmaster", "", "postmaster");
	accept_forward("<PostMaster>", "PostMaster", "", "PostMaster");
	accept_forward("<postmaster@b>", "postmaster", "b", "postmaster@b");
	ck_assert_int_lt(parse("<postmaster>", PATH_REVERSE, &path, &used), 0);
	refuse("<postmasters>");
	refuse("<postmaster");
	ck_assert_int_lt(path_parse_bare(span_of("postmaster"), &path, &reason), 0);
	ck_assert_int_lt(path_parse_bare((struct span){ NULL, 0 }, &path, &reason), 0);
}
END_TEST

START_TEST(leaves_what_follows)
{
	struct path path;
	size_t used;

	ck_assert_int_eq(parse("<a@b> BODY=8BITMIME", PATH_REVERSE, &path, &used), 0);
	ck_assert_uint_eq(used, 5);
	ck_assert_int_eq(parse("<a@b>x", PATH_REVERSE, &path, &used), 0);
	ck_assert_uint_eq(used, 5);
	ck_assert_int_lt(path_parse_bare(span_of("a@b c"), &path, &reason), 0);
	ck_assert_int_lt(path_parse_bare(span_of("a@b\r\nRCPT TO:<c@d>"), &path, &reason), 0);
	ck_assert_int_lt(path_parse_bare(span_of("<a@b>"), &path, &reason), 0);
}
END_TEST

START_TEST(flags_utf8)
{
	struct path path;
	size_t used;

	ck_assert_int_eq(parse("<j\xc3\xbcrgen@b\xc3\xbc"
			       "cher.example>",
			     PATH_FORWARD, &path, &used),
	    0);
	ck_assert(path.utf8);
	ck_assert_int_eq(parse("<a@b\xc3\xbc"
			       "cher.example>",
			     PATH_FORWARD, &path, &used),
	    0);
	ck_assert(path.utf8);
	ck_assert_int_eq(parse("<\"j \xc3\xbc\"@b>", PATH_FORWARD, &path, &used), 0);
	ck_assert(path.utf8);
	ck_assert_int_eq(parse("<a@b>", PATH_FORWARD, &path, &used), 0);
	ck_assert(!path.utf8);
	refuse("<j\xfcrgen@b>");
	refuse("<a@b\xfc"
	       "cher>");
	refuse("<\xc0\xae@b>");
	refuse("<\xed\xa0\x80@b>");
	refuse("<a\xc2\x85"
	       "b@c>"); /* U+0085, NEL */
	refuse("<a@b\xc2\x9b>");
}
END_TEST

/* "<", n times c, rest. */
static const char *
with_run(char c, size_t n, const char *rest)
{
	static char text[4096];

	text[0] = '<';
	memset(text + 1, c, n);
	strcpy(text + 1 + n, rest);
	return text;
}

START_TEST(bounds_lengths)
{
	struct path path;
	size_t used;
	char text[2048];

	ck_assert_int_eq(parse(with_run('a', SMTP_LOCAL_PART, "@b>"), PATH_FORWARD, &path, &used), 0);
	refuse(with_run('a', SMTP_LOCAL_PART + 1, "@b>"));
	char label[64];
	memset(label, 'x', 63);
	label[63] = '\0';
	snprintf(text, sizeof(text), "<a@%s.%s.%s.%s>", label, label, label, label);
	ck_assert_int_eq(parse(text, PATH_FORWARD, &path, &used), 0);
	ck_assert_uint_eq(path.domain.n, SMTP_DOMAIN);
	snprintf(text, sizeof(text), "<a@%s.%s.%s.%s.y>", label, label, label, label);
	refuse(text);
	snprintf(text, sizeof(text), "<a@%sx.example>", label);
	refuse(text);
	/* Source routes count, too. */
	size_t n = (size_t)snprintf(text, sizeof(text), "<");
	while (n < SMTP_PATH)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s@hop.example", n > 1 ? "," : "");
	snprintf(text + n, sizeof(text) - n, ":a@b>");
	refuse(text);
}
END_TEST

/* Cut at every byte, nothing is taken, and nothing read behind the cut. */
START_TEST(takes_nothing_half)
{
	const char *whole = "<@a.example,@b:\"x \\\" y\"@[IPv6:1::192.0.2.1]>";
	struct path path;
	size_t used;

	for (size_t n = 0; n < strlen(whole); n++) {
		struct span cut = guarded_span((struct span){ whole, n });
		ck_assert_int_lt(path_parse(cut, PATH_FORWARD, &path, &used, &reason), 0);
	}
	ck_assert_int_eq(path_parse(guarded_span(span_of(whole)), PATH_FORWARD, &path, &used, &reason), 0);
}
END_TEST

START_TEST(unquotes)
{
	struct buf out;

	buf_init(&out, 64);
	ck_assert_int_eq(path_unquote_local(span_of("\"a\\\"b \\\\c\""), &out), 0);
	expect_span(buf_span(&out), "a\"b \\c");
	buf_clear(&out);
	ck_assert_int_eq(path_unquote_local(span_of("plain.x"), &out), 0);
	expect_span(buf_span(&out), "plain.x");
	buf_clear(&out);
	ck_assert_int_eq(path_unquote_local(span_of("\"\""), &out), 0);
	expect_span(buf_span(&out), "");
	out.max = 2;
	ck_assert_int_lt(path_unquote_local(span_of("\"abc\""), &out), 0);
	buf_free(&out);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, takes_mailboxes);
	tcase_add_test(t, takes_literals);
	tcase_add_test(t, refuses_bad_literals);
	tcase_add_test(t, refuses_bad_mailboxes);
	tcase_add_test(t, knows_nul_and_every_control);
	tcase_add_test(t, drops_source_routes);
	tcase_add_test(t, knows_null_and_postmaster);
	tcase_add_test(t, leaves_what_follows);
	tcase_add_test(t, flags_utf8);
	tcase_add_test(t, bounds_lengths);
	tcase_add_test(t, takes_nothing_half);
	tcase_add_test(t, unquotes);
}

int
main(void)
{
	return run_suite("address", add);
}

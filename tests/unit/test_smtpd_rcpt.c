#include "rcpt.h"
#include "unit.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static char *dir;
static struct config config;
static struct kept aliases;
static struct peer here;
static int root;
static bool trusted;
static struct buf told;

static void
put(const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	write_file(path, text, strlen(text));
}

static void
put_aliases(const char *text)
{
	put("aliases", text);
	ck_assert_int_eq(rcpt_refresh(&aliases, root), 0);
}

static void
connect_to(const char *address)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
		net_peer(&here, (struct sockaddr *)&in, sizeof in);
	else {
		ck_assert_int_eq(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
		net_peer(&here, (struct sockaddr *)&in6, sizeof in6);
	}
}

static void
setup(void)
{
	char reason[CONFIG_REASON];

	dir = scratch_dir();
	root = open(dir, O_RDONLY | O_DIRECTORY);
	config_init(&config, dir);
	ck_assert_int_eq(config_option(&config, "domain=example.org Other.Example", reason), 0);
	put("accounts", "bob:{PLAIN}x\nanna:{PLAIN}y\ncarl:{PLAIN}z\n");
	kept_init(&aliases, ALIASES_TEXT);
	connect_to("192.0.2.1");
	trusted = false;
	buf_init(&told, 64 * 1024);
}

static void
teardown(void)
{
	char path[256];

	for (const char *const *name = (const char *const[]){ "aliases", "accounts", NULL }; *name != NULL;
	     name++) {
		snprintf(path, sizeof path, "%s/%s", dir, *name);
		unlink(path);
	}
	rmdir(dir);
	free(dir);
	close(root);
	kept_free(&aliases);
	buf_free(&told);
}

static void
tell(void *context, struct span what, const char *is, struct span whom)
{
	buf_add_span(context, what);
	buf_printf(context, " %s ", is);
	buf_add_span(context, whom);
	buf_add_char(context, ';');
}

/* "anna bob", "anna carl@example.net(postmaster)" or "550 5.1.1". */
static void
expect(const char *address, const char *expected)
{
	struct rcpt_rules rules = {
		.config = &config,
		.here = &here,
		.root = root,
		.aliases = &aliases,
		.trusted = trusted,
		.tell = tell,
		.context = &told,
	};
	char whole[256], seen[4096] = "";
	static const struct dsn_request nothing;
	struct path path;
	struct rcpt_list list = { .n = 0 };
	const char *reason;
	size_t used;

	buf_clear(&told);
	snprintf(whole, sizeof whole, "<%s>", address);
	ck_assert_int_eq(path_parse(span_of(whole), PATH_FORWARD, &path, &used, &reason), 0);
	struct reply reply = rcpt_resolve(&rules, &path, &nothing, &list);
	if (reply.code >= 300) {
		snprintf(seen, sizeof seen, "%d %s", reply.code, reply.status);
		ck_assert_uint_eq(list.n, 0);
	}
	for (size_t i = 0; i < list.n; i++) {
		const struct queue_recipient *to = &list.to[i].queued;
		size_t n = strlen(seen);
		if (to->mailbox)
			snprintf(seen + n, sizeof seen - n, "%s%s", n > 0 ? " " : "", list.to[i].user);
		else
			snprintf(seen + n, sizeof seen - n, "%s%.*s(%.*s)", n > 0 ? " " : "",
			    (int)to->address.n, to->address.at, (int)to->owner.n, to->owner.at);
	}
	ck_assert_str_eq(seen, expected);
	rcpt_list_cut(&list, 0);
}

START_TEST(knows_local_users)
{
	expect("anna@example.org", "anna");
	expect("ANNA@EXAMPLE.ORG", "anna");
	expect("anna@other.example", "anna");
	expect("\"anna\"@example.org", "anna");
	expect("\"a\\nna\"@example.org", "anna");
	expect("Anna+tag+more@example.org", "anna");
	expect("anna+@example.org", "anna");
	expect("@relay,@two:anna@example.org", "anna");
	expect("dora@example.org", "550 5.1.1");
	expect("+tag@example.org", "550 5.1.1");
	expect("\"an na\"@example.org", "550 5.1.1");
	expect("\"../anna\"@example.org", "550 5.1.1");
}
END_TEST

START_TEST(relays_nothing_for_a_stranger)
{
	expect("anna@example.net", "550 5.7.1");
	expect("anna@sub.example.org", "550 5.7.1");
	expect("anna@example.orgx", "550 5.7.1");
	expect("x%example.net@example.org", "550 5.1.1");
	expect("\"x@example.net\"@example.org", "550 5.1.1");
	expect("\"anna@example.net\"@example.org", "550 5.1.1");
	expect("example.net!x@example.org", "550 5.1.1");
	expect("@example.org:x@example.net", "550 5.7.1");
	expect("anna@[192.0.2.9]", "550 5.7.1");
}
END_TEST

/* What is ours stays ours, whoever asks. */
START_TEST(relays_for_the_trusted)
{
	trusted = true;
	expect("Carl@Example.NET", "Carl@Example.NET()");
	expect("@example.org:x@example.net", "x@example.net()");
	expect("\"x@example.org\"@example.net", "\"x@example.org\"@example.net()");
	expect("x%example.org@example.net", "x%example.org@example.net()");
	expect("anna@[192.0.2.9]", "anna@[192.0.2.9]()");
	expect("anna@[192.0.2.1]", "anna");
	expect("ANNA@EXAMPLE.ORG", "anna");
	expect("x%example.net@example.org", "550 5.1.1");
	expect("example.net!x@example.org", "550 5.1.1");
	expect("\"x@example.net\"@example.org", "550 5.1.1");
	expect("postmaster", "bob");
	put_aliases("all: anna, x@example.net, X@example.net, x@example.net\n");
	expect("all@example.org", "x@example.net(postmaster) X@example.net(postmaster) anna");
}
END_TEST

START_TEST(takes_a_literal_for_a_domain_of_ours)
{
	char reason[CONFIG_REASON];

	ck_assert_int_eq(config_option(&config, "domain=[198.51.100.1]", reason), 0);
	expect("anna@[198.51.100.1]", "anna");
}
END_TEST

/* An alias is the postmaster's will: a stranger may write to it. */
START_TEST(tells_the_owner_of_an_alias)
{
	put_aliases(
	    "team: a@example.net, inner\ninner: b@example.net\nowner-inner: anna\nlone: c@example.net\n"
	    "owner-out: bob\nout: mid\nmid: d@example.net\n\"two words\": e@example.net\n"
	    "\"owner-two words\": bob\n");
	expect("team@example.org", "a@example.net(postmaster) b@example.net(owner-inner@example.org)");
	expect("inner@Other.Example", "b@example.net(owner-inner@Other.Example)");
	expect("out@example.org", "d@example.net(owner-out@example.org)");
	expect("OUT+x@example.org", "d@example.net(owner-OUT+x@example.org)");
	expect("\"two words\"@example.org", "e@example.net(postmaster)");
	expect("lone@example.org", "c@example.net(postmaster)");
}
END_TEST

START_TEST(tells_each_step)
{
	put_aliases("team: anna, x@example.net\nanna: \\anna\n");
	expect("team+t@example.org", "x@example.net(postmaster) anna");
	ck_assert_str_eq(buf_string(&told),
	    "team+t@example.org is local ;team+t is an alias for anna, x@example.net;"
	    "x@example.net is elsewhere; of a failure is told postmaster;"
	    "anna is an alias for \\anna;anna is the user anna;");
	expect("dora@example.org", "550 5.1.1");
	ck_assert_str_eq(buf_string(&told), "dora@example.org is local ;dora is no user ;");
	expect("dora@example.net", "550 5.7.1");
	ck_assert_str_eq(buf_string(&told), "dora@example.net is elsewhere ;");
}
END_TEST

START_TEST(knows_its_own_address)
{
	expect("anna@[192.0.2.1]", "anna");
	expect("anna@[IPv6:::1]", "550 5.7.1");
	connect_to("::1");
	expect("anna@[ipv6:::1]", "anna");
	expect("anna@[IPv6:0:0:0:0:0:0:0:1]", "anna");
	expect("anna@[192.0.2.1]", "550 5.7.1");
	net_peer_of(-1, &here);
	expect("anna@[127.0.0.1]", "550 5.7.1");
}
END_TEST

START_TEST(finds_the_postmaster)
{
	expect("postmaster", "bob");
	expect("PostMaster@example.org", "bob");
	put_aliases("postmaster: carl\n");
	expect("Postmaster", "carl");
	put_aliases("");
	put("accounts", "bob:{PLAIN}x\npostmaster:{PLAIN}y\n");
	expect("postmaster", "postmaster");
	put("accounts", "");
	expect("postmaster", "550 5.1.1");
}
END_TEST

START_TEST(expands_aliases)
{
	put_aliases("info: anna\nteam: info, bob,anna@example.org, \"carl\"\nall: team, ANNA, "
		    "bob+x\n\"o'neill\": bob\n");
	expect("info@example.org", "anna");
	expect("INFO+tag@example.org", "anna");
	expect("team@example.org", "bob anna carl");
	expect("all@other.example", "anna bob carl");
	expect("o'neill@example.org", "bob");
	expect("team@example.net", "550 5.7.1");
}
END_TEST

START_TEST(prefers_aliases_to_users)
{
	put_aliases("anna: anna, bob\nbob: carl\nfirst: \\bob\nanna+x: carl\n");
	expect("anna@example.org", "anna carl");
	expect("anna+y@example.org", "anna carl");
	expect("anna+x@example.org", "carl");
	expect("bob@example.org", "carl");
	expect("first@example.org", "bob");
}
END_TEST

START_TEST(ends_loops)
{
	put_aliases("a: b\nb: c, anna\nc: a\nx: y\ny: x\nz: z\nanna: bob\nbob: anna\ncarl: carl+tag\n");
	expect("a@example.org", "anna");
	expect("x@example.org", "550 5.4.6");
	expect("z@example.org", "550 5.4.6");
	expect("bob@example.org", "bob");
	expect("carl@example.org", "carl");
}
END_TEST

/* By two routes: the alias anna is expanded once, and her mailbox is not one of its targets. */
START_TEST(expands_an_alias_once)
{
	put_aliases("anna: carl\nteam: anna, bob\nall: anna, team\n");
	expect("all@example.org", "carl bob");
	/* 2^12 routes. */
	put_aliases(
	    "a: b, b\nb: c, c\nc: d, d\nd: e, e\ne: f, f\nf: g, g\ng: h, h\nh: i, i\ni: j, j\nj: k, k\n"
	    "k: l, l\nl: anna, anna\n");
	expect("a@example.org", "anna");
}
END_TEST

START_TEST(refuses_bad_aliases)
{
	put_aliases("out: anna, x@example.net\nfile: /tmp/x\npipe: \"|cat\"\nlist: :include:/tmp/x\nghost: "
		    "anna, dora\n"
		    "bad: anna@\nno\nliteral: anna@[192.0.2.1]\n");
	expect("out@example.org", "x@example.net(postmaster) anna");
	expect("file@example.org", "451 4.3.5");
	expect("pipe@example.org", "451 4.3.5");
	expect("list@example.org", "451 4.3.5");
	expect("ghost@example.org", "550 5.1.1");
	expect("bad@example.org", "451 4.3.5");
	expect("no@example.org", "550 5.1.1");
	expect("literal@example.org", "anna");
}
END_TEST

START_TEST(bounds_expansion)
{
	struct buf text;

	buf_init(&text, ALIASES_TEXT);
	buf_add_string(&text, "a: anna");
	for (int i = 0; i < RCPT_STEPS - 2; i++)
		buf_add_string(&text, ", anna");
	put_aliases(buf_string(&text));
	expect("a@example.org", "anna");
	size_t fits = text.len;
	buf_add_string(&text, ", anna");
	put_aliases(buf_string(&text));
	expect("a@example.org", "451 4.3.5");
	buf_cut(&text, fits);
	buf_add_string(&text, ", x@example.net");
	put_aliases(buf_string(&text));
	expect("a@example.org", "451 4.3.5");
	buf_free(&text);
}
END_TEST

START_TEST(waits_for_accounts)
{
	char path[256];

	put_aliases("a: anna\n");
	snprintf(path, sizeof path, "%s/accounts", dir);
	unlink(path);
	expect("anna@example.org", "451 4.3.0");
	expect("a@example.org", "451 4.3.0");
	expect("x@example.net", "550 5.7.1");
}
END_TEST

START_TEST(reads_aliases_afresh)
{
	char path[256];

	put_aliases("info: anna\n");
	expect("info@example.org", "anna");
	put("aliases", "info: carl\n");
	ck_assert_int_eq(rcpt_refresh(&aliases, root), 0);
	expect("info@example.org", "carl");
	snprintf(path, sizeof path, "%s/aliases", dir);
	unlink(path);
	ck_assert_int_eq(rcpt_refresh(&aliases, root), 0);
	expect("info@example.org", "550 5.1.1");
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(rcpt_refresh(&aliases, root), -1);
	ck_assert_uint_eq(aliases.text.len, 0);
	rmdir(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(rcpt_refresh(&aliases, root), -1);
	ck_assert_int_eq(rcpt_refresh(&aliases, root), -1);
	unlink(path);
	put_aliases("");
	ck_assert_int_eq(truncate(path, ALIASES_TEXT + 1), 0);
	ck_assert_int_eq(rcpt_refresh(&aliases, root), -1);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, knows_local_users);
	tcase_add_test(t, relays_nothing_for_a_stranger);
	tcase_add_test(t, relays_for_the_trusted);
	tcase_add_test(t, takes_a_literal_for_a_domain_of_ours);
	tcase_add_test(t, tells_the_owner_of_an_alias);
	tcase_add_test(t, tells_each_step);
	tcase_add_test(t, knows_its_own_address);
	tcase_add_test(t, finds_the_postmaster);
	tcase_add_test(t, expands_aliases);
	tcase_add_test(t, prefers_aliases_to_users);
	tcase_add_test(t, ends_loops);
	tcase_add_test(t, expands_an_alias_once);
	tcase_add_test(t, refuses_bad_aliases);
	tcase_add_test(t, bounds_expansion);
	tcase_add_test(t, waits_for_accounts);
	tcase_add_test(t, reads_aliases_afresh);
}

int
main(void)
{
	return run_suite("smtpd rcpt", add);
}

#include "alias.h"
#include "unit.h"

/* "line:name" of each entry, "line!" of each that is none. */
static void
expect_entries(const char *text, const char *expected)
{
	struct span all = guarded_span(span_of(text));
	struct alias_reader reader = { .rest = all };
	struct alias alias;
	const char *reason;
	struct buf seen;
	int result;

	buf_init(&seen, 4096);
	while ((result = alias_next(&reader, &alias, &reason)) != 0) {
		buf_printf(&seen, "%d%s", alias.line, result < 0 ? "! " : ":");
		if (result > 0) {
			buf_add_span(&seen, alias.name);
			buf_add_char(&seen, ' ');
		}
	}
	ck_assert_str_eq(buf_string(&seen), expected);
	buf_free(&seen);
	unguard((char *)(uintptr_t)all.at, all.n);
}

/* The targets of a name, each behind its kind; "-" where there is no such alias, "!" where one is malformed. */
static void
expect_targets(const char *text, const char *name, const char *expected)
{
	struct span targets, target, all = guarded_span(span_of(text));
	struct buf seen;
	enum alias_kind kind;
	int result = 0;

	buf_init(&seen, 4096);
	if (!alias_find(all, guarded_span(span_of(name)), &targets))
		buf_add_char(&seen, '-');
	else
		while ((result = alias_target(&targets, &target, &kind)) > 0) {
			buf_add_char(&seen, "@\\/"[kind]);
			buf_add_span(&seen, target);
			buf_add_char(&seen, ';');
		}
	if (result < 0)
		buf_add_char(&seen, '!');
	ck_assert_str_eq(buf_string(&seen), expected);
	buf_free(&seen);
}

START_TEST(reads_entries)
{
	expect_entries("", "");
	expect_entries("\n \n# only\n   # comments\n", "");
	expect_entries("a: b", "1:a ");
	expect_entries("# x\na: b\r\n\n\"b c\" : d,\n e\n#no\n\tf\ng:h\n", "2:a 4:\"b c\" 8:g ");
}
END_TEST

START_TEST(skips_what_is_malformed)
{
	expect_entries(" a: b\nc: d\n", "1! 2:c ");
	expect_entries("a\nb c: d\n: e\n\"f: g\n\"h\" i: j\nk: l\n", "1! 2! 3! 4! 5! 6:k ");
	expect_entries("a:\nb: # nobody\nc: ,,\nd: e\n", "1! 2! 3! 4:d ");
	expect_entries("a: \"b\nc: \"d\\\"\ne: f\001g\nh: i\n", "1! 2! 3! 4:h ");
	expect_entries("a\001b: c\nd: \\\ne: f\n", "1! 2! 3:e ");
}
END_TEST

START_TEST(finds_targets)
{
	static const char text[] = "Info: anna, bob@example.org ,\\carl\n"
				   "team: anna bob # the two\n\t, carl\n"
				   "\"two words\": x\n\"plain\": y\ninfo: z\nno\n";

	expect_targets(text, "info", "@anna;@bob@example.org;\\carl;");
	expect_targets(text, "INFO", "@anna;@bob@example.org;\\carl;");
	expect_targets(text, "team", "@anna;@bob;@carl;");
	expect_targets(text, "two words", "@x;");
	expect_targets(text, "plain", "@y;");
	expect_targets(text, "two", "-");
	expect_targets(text, "", "-");
	expect_targets("", "x", "-");
	expect_targets("x:\nx: y\n", "x", "@y;");
	expect_targets("x: y,\n\n# z\n z\n", "x", "@y;@z;");
}
END_TEST

START_TEST(knows_what_is_no_address)
{
	expect_targets("a: /var/mail/x, b", "a", "//var/mail/x;@b;");
	expect_targets("a: |/bin/cat -n file, b", "a", "/|/bin/cat;@b;");
	expect_targets("a: \"|/bin/cat -n, x\", b", "a", "/\"|/bin/cat -n, x\";@b;");
	expect_targets("a: :include:/etc/list", "a", "/:include:/etc/list;");
	expect_targets("a: :Include:/etc/list", "a", "/:Include:/etc/list;");
	expect_targets("a: \"b c\"@d, \"e\\\"f\"", "a", "@\"b c\"@d;@\"e\\\"f\";");
}
END_TEST

START_TEST(bounds_targets)
{
	char text[1200] = "a: ";

	memset(text + 3, 'x', 1024);
	expect_targets("a: b", "a", "@b;");
	ck_assert_uint_eq(strlen(text), 1027);
	expect_entries(text, "1:a ");
	text[1027] = 'x';
	expect_entries(text, "1! ");
}
END_TEST

/* Whatever the text, nothing is read behind its end, and the reader comes to it. */
START_TEST(survives_every_cut)
{
	static const char text[] = "a: b, \"c d\"@e\n# f\n \\g, |h i,\n\"j\\\"k\": :include:/l\nm";

	for (size_t n = 0; n <= strlen(text); n++) {
		char *at = guarded(text, n);
		struct alias_reader reader = { .rest = { at, n } };
		struct alias alias;
		const char *reason;
		struct span targets;
		int entries = 0;

		while (alias_next(&reader, &alias, &reason) != 0)
			ck_assert_int_lt(entries++, 10);
		alias_find((struct span){ at, n }, span_of("j\"k"), &targets);
		unguard(at, n);
	}
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, reads_entries);
	tcase_add_test(t, skips_what_is_malformed);
	tcase_add_test(t, finds_targets);
	tcase_add_test(t, knows_what_is_no_address);
	tcase_add_test(t, bounds_targets);
	tcase_add_test(t, survives_every_cut);
}

int
main(void)
{
	return run_suite("smtpd alias", add);
}

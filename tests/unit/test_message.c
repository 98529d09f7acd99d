#include "unit.h"

#include <stdio.h>

#include "message.h"

/* "name=value|…!body" of a whole message. */
static const char *
fields_of(struct span message)
{
	static char result[4096];
	struct span rest = message;
	struct field f;
	size_t n = 0;

	while (field_next(&rest, &f)) {
		ck_assert_ptr_eq(f.whole.at, f.name.at);
		n += (size_t)snprintf(result + n, sizeof(result) - n, "%.*s=%.*s|", (int)f.name.n, f.name.at,
		    (int)f.value.n, f.value.n > 0 ? f.value.at : "");
		ck_assert_ptr_eq(f.whole.at + f.whole.n, rest.n > 0 ? rest.at : message.at + message.n);
	}
	snprintf(result + n, sizeof(result) - n, "!%.*s", (int)rest.n, rest.n > 0 ? rest.at : "");
	return result;
}

static void
expect_fields(const char *message, const char *expected)
{
	ck_assert_str_eq(fields_of(guarded_span(span_of(message))), expected);
}

START_TEST(takes_fields_apart)
{
	expect_fields("", "!");
	expect_fields("A: 1\r\nB:2\r\n\r\nbody\r\n", "A= 1|B=2|!body\r\n");
	expect_fields("A: 1\nB:2\n\nbody\n", "A= 1|B=2|!body\n");
	expect_fields("A: 1\n b\r\n\tc\nB:\r\n\r\n", "A= 1\n b\r\n\tc|B=|!");
	expect_fields("A \t: 1\r\n\r\n", "A= 1|!");
	expect_fields("A:", "A=|!");
	expect_fields("A:\n", "A=|!");
	expect_fields("A:\r\n", "A=|!");
	expect_fields("A:\r", "A=\r|!");
	expect_fields("A: 1\r\n ", "A= 1\r\n |!");
	expect_fields("A: 1\r\n \r\nB: 2\r\n", "A= 1\r\n |B= 2|!");
	expect_fields("A: 1\r", "A= 1\r|!");
	expect_fields("\r\nA: 1\r\n", "!A: 1\r\n");
	expect_fields("\n\n", "!\n");
}
END_TEST

START_TEST(ends_at_what_is_no_field)
{
	expect_fields("A: 1\r\nno field\r\nB: 2\r\n", "A= 1|!no field\r\nB: 2\r\n");
	expect_fields("A: 1\r\nno field: x\r\n", "A= 1|!no field: x\r\n");
	expect_fields(": x\r\n", "!: x\r\n");
	expect_fields(" A: 1\r\n", "! A: 1\r\n");
	expect_fields("\xc3\xa4: 1\r\n", "!\xc3\xa4: 1\r\n");
	expect_fields("A", "!A");
	expect_fields("A: 1\r\n\r", "A= 1|!\r");
	expect_fields("A: 1\r\nFrom\r\n", "A= 1|!From\r\n");
}
END_TEST

START_TEST(passes_over_an_envelope_line)
{
	expect_fields("From a@b Tue Nov 24 05:31:18 2026\nA: 1\n\nFrom x\n", "A= 1|!From x\n");
	expect_fields("A: 1\r\n>From a@b 05:31\r\nFrom x\r\nB: 2\r\n", "A= 1|B= 2|!");
	expect_fields("A: 1\r\nFrom x\r\n\r\nbody", "A= 1|!body");
	expect_fields("A: 1\r\nFrom x", "A= 1|!");
	expect_fields("From ", "!");
}
END_TEST

/* However it is cut, what comes out lies within the cut, and nothing is read behind it. */
START_TEST(stays_within_a_cut)
{
	const char *whole = "A: 1\r\n 2\r\nLong-Name :\r\n\tx\r\n\r\nbody";

	for (size_t n = 0; n <= strlen(whole); n++)
		fields_of(guarded_span((struct span){ whole, n }));
}
END_TEST

START_TEST(finds_the_first)
{
	struct field f;
	struct span message = guarded_span(span_of("A: 1\r\nSubject: x\r\nSUBJECT: y\r\n\r\nTo: z\r\n"));

	ck_assert(field_find(message, "subject", &f));
	expect_span(f.value, " x");
	expect_span(f.whole, "Subject: x\r\n");
	ck_assert(!field_find(message, "To", &f));
	ck_assert(!field_find(message, "Subj", &f));
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, takes_fields_apart);
	tcase_add_test(t, ends_at_what_is_no_field);
	tcase_add_test(t, passes_over_an_envelope_line);
	tcase_add_test(t, stays_within_a_cut);
	tcase_add_test(t, finds_the_first);
}

int
main(void)
{
	return run_suite("message", add);
}

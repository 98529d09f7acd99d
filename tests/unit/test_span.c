#include "unit.h"

START_TEST(slices_are_cut_to_what_is_there)
{
	struct span s = span_of("abcdef");

	expect_span(span_slice(s, 1, 3), "bc");
	expect_span(span_slice(s, 0, 6), "abcdef");
	expect_span(span_slice(s, 4, SIZE_MAX), "ef");
	expect_span(span_slice(s, 6, 9), "");
	expect_span(span_slice(s, 3, 3), "");
	expect_span(span_slice(s, 3, 2), "");
	expect_span(span_slice(s, SIZE_MAX, SIZE_MAX), "");
	expect_span(span_slice((struct span){ NULL, 0 }, 0, 1), "");
}
END_TEST

START_TEST(trims_blanks_at_both_ends)
{
	expect_span(span_trim(span_of(" \t a b \r\n")), "a b");
	expect_span(span_trim(span_of("ab")), "ab");
	expect_span(span_trim(span_of(" \t\r\n ")), "");
	expect_span(span_trim((struct span){ NULL, 0 }), "");
	expect_span(span_trim(guarded_span(span_of("  x"))), "x");
	expect_span(span_trim(guarded_span(span_of("   "))), "");
}
END_TEST

START_TEST(compares_as_ascii)
{
	ck_assert(span_is(span_of("QUIT"), "QUIT"));
	ck_assert(!span_is(span_of("QUIT"), "quit"));
	ck_assert(!span_is(span_of("QUI"), "QUIT"));
	ck_assert(!span_is(span_of("QUITS"), "QUIT"));
	ck_assert(span_is((struct span){ NULL, 0 }, ""));
	ck_assert(span_is_nocase(span_of("qUiT"), "QuIt"));
	ck_assert(!span_is_nocase(span_of("qUi"), "QuIt"));
	/* '@' and '[' lie beside the letters, and '`' and '{'. */
	ck_assert(!span_is_nocase(span_of("@[`{"), "`{@["));
	ck_assert(!span_is_nocase(span_of("\xc4"), "\xe4"));
	ck_assert(span_equal_nocase(span_of("\xc4Z"), span_of("\xc4z")));
	ck_assert(!span_is((struct span){ "a\0b", 3 }, "a"));
	ck_assert(span_is(guarded_span(span_of("QUIT")), "QUIT"));
	ck_assert(!span_is(guarded_span(span_of("QUI")), "QUIT"));
}
END_TEST

START_TEST(splits_at_the_first)
{
	struct span rest;

	expect_span(span_until(span_of("a:b:c"), ':', &rest), "a");
	expect_span(rest, "b:c");
	expect_span(span_until(span_of("a:"), ':', &rest), "a");
	expect_span(rest, "");
	ck_assert_ptr_nonnull(rest.at);
	expect_span(span_until(span_of(":a"), ':', &rest), "");
	expect_span(rest, "a");
	expect_span(span_until(guarded_span(span_of("abc")), ':', &rest), "abc");
	ck_assert_ptr_null(rest.at);
	expect_span(span_until((struct span){ NULL, 0 }, ':', &rest), "");
	ck_assert_ptr_null(rest.at);

	struct span s = span_of("a:b");
	expect_span(span_until(s, ':', &s), "a");
	expect_span(s, "b");
}
END_TEST

START_TEST(numbers_are_whole_and_bounded)
{
	ck_assert_int_eq(span_number(span_of("0"), 0), 0);
	ck_assert_int_eq(span_number(span_of("007"), 10), 7);
	ck_assert_int_eq(span_number(span_of("10"), 10), 10);
	ck_assert_int_eq(span_number(span_of("11"), 10), -1);
	ck_assert_int_eq(span_number(span_of("1"), 0), -1);
	ck_assert_int_eq(span_number(span_of("9"), 8), -1);
	ck_assert_int_eq(span_number(span_of(""), 10), -1);
	ck_assert_int_eq(span_number(span_of("-1"), 10), -1);
	ck_assert_int_eq(span_number(span_of("+1"), 10), -1);
	ck_assert_int_eq(span_number(span_of(" 1"), 10), -1);
	ck_assert_int_eq(span_number(span_of("1 "), 10), -1);
	ck_assert_int_eq(span_number(span_of("1x"), 10), -1);
	ck_assert_int_eq(span_number((struct span){ "1\0", 2 }, 10), -1);
	ck_assert(span_number(span_of("9223372036854775807"), INT64_MAX) == INT64_MAX);
	ck_assert_int_eq(span_number(span_of("9223372036854775808"), INT64_MAX), -1);
	ck_assert_int_eq(span_number(span_of("9999999999999999999"), INT64_MAX), -1);
	ck_assert_int_eq(span_number(span_of("00000000000000000001"), INT64_MAX), -1);
	ck_assert_int_eq(span_number(guarded_span(span_of("42")), 99), 42);
}
END_TEST

START_TEST(classes_are_ascii)
{
	for (int i = 0; i < 256; i++) {
		char c = (char)i;
		ck_assert(ascii_is_digit(c) == (i >= 48 && i <= 57));
		ck_assert(ascii_is_print(c) == (i >= 32 && i <= 126));
		bool letter = (i >= 65 && i <= 90) || (i >= 97 && i <= 122);
		ck_assert(ascii_is_alnum(c) == (letter || (i >= 48 && i <= 57)));
		ck_assert_int_eq((unsigned char)ascii_lower(c), i >= 65 && i <= 90 ? i + 32 : i);
	}
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, slices_are_cut_to_what_is_there);
	tcase_add_test(t, trims_blanks_at_both_ends);
	tcase_add_test(t, compares_as_ascii);
	tcase_add_test(t, splits_at_the_first);
	tcase_add_test(t, numbers_are_whole_and_bounded);
	tcase_add_test(t, classes_are_ascii);
}

int
main(void)
{
	return run_suite("span", add);
}

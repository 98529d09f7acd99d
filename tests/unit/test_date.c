#include "unit.h"

#include "date.h"

static void
expect_date(const char *text, int64_t expected, int expected_zone)
{
	int64_t seconds = -1;
	int zone = -1;

	if (date_parse(guarded_span(span_of(text)), &seconds, &zone) < 0)
		ck_abort_msg("\"%s\" was refused", text);
	if (seconds != expected || zone != expected_zone)
		ck_abort_msg("\"%s\" is %lld (%d)", text, (long long)seconds, zone);
	ck_assert_int_eq(date_parse(span_of(text), &seconds, NULL), 0);
}

static void
refuse(const char *text)
{
	int64_t seconds;

	ck_assert_msg(date_parse(guarded_span(span_of(text)), &seconds, NULL) < 0, "\"%s\" was taken", text);
}

/* RFC 5322 appendix A; the seconds are those of date(1). */
START_TEST(reads_the_rfcs_examples)
{
	expect_date("Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360);
	expect_date("Tue, 1 Jul 2003 10:52:37 +0200", 1057049557, 120);
	expect_date("Thu, 13 Feb 1969 23:32:54 -0330", -27723426, -210);
	expect_date("Mon, 24 Nov 1997 14:22:01 -0800", 880410121, -480);
	expect_date("Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n"
		    "               -0330 (Newfoundland Time)",
	    -27723480, -210);
	expect_date("21 Nov 97 09:55:06 GMT", 880106106, 0);
	expect_date("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, -360);
}
END_TEST

START_TEST(reads_what_mailers_write)
{
	expect_date("24 Nov 2026 05:31:18 +0000", 1795498278, 0);
	expect_date("Tue, 24 Nov 2026 05:31 +0000", 1795498260, 0);
	expect_date("tue, 24 NOV 2026 05:31:18 ut", 1795498278, 0);
	expect_date("Tue,24 Nov 2026 00:31:18 EST", 1795498278, -300);
	expect_date("Tue, 24 Nov 2026 05:31:18 Z", 1795498278, 0);
	expect_date("Tue, 24 Nov 2026 05:31:18", 1795498278, 0);
	expect_date("Tue Nov 24 05:31:18 2026", 1795498278, 0);
	expect_date("Tuesday, 24-Nov-26 05:31:18 GMT", 1795498278, 0);
	expect_date("Tue, 24 November 2026 05:31:18 -0000 (UTC (really \\) so))", 1795498278, 0);
	expect_date("1 Jan 126 00:00:00 +0000", 1767225600, 0);
	expect_date("1 Jan 49 00:00:00 +0000", 2493072000, 0);
	expect_date("1 Jan 50 00:00:00 +0000", -631152000, 0);
	expect_date("29 Feb 2024 00:00:00 +0000", 1709164800, 0);
	expect_date("31 Dec 2016 23:59:60 +0000", 1483228800, 0);
}
END_TEST

START_TEST(refuses_what_is_no_date)
{
	const char *bad[] = { "", "x", "(", "24 Nov 2026", "24 Nov 05:31:18", "Nov 2026 05:31:18",
		"2026-11-24 05:31:18", "0 Nov 2026 05:31", "31 Nov 2026 05:31", "29 Feb 2026 05:31",
		"29 Feb 2100 05:31", "24 Nov 2026 24:00", "24 Nov 2026 05:60", "24 Nov 2026 05:31:61",
		"24 Nov 2026 5:", "24 Nov 2026 05:31:", "24 Nov 2026 05:31 +1", "24 Nov 2026 05:31 +0060",
		"24 Nov 2026 05:31 +00000", "24 Nov 2026 05:31 +", "24 Nov 10000 05:31",
		"24 Nov 2026 05:31 05:32", "24 Nov 2026 7 05:31", "24 Foo 2026 05:31",
		"99999999999999999999 Nov 2026 05:31", "24 Nov 2026 05:31 +0000 \xff",
		"24 Nov 2026 05:31 +0000 -0100", "24 Nov 2026 99999999999:31" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuse(bad[i]);
}
END_TEST

START_TEST(reads_only_what_is_there)
{
	const char *whole = "Fri, 21 Nov 1997 09(c(d)):   55  :  06 -0600 (x)";
	int64_t seconds;

	for (size_t n = 0; n < strlen(whole); n++)
		date_parse(guarded_span((struct span){ whole, n }), &seconds, NULL);
}
END_TEST

static void
expect_text(int64_t seconds, int zone, const char *expected)
{
	struct buf out;

	buf_init(&out, 64);
	ck_assert_int_eq(date_format(seconds, zone, &out), 0);
	expect_span(buf_span(&out), expected);
	buf_free(&out);
}

START_TEST(writes)
{
	struct buf out;

	expect_text(0, 0, "Thu, 1 Jan 1970 00:00:00 +0000");
	expect_text(1795498278, 0, "Tue, 24 Nov 2026 05:31:18 +0000");
	expect_text(1795498278, -210, "Tue, 24 Nov 2026 02:01:18 -0330");
	expect_text(1795498278, 14 * 60, "Tue, 24 Nov 2026 19:31:18 +1400");
	expect_text(-1, 0, "Wed, 31 Dec 1969 23:59:59 +0000");
	expect_text(951782400, 0, "Tue, 29 Feb 2000 00:00:00 +0000");
	expect_text(INT64_MIN, -60, "Sat, 1 Jan 0000 00:00:00 -0100");
	expect_text(INT64_MAX, 60, "Fri, 31 Dec 9999 23:59:59 +0100");
	buf_init(&out, 64);
	ck_assert_int_eq(date_format_ctime(1795498278, &out), 0);
	expect_span(buf_span(&out), "Tue Nov 24 05:31:18 2026");
	buf_clear(&out);
	ck_assert_int_eq(date_format_ctime(951868799, &out), 0);
	expect_span(buf_span(&out), "Tue Feb 29 23:59:59 2000");
	buf_clear(&out);
	ck_assert_int_eq(date_format_ctime(0, &out), 0);
	expect_span(buf_span(&out), "Thu Jan  1 00:00:00 1970");
	buf_free(&out);
}
END_TEST

/* Every day of the years 0 to 9999: the calendar goes on by one day, and the way back is the same. */
START_TEST(knows_every_day)
{
	struct tm last = date_split(-62167219200, 0);
	struct buf out;
	int64_t seconds;

	buf_init(&out, 64);
	for (int64_t day = -719527; day <= 2932896; day++) {
		struct tm c = date_split(day * 86400 + 43200, 0);
		bool next_day =
		    c.tm_mday == last.tm_mday + 1 && c.tm_mon == last.tm_mon && c.tm_year == last.tm_year;
		bool next_month =
		    c.tm_mday == 1 && last.tm_mday >= 28 &&
		    (c.tm_mon == last.tm_mon + 1 || (c.tm_mon == 0 && c.tm_year == last.tm_year + 1));
		/* An assertion that holds costs a write(2): too much for each of 3.6 million days. */
		if ((!next_day && !next_month) || c.tm_wday != (last.tm_wday + 1) % 7)
			ck_abort_msg("day %lld", (long long)day);
		last = c;
		if (day % 97 != 0 || c.tm_year < -900)
			continue;
		buf_clear(&out);
		date_format(day * 86400 + 3661, 330, &out);
		ck_assert_int_eq(date_parse(buf_span(&out), &seconds, NULL), 0);
		ck_assert_int_eq(seconds, day * 86400 + 3661);
	}
	buf_free(&out);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, reads_the_rfcs_examples);
	tcase_add_test(t, reads_what_mailers_write);
	tcase_add_test(t, refuses_what_is_no_date);
	tcase_add_test(t, reads_only_what_is_there);
	tcase_add_test(t, writes);
	tcase_add_test(t, knows_every_day);
}

int
main(void)
{
	return run_suite("date", add);
}

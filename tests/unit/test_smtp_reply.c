#include "unit.h"

#include <stdio.h>

#include "bounds.h"
#include "smtp_reply.h"

/* "code:text|code:text…" of a stream that is pushed in pieces of `step` bytes; "bad" ends it. */
static const char *
replies_of(struct span stream, size_t step)
{
	static char result[4096];
	struct smtp_reply reply;
	size_t n = 0;

	result[0] = '\0';
	smtp_reply_init(&reply);
	while (stream.n > 0) {
		size_t part = stream.n < step ? stream.n : step, used;
		enum smtp_reply_result got = smtp_reply_push(&reply, stream.at, part, &used);
		ck_assert(used <= part && (got != SMTP_REPLY_MORE || used == part));
		stream = (struct span){ stream.at + used, stream.n - used };
		if (got == SMTP_REPLY_WHOLE)
			n += (size_t)snprintf(
			    result + n, sizeof(result) - n, "%d:%s|", reply.code, buf_string(&reply.text));
		if (got == SMTP_REPLY_BAD) {
			snprintf(result + n, sizeof(result) - n, "bad");
			break;
		}
	}
	smtp_reply_free(&reply);
	return result;
}

static void
expect_replies(const char *stream, const char *expected)
{
	size_t n = strlen(stream);

	for (size_t step = 1; step <= n; step++)
		ck_assert_str_eq(replies_of(guarded_span((struct span){ stream, n }), step), expected);
}

START_TEST(takes_replies)
{
	expect_replies("250 ok\r\n", "250:250 ok|");
	expect_replies("250\r\n", "250:250|");
	expect_replies("250 \r\n", "250:250 |");
	expect_replies("220 a\r\n354 b\n599 c\r\n", "220:220 a|354:354 b|599:599 c|");
	expect_replies("250-a\r\n250-b\r\n250 c\r\n", "250:250-a\n250-b\n250 c|");
	expect_replies("250-\r\n250\r\n221 x\r\n", "250:250-\n250|221:221 x|");
	expect_replies("250 half", "");
	expect_replies("250-half\r\n", "");
	expect_replies("250 \xff\x01\r\n", "250:250 \xff\x01|");
}
END_TEST

START_TEST(refuses_malformed_ones)
{
	expect_replies("\r\n", "bad");
	expect_replies("hello\r\n", "bad");
	expect_replies("25\r\n", "bad");
	expect_replies("2500 x\r\n", "bad");
	expect_replies("250x\r\n", "bad");
	expect_replies("250\tx\r\n", "bad");
	expect_replies("150 x\r\n", "bad");
	expect_replies("600 x\r\n", "bad");
	expect_replies("-50 x\r\n", "bad");
	expect_replies(" 250 x\r\n", "bad");
	expect_replies("250-a\r\n251 b\r\n", "bad");
	expect_replies("250-a\r\nb\r\n", "bad");
	expect_replies("250 a\r\n250-b\r\n550 c\r\n", "250:250 a|bad");
}
END_TEST

START_TEST(bounds_what_comes)
{
	struct smtp_reply reply;
	size_t used, total = 0;
	enum smtp_reply_result result = SMTP_REPLY_MORE;

	smtp_reply_init(&reply);
	while ((result = smtp_reply_push(&reply, "250-and so on", 13, &used)) == SMTP_REPLY_MORE &&
	       total < REPLY_LINE * 2)
		total += used;
	ck_assert_int_eq(result, SMTP_REPLY_BAD); /* a line that does not end */
	ck_assert_uint_le(total, REPLY_LINE + 13);
	smtp_reply_free(&reply);

	smtp_reply_init(&reply);
	total = 0;
	while ((result = smtp_reply_push(&reply, "250-and so on\r\n", 15, &used)) == SMTP_REPLY_MORE &&
	       total < REPLY_TEXT * 2)
		total += used;
	ck_assert_int_eq(result, SMTP_REPLY_BAD); /* lines that do not end */
	ck_assert_uint_le(total, REPLY_TEXT * 2);
	smtp_reply_free(&reply);
}
END_TEST

static void
expect_enhanced(const char *text, const char *expected)
{
	expect_span(smtp_reply_enhanced(guarded_span(span_of(text))), expected);
}

START_TEST(finds_enhanced_codes)
{
	expect_enhanced("250 2.1.5 ok", "2.1.5");
	expect_enhanced("550-5.7.1 a\n550 5.7.1 b", "5.7.1");
	expect_enhanced("550 5.123.456", "5.123.456");
	expect_enhanced("550 5.1.1234 x", "");
	expect_enhanced("550 5.1.1x", "");
	expect_enhanced("550 4.1.1 x", "");
	expect_enhanced("550 5.1", "");
	expect_enhanced("550 5..1 x", "");
	expect_enhanced("550 5.1. x", "");
	expect_enhanced("550", "");
	expect_enhanced("", "");
}
END_TEST

START_TEST(gives_lines_without_codes)
{
	struct span rest = span_of("250-a\n250\n250 b c"), line;

	ck_assert(smtp_reply_next_line(&rest, &line));
	expect_span(line, "a");
	ck_assert(smtp_reply_next_line(&rest, &line));
	expect_span(line, "");
	ck_assert(smtp_reply_next_line(&rest, &line));
	expect_span(line, "b c");
	ck_assert(!smtp_reply_next_line(&rest, &line));
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, takes_replies);
	tcase_add_test(t, refuses_malformed_ones);
	tcase_add_test(t, bounds_what_comes);
	tcase_add_test(t, finds_enhanced_codes);
	tcase_add_test(t, gives_lines_without_codes);
}

int
main(void)
{
	return run_suite("smtp_reply", add);
}

#include "trace.h"
#include "unit.h"

static struct trace
plain(void)
{
	return (struct trace){ .helo = span_of("home.example.net"),
		.client = "[192.0.2.1]",
		.hostname = "mail.example.org",
		.with = "ESMTP",
		.id = "id1",
		.recipient = span_of("anna@example.org"),
		.now = 1795498278,
		.zone = -150 };
}

static void
expect_received(const struct trace *trace, const char *expected)
{
	struct buf out;

	buf_init(&out, TRACE_FIELDS);
	ck_assert_int_eq(trace_received(trace, &out), 0);
	ck_assert_str_eq(buf_string(&out), expected);
	buf_free(&out);
}

START_TEST(says_where_it_came_from)
{
	struct trace trace = plain();

	expect_received(&trace, "Received: from home.example.net ([192.0.2.1])\n"
				"\tby mail.example.org with ESMTP id id1\n"
				"\tfor <anna@example.org>;\n"
				"\tTue, 24 Nov 2026 03:01:18 -0230\n");
	trace.recipient.n = 0;
	trace.helo = span_of("[IPv6:::1]");
	expect_received(&trace, "Received: from [IPv6:::1] ([192.0.2.1])\n"
				"\tby mail.example.org with ESMTP id id1;\n"
				"\tTue, 24 Nov 2026 03:01:18 -0230\n");
}
END_TEST

START_TEST(lets_nothing_be_injected)
{
	struct trace trace = plain();

	trace.recipient.n = 0;
	trace.helo = guarded_span((struct span){ "a\r\nX: (y); z\0\"\\<\xff", 18 });
	expect_received(&trace, "Received: from a--X:--y---z------ ([192.0.2.1])\n"
				"\tby mail.example.org with ESMTP id id1;\n"
				"\tTue, 24 Nov 2026 03:01:18 -0230\n");
}
END_TEST

START_TEST(completes_what_is_missing)
{
	struct trace trace = plain();
	struct buf out;

	buf_init(&out, 100);
	ck_assert_int_eq(trace_date(&trace, &out), 0);
	ck_assert_int_eq(trace_message_id(&trace, &out), 0);
	ck_assert_str_eq(
	    buf_string(&out), "Date: Tue, 24 Nov 2026 03:01:18 -0230\nMessage-ID: <id1@mail.example.org>\n");
	ck_assert_int_eq(trace_message_id(&trace, &out), -1);
	buf_free(&out);
}
END_TEST

START_TEST(says_whose_it_is)
{
	struct buf out;

	buf_init(&out, TRACE_FIELDS);
	ck_assert_int_eq(trace_delivered(span_of("a@b"), span_of("anna"), span_of("example.org"), &out), 0);
	ck_assert_int_eq(
	    trace_delivered((struct span){ NULL, 0 }, span_of("bob"), span_of("[::1]"), &out), 0);
	ck_assert_str_eq(buf_string(&out), "Return-Path: <a@b>\nDelivered-To: anna@example.org\n"
					   "Return-Path: <>\nDelivered-To: bob@[::1]\n");
	buf_free(&out);
	buf_init(&out, 50);
	ck_assert_int_eq(trace_delivered(span_of("a@b"), span_of("anna"), span_of("example.org"), &out), 0);
	ck_assert_int_eq(trace_delivered(span_of("a@b"), span_of("anna"), span_of("example.org"), &out), -1);
	buf_free(&out);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, says_where_it_came_from);
	tcase_add_test(t, lets_nothing_be_injected);
	tcase_add_test(t, completes_what_is_missing);
	tcase_add_test(t, says_whose_it_is);
}

int
main(void)
{
	return run_suite("smtpd trace", add);
}

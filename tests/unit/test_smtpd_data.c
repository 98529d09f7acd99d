/* DATA and BDAT: what becomes of content, good and bad. */
#include "smtpd_talk.h"

#include "bounds.h"
#include "command.h"

#define BEGIN EHLO MAIL RCPT
#define BEGUN "220, 250, 250 2.1.0, 250 2.1.5, "

START_TEST(keeps_bytes_as_they_are)
{
	talk(BEGIN "DATA\r\n\f\xff\x80\t\x01 x\r\n\r\n..\r\n...\r\n.x\r\n.\r\n", BEGUN "354, 250 2.0.0");
	expect_span(buf_span(&world.stored), "\xff\x80\t\x01 x\r\n\r\n.\r\n..\r\nx\r\n");
	talk(BEGIN "DATA\r\n\f.\r\n", BEGUN "354, 250 2.0.0");
	ck_assert_uint_eq(world.stored.len, 0);
	ck_assert_int_eq(world.messages, 1);
}
END_TEST

/* Each is what some server takes for an end, and what a smuggler sends. */
START_TEST(refuses_bare_line_ends)
{
	static const char *const bad[] = { "x\n.\r\n", "x\r.\r\n", "x\n.\n", "x\r\n.\n", "x\r\n.\rMAIL\r\n",
		"\n", "\r\r\n", "x\r\n.\r.\r\n", "\r\n.\r\r\n" };
	char text[256];

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(text, sizeof text, BEGIN "DATA\r\n\f%s" MAIL RCPT, bad[i]);
		talk(text, BEGUN "354, 554 5.6.0");
		ck_assert(world.closed);
		ck_assert_int_eq(world.messages, 0);
		ck_assert_uint_eq(world.content.len, 0);
	}
	talk_bytes(BYTES(BEGIN "DATA\r\n\fa\0b\r\n.\r\n"), BEGUN "354, 554 5.6.0");
	ck_assert(world.closed);
}
END_TEST

START_TEST(refuses_content_before_its_turn)
{
	begin();
	feed(span_of(BEGIN), 0);
	buf_clear(&said);
	feed(span_of("DATA\r\nSubject: x\r\n\r\n.\r\nMAIL FROM:<x@y>\r\n"), 0);
	ck_assert(world.closed && world.early);
	ck_assert_str_eq(buf_string(&said), "554 5.5.0 You spoke out of turn\r\n");
	ck_assert_int_eq(world.messages, 0);
	ck_assert_str_eq(buf_string(&world.refusals), "DATA 554;");
}
END_TEST

START_TEST(throws_away_what_is_too_big)
{
	char text[4096], line[] = "0123456789012345678901234567890123456789\r\n";
	size_t n;

	n = (size_t)snprintf(text, sizeof text, BEGIN "DATA\r\n\f");
	for (int i = 0; i < 24; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s", line);
	snprintf(text + n, sizeof text - n, ".\r\n");
	settings.message_size = 24 * (sizeof line - 1);
	talk(text, BEGUN "354, 250 2.0.0");
	settings.message_size--;
	snprintf(text + n, sizeof text - n, ".\r\n" MAIL "DATA\r\n");
	talk(text, BEGUN "354, 552 5.3.4, 250 2.1.0, 503 5.5.1");
	ck_assert_int_eq(world.messages, 0);
}
END_TEST

/* In memory that does not grow: the world is told to forget as soon as the bound is passed. */
START_TEST(bounds_memory)
{
	char text[1000];

	memset(text, 'x', sizeof text);
	settings.message_size = 5000;
	begin();
	feed(span_of(BEGIN "DATA\r\n"), 0);
	for (int i = 0; i < 10000; i++)
		feed((struct span){ text, sizeof text }, 0);
	ck_assert_uint_eq(world.content.len, 0);
	ck_assert_uint_le(world.content.size, 16 * 1024);
	ck_assert_uint_le(world.session.content.size, (size_t)4 * DATA_PIECE);
	feed(span_of("\r\n.\r\n"), 0);
	ck_assert_ptr_nonnull(strstr(buf_string(&said), "\r\n552 5.3.4 "));
}
END_TEST

START_TEST(says_what_the_world_says)
{
	fail_finish = (struct reply){ 452, "4.3.1", "full" };
	talk(BEGIN "DATA\r\n\fx\r\n.\r\n" MAIL, BEGUN "354, 452 4.3.1, 250 2.1.0");
	talk(BEGIN "BDAT 1 LAST\r\nx" MAIL, BEGUN "452 4.3.1, 250 2.1.0");
	ck_assert_str_eq(buf_string(&world.refusals), "BDAT 452;");
}
END_TEST

START_TEST(takes_chunks)
{
	talk(BEGIN "BDAT 5\r\na\r\n.\rBDAT 1\r\n\nBDAT 0\r\nBDAT 4 last\r\nEND\n",
	    BEGUN "250 2.0.0, 250 2.0.0, 250 2.0.0, 554 5.6.0");
	talk(BEGIN "BDAT 5\r\na\r\n.\rBDAT 1\r\n\nBDAT 0\r\nbdat  5  last \r\nEND\r\n" MAIL,
	    BEGUN "250 2.0.0, 250 2.0.0, 250 2.0.0, 250 2.0.0, 250 2.1.0");
	expect_span(buf_span(&world.stored), "a\r\n.\r\nEND\r\n");
	talk(BEGIN "BDAT 0 LAST\r\n", BEGUN "250 2.0.0");
	ck_assert_int_eq(world.messages, 1);
	talk(BEGIN "BDAT 3\r\nabcBDAT 0 LAST\r\n" BEGIN "BDAT 1 LAST\r\nx",
	    BEGUN "250 2.0.0, 250 2.0.0, 250, 250 2.1.0, 250 2.1.5, 250 2.0.0");
	ck_assert_int_eq(world.messages, 2);
}
END_TEST

START_TEST(keeps_chunks_in_order)
{
	talk(BEGIN "BDAT 1\r\nxDATA\r\n" MAIL RCPT "NOOP\r\nBDAT 0 LAST\r\n",
	    BEGUN "250 2.0.0, 503 5.5.1, 503 5.5.1, 503 5.5.1, 250 2.0.0, 250 2.0.0");
	expect_span(buf_span(&world.stored), "x");
	talk(BEGIN "BDAT 1\r\nxRSET\r\nBDAT 1 LAST\r\nx" MAIL,
	    BEGUN "250 2.0.0, 250 2.0.0, 503 5.5.1, 250 2.1.0");
	talk(BEGIN "BDAT 1\r\nx" EHLO "BDAT 1 LAST\r\nx", BEGUN "250 2.0.0, 250, 503 5.5.1");
	ck_assert_uint_eq(world.content.len, 0);
	ck_assert_int_eq(world.messages, 0);
}
END_TEST

/* RFC 3030 2: the octets are taken, whatever the answer. */
START_TEST(takes_the_octets_of_a_refused_chunk)
{
	talk("BDAT 6 LAST\r\nQUIT\r\n" EHLO "BDAT 6\r\nQUIT\r\n" MAIL "BDAT 6\r\nQUIT\r\n"
	     "BDAT 0 LAST\r\nRCPT TO:<ghost@x>\r\nBDAT 6 LAST\r\nQUIT\r\n" RCPT "BDAT 1 LAST\r\nx",
	    "220, 503 5.5.1, 250, 503 5.5.1, 250 2.1.0, 503 5.5.1, 503 5.5.1, 550 5.1.1, 554 5.5.1, 250 "
	    "2.1.5, 250 "
	    "2.0.0");
	expect_span(buf_span(&world.stored), "x");
}
END_TEST

START_TEST(refuses_bad_sizes)
{
	talk(BEGIN
	    "BDAT\r\nBDAT x\r\nBDAT -1\r\nBDAT 1 FIRST\r\nBDAT 99999999999999999999\r\nBDAT 1 LAST LAST\r\n"
	    "BDAT LAST\r\nBDAT 1 LAST\r\nx",
	    BEGUN "501 5.5.4, 501 5.5.4, 501 5.5.4, 501 5.5.4, 501 5.5.4, 501 5.5.4, 501 5.5.4, 250 2.0.0");
}
END_TEST

START_TEST(refuses_chunks_that_are_too_big)
{
	settings.message_size = 10;
	talk(BEGIN "BDAT 10\r\n0123456789BDAT 0 LAST\r\n" BEGIN
		   "BDAT 11\r\n0123456789aBDAT 3 LAST\r\nxyz" MAIL,
	    BEGUN "250 2.0.0, 250 2.0.0, 250, 250 2.1.0, 250 2.1.5, 552 5.3.4, 503 5.5.1, 250 2.1.0");
	ck_assert_int_eq(world.messages, 1);
	talk(BEGIN "BDAT 9\r\n012345678BDAT 2\r\nxyBDAT 0 LAST\r\n", BEGUN "250 2.0.0, 552 5.3.4, 503 5.5.1");
	/* More octets than anybody will ever send: none of them is kept. */
	talk(BEGIN "BDAT 9223372036854775807 LAST\r\nxyz", "220, 250, 250 2.1.0, 250 2.1.5");
	ck_assert_uint_eq(world.content.len, 0);
	talk(BEGIN "BDAT 9\r\n012345678BDAT 2\r\nx", BEGUN "250 2.0.0");
	ck_assert_uint_eq(world.content.len, 0);
}
END_TEST

/* The length is known, so only the transaction ends. */
START_TEST(refuses_bare_line_ends_in_chunks)
{
	talk(BEGIN "BDAT 4\r\na\nbcBDAT 1 LAST\r\nx" MAIL, BEGUN "554 5.6.0, 503 5.5.1, 250 2.1.0");
	talk(BEGIN "BDAT 4 LAST\r\na\rbc" MAIL, BEGUN "554 5.6.0, 250 2.1.0");
	talk(BEGIN "BDAT 2 LAST\r\na\r" MAIL, BEGUN "554 5.6.0, 250 2.1.0");
	talk(BEGIN "BDAT 2\r\na\rBDAT 0 LAST\r\n", BEGUN "250 2.0.0, 554 5.6.0");
	talk(BEGIN "BDAT 2\r\na\rBDAT 1 LAST\r\nx", BEGUN "250 2.0.0, 554 5.6.0");
	talk_bytes(BYTES(BEGIN "BDAT 3 LAST\r\na\0b" MAIL), BEGUN "554 5.6.0, 250 2.1.0");
	ck_assert_int_eq(world.messages, 0);
	ck_assert(!world.closed);
}
END_TEST

START_TEST(refuses_what_loops)
{
	struct buf text;

	settings.message_size = 100000;
	buf_init(&text, 100000);
	buf_add_string(&text, BEGIN "DATA\r\n\f");
	for (int i = 0; i < SMTP_RECEIVED; i++)
		buf_add_string(
		    &text, i % 2 == 0 ? "Received: from x\r\n by y\r\n" : "RECEIVED :\r\nX: y\r\n");
	size_t header = text.len;
	/* None of these is one more. */
	buf_add_string(
	    &text, "X-Received: a\r\n Received: b\r\nReceive: c\r\nReceivedx: d\r\n\r\nReceived: e\r\n.\r\n");
	talk_bytes(buf_span(&text), BEGUN "354, 250 2.0.0");
	buf_cut(&text, header);
	buf_add_string(&text, "received: z\r\n\r\nbody\r\n.\r\n" MAIL);
	talk_bytes(buf_span(&text), BEGUN "354, 554 5.4.6, 250 2.1.0");
	ck_assert_int_eq(world.messages, 0);
	buf_free(&text);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, talk_setup, NULL);
	tcase_add_test(t, keeps_bytes_as_they_are);
	tcase_add_test(t, refuses_bare_line_ends);
	tcase_add_test(t, refuses_content_before_its_turn);
	tcase_add_test(t, throws_away_what_is_too_big);
	tcase_add_test(t, bounds_memory);
	tcase_add_test(t, says_what_the_world_says);
	tcase_add_test(t, takes_chunks);
	tcase_add_test(t, keeps_chunks_in_order);
	tcase_add_test(t, takes_the_octets_of_a_refused_chunk);
	tcase_add_test(t, refuses_bad_sizes);
	tcase_add_test(t, refuses_chunks_that_are_too_big);
	tcase_add_test(t, refuses_bare_line_ends_in_chunks);
	tcase_add_test(t, refuses_what_loops);
}

int
main(void)
{
	return run_suite("smtpd data", add);
}

/* The commands of an SMTP session: what is said to each, in every state. Content is in test_smtpd_data. */
#include "smtpd_talk.h"

#include "bounds.h"

START_TEST(takes_a_message)
{
	talk(EHLO MAIL RCPT "DATA\r\n\fSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n",
	    "220, 250, 250 2.1.0, 250 2.1.5, 354, 250 2.0.0, 221 2.0.0");
	ck_assert_int_eq(world.messages, 1);
	expect_span(buf_span(&world.stored), "Subject: x\r\n\r\n.dot\r\n");
	ck_assert_str_eq(world.sender, "carl@example.net");
	ck_assert_str_eq(world.helo, "home.example.net");
	ck_assert(world.esmtp && !world.smtputf8 && world.closed);
	ck_assert_int_eq(world.taken, 1);
}
END_TEST

START_TEST(takes_two_in_a_session)
{
	talk(EHLO MAIL RCPT "DATA\r\n\fa\r\n.\r\n" MAIL RCPT "DATA\r\n\fb\r\n.\r\n",
	    "220, 250, 250 2.1.0, 250 2.1.5, 354, 250 2.0.0, 250 2.1.0, 250 2.1.5, 354, 250 2.0.0");
	ck_assert_int_eq(world.messages, 2);
	expect_span(buf_span(&world.stored), "b\r\n");
	ck_assert_str_eq(world.sender, "carl@example.net");
}
END_TEST

START_TEST(announces_each_extension_once)
{
	begin();
	feed(span_of("ehlo x\r\n"), 0);
	ck_assert_str_eq(buf_string(&said),
	    "220 mail.example.org ESMTP Letterbox\r\n"
	    "250-mail.example.org\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n"
	    "250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n250-AUTH SCRAM-SHA-256\r\n250 SMTPUTF8\r\n");
}
END_TEST

START_TEST(greets_by_helo)
{
	talk("HELO home\r\n" MAIL RCPT "DATA\r\n\f.\r\n", "220, 250, 250 2.1.0, 250 2.1.5, 354, 250 2.0.0");
	ck_assert(!world.esmtp);
	talk("HELO\r\nEHLO\r\nEHLO  \r\nHELO a\001b\r\nEHLO \xc3\xbc\r\nEHLO my host (yes)\r\n",
	    "220, 501, 501, 501, 501, 501, 250");
}
END_TEST

START_TEST(refuses_a_long_name)
{
	char text[SMTP_DOMAIN + 32] = "EHLO ";

	memset(text + 5, 'a', SMTP_DOMAIN);
	strcpy(text + 5 + SMTP_DOMAIN, "\r\n");
	talk(text, "220, 250");
	strcpy(text + 5 + SMTP_DOMAIN, "a\r\n");
	talk(text, "220, 501");
}
END_TEST

START_TEST(wants_order)
{
	talk(MAIL RCPT "DATA\r\n", "220, 503 5.5.1, 503 5.5.1, 503 5.5.1");
	talk(EHLO RCPT "DATA\r\n", "220, 250, 503 5.5.1, 503 5.5.1");
	talk(EHLO MAIL MAIL "DATA\r\n", "220, 250, 250 2.1.0, 503 5.5.1, 503 5.5.1");
	talk("RSET\r\nNOOP\r\nHELP\r\n" MAIL, "220, 250 2.0.0, 250 2.0.0, 214 2.0.0, 503 5.5.1");
}
END_TEST

START_TEST(resets)
{
	talk(EHLO MAIL RCPT "RSET\r\n" RCPT MAIL "DATA\r\n",
	    "220, 250, 250 2.1.0, 250 2.1.5, 250 2.0.0, 503 5.5.1, 250 2.1.0, 503 5.5.1");
	talk(EHLO MAIL RCPT EHLO "DATA\r\n" MAIL "DATA\r\n",
	    "220, 250, 250 2.1.0, 250 2.1.5, 250, 503 5.5.1, 250 2.1.0, 503 5.5.1");
	/* One that is refused changes nothing. */
	talk(EHLO MAIL RCPT "EHLO\r\nDATA\r\n\f.\r\n", "220, 250, 250 2.1.0, 250 2.1.5, 501, 354, 250 2.0.0");
}
END_TEST

START_TEST(refuses_a_recipient_alone)
{
	talk(EHLO MAIL "RCPT TO:<ghost@example.org>\r\nDATA\r\n" RCPT "DATA\r\n\f.\r\n",
	    "220, 250, 250 2.1.0, 550 5.1.1, 554 5.5.1, 250 2.1.5, 354, 250 2.0.0");
	talk(EHLO MAIL "RCPT TO:<full@example.org>\r\n" RCPT, "220, 250, 250 2.1.0, 452 4.2.2, 250 2.1.5");
}
END_TEST

START_TEST(bounds_recipients)
{
	talk(EHLO MAIL RCPT RCPT RCPT RCPT RCPT "DATA\r\n\f.\r\n",
	    "220, 250, 250 2.1.0, 250 2.1.5, 250 2.1.5, 250 2.1.5, 452 4.5.3, 452 4.5.3, 354, 250 2.0.0");
	ck_assert_int_eq(world.taken, 3);
	/* Logged once, and no fault. */
	ck_assert_str_eq(buf_string(&world.refusals), "RCPT 452;");
	begin();
	feed(span_of(EHLO MAIL RCPT RCPT RCPT), 0);
	for (int i = 0; i < 1000; i++) {
		buf_clear(&said);
		feed(span_of(RCPT), 0);
		ck_assert_int_eq(memcmp(said.data, "452 4.5.3", 9), 0);
	}
	ck_assert(!world.closed);
}
END_TEST

START_TEST(reads_paths)
{
	talk(EHLO
	    "mail from:<>\r\nRSET\r\nMAIL FROM: <a@b>\r\nrcpt to: \t<Postmaster>\r\nRCPT TO:<@x,@y:a@b>\r\n",
	    "220, 250, 250 2.1.0, 250 2.0.0, 250 2.1.0, 250 2.1.5, 250 2.1.5");
	talk(EHLO
	    "MAIL FROM:a@b\r\nMAIL FROM:<a@b\r\nMAIL FROM:<a b@c>\r\nMAIL FROM:<a@b>x\r\nMAIL a@b\r\nMAIL\r\n"
	    "MAIL FROM <a@b>\r\nMAIL TO:<a@b>\r\nMAIL FROM:<a@b.>\r\n",
	    "220, 250, 501 5.1.7, 501 5.1.7, 501 5.1.7, 501 5.5.4, 501 5.5.4, 501 5.5.4, 501 5.5.4, 501 "
	    "5.5.4, 501 "
	    "5.1.7");
	talk(EHLO MAIL "RCPT TO:<>\r\nRCPT TO:<a>\r\nRCPT FROM:<a@b>\r\nRCPT\r\nRCPT TO:<a@b.>\r\n" RCPT,
	    "220, 250, 250 2.1.0, 501 5.1.3, 501 5.1.3, 501 5.5.4, 501 5.5.4, 501 5.1.3, 250 2.1.5");
}
END_TEST

START_TEST(reads_size)
{
	talk(EHLO "MAIL FROM:<a@b> SIZE=1000\r\nRSET\r\nMAIL FROM:<a@b> size=0\r\n",
	    "220, 250, 250 2.1.0, 250 2.0.0, 250 2.1.0");
	talk(EHLO "MAIL FROM:<a@b> SIZE=1001\r\nMAIL FROM:<a@b> SIZE=99999999999999999999\r\n" RCPT,
	    "220, 250, 552 5.3.4, 552 5.3.4, 503 5.5.1");
	talk(EHLO "MAIL FROM:<a@b> SIZE\r\nMAIL FROM:<a@b> SIZE=\r\nMAIL FROM:<a@b> SIZE=1x\r\n"
		  "MAIL FROM:<a@b> SIZE=-1\r\nMAIL FROM:<a@b> SIZE=999999999999999999999\r\n"
		  "MAIL FROM:<a@b> SIZE=1 SIZE=1\r\n",
	    "220, 250, 501 5.5.4, 501 5.5.4, 501 5.5.4, 501 5.5.4, 501 5.5.4, 501 5.5.4");
}
END_TEST

START_TEST(reads_body)
{
	talk(EHLO "MAIL FROM:<a@b>  BODY=7BIT\r\nRSET\r\nMAIL FROM:<a@b> body=8bitmime SIZE=5 \r\n",
	    "220, 250, 250 2.1.0, 250 2.0.0, 250 2.1.0");
	talk(EHLO "MAIL FROM:<a@b> BODY=BINARYMIME\r\nMAIL FROM:<a@b> BODY\r\nMAIL FROM:<a@b> X=1\r\n"
		  "MAIL FROM:<a@b> RET=HDRS\r\nMAIL FROM:<a@b> AUTH=a=b\r\nMAIL FROM:<a@b> AUTH=\r\n"
		  "MAIL FROM:<a@b> AUTH=<>\r\nRSET\r\nMAIL FROM:<a@b> AUTH=c+2Bd@e\r\n",
	    "220, 250, 555 5.5.4, 555 5.5.4, 555 5.5.4, 555 5.5.4, 501 5.5.4, 501 5.5.4, 250 2.1.0, 250 "
	    "2.0.0, 250 2.1.0");
	talk(EHLO MAIL "RCPT TO:<a@b> NOTIFY=NEVER\r\nRCPT TO:<a@b> X\r\n" RCPT,
	    "220, 250, 250 2.1.0, 555 5.5.4, 555 5.5.4, 250 2.1.5");
}
END_TEST

/* RFC 3461, for those alone whom we would send notices. */
START_TEST(reads_dsn)
{
	talk(EHLO "MAIL FROM:<a@b> RET=HDRS\r\nMAIL FROM:<a@b> ENVID=x\r\n" MAIL
		  "RCPT TO:<a@b> NOTIFY=NEVER\r\nRCPT TO:<a@b> ORCPT=rfc822;a@b\r\n",
	    "220, 250, 555 5.5.4, 555 5.5.4, 250 2.1.0, 555 5.5.4, 555 5.5.4");
	ck_assert_ptr_null(strstr(buf_string(&said), "DSN"));
	settings.trusted = true;
	talk(EHLO "MAIL FROM:<a@b> RET=hdrs ENVID=x+2By SIZE=1\r\nRCPT TO:<c@d> NOTIFY=success,DELAY "
		  "ORCPT=rfc822;c+2Bd@d\r\nDATA\r\n\f.\r\n",
	    "220, 250, 250 2.1.0, 250 2.1.5, 354, 250 2.0.0");
	ck_assert_ptr_nonnull(strstr(buf_string(&said), "\r\n250-DSN\r\n"));
	ck_assert_int_eq(world.ret, DSN_RET_HDRS);
	ck_assert_str_eq(world.envid, "x+2By");
	ck_assert_uint_eq(world.notify, DSN_SUCCESS | DSN_DELAY);
	ck_assert_str_eq(world.orcpt, "rfc822;c+2Bd@d");
	/* It is the transaction's, not the session's. */
	talk(EHLO "MAIL FROM:<a@b> RET=FULL ENVID=x\r\nRSET\r\n" MAIL RCPT "DATA\r\n\f.\r\n",
	    "220, 250, 250 2.1.0, 250 2.0.0, 250 2.1.0, 250 2.1.5, 354, 250 2.0.0");
	ck_assert_int_eq(world.ret, DSN_RET_NONE);
	ck_assert_str_eq(world.envid, "");
	ck_assert_uint_eq(world.notify, 0);
	ck_assert_str_eq(world.orcpt, "");
}
END_TEST

START_TEST(refuses_bad_dsn)
{
	settings.trusted = true;
	talk(EHLO
	    "MAIL FROM:<a@b> RET=ALL\r\nMAIL FROM:<a@b> RET\r\nMAIL FROM:<a@b> ENVID=a=b\r\n"
	    "MAIL FROM:<a@b> ENVID=+0D+0A\r\nMAIL FROM:<a@b> ENVID=\r\nMAIL FROM:<a@b> RET=FULL RET=FULL\r\n"
	    "MAIL FROM:<a@b> NOTIFY=NEVER\r\n",
	    "220, 250, 501 5.5.4, 501 5.5.4, 501 5.5.4, 501 5.5.4, 501 5.5.4, 501 5.5.4, 555 5.5.4");
	talk(EHLO MAIL
	    "RCPT TO:<a@b> NOTIFY=\r\nRCPT TO:<a@b> NOTIFY=NEVER,DELAY\r\nRCPT TO:<a@b> ORCPT=a@b\r\n"
	    "RCPT TO:<a@b> NOTIFY=NEVER NOTIFY=NEVER\r\nRCPT TO:<a@b> SIZE=1\r\n"
	    "RCPT TO:<a@b> ORCPT=utf-8;\xc3\xbc@b\r\n",
	    "220, 250, 250 2.1.0, 501 5.5.4, 501 5.5.4, 501 5.5.4, 501 5.5.4, 555 5.5.4, 553 5.6.7");
	talk(EHLO "MAIL FROM:<a@b> SMTPUTF8\r\nRCPT TO:<a@b> ORCPT=utf-8;\xc3\xbc@b\r\n",
	    "220, 250, 250 2.1.0, 250 2.1.5");
}
END_TEST

START_TEST(wants_smtputf8_for_utf8)
{
	talk(EHLO
	    "MAIL FROM:<j\xc3\xbcrg@b>\r\nMAIL FROM:<j\xc3\xbcrg@b> SMTPUTF8\r\nRCPT TO:<\xc3\xbc@b>\r\n"
	    "DATA\r\n\f.\r\n",
	    "220, 250, 553 5.6.7, 250 2.1.0, 250 2.1.5, 354, 250 2.0.0");
	ck_assert(world.smtputf8);
	talk(EHLO MAIL "RCPT TO:<\xc3\xbc@b>\r\n", "220, 250, 250 2.1.0, 553 5.6.7");
	talk(EHLO "MAIL FROM:<\xc3@b> SMTPUTF8\r\nMAIL FROM:<a@b> SMTPUTF8=yes\r\n",
	    "220, 250, 501 5.1.7, 501 5.5.4");
	talk("HELO x\r\nMAIL FROM:<a@b> SMTPUTF8\r\n", "220, 250, 555 5.5.4");
	/* It is the transaction's, not the session's. */
	talk(EHLO "MAIL FROM:<a@b> SMTPUTF8\r\nRSET\r\n" MAIL "RCPT TO:<\xc3\xbc@b>\r\n",
	    "220, 250, 250 2.1.0, 250 2.0.0, 250 2.1.0, 553 5.6.7");
}
END_TEST

START_TEST(answers_the_small_commands)
{
	talk("NOOP\r\nnoop x\r\nVRFY anna\r\nVRFY\r\nEXPN team\r\nEXPN\r\nHELP\r\nHELP MAIL\r\nRSET "
	     "x\r\nQUIT x\r\n"
	     "QUIT\r\nNOOP\r\n",
	    "220, 250 2.0.0, 250 2.0.0, 252 2.0.0, 501 5.5.4, 502 5.5.1, 501 5.5.4, 214 2.0.0, 214 2.0.0, "
	    "501 "
	    "5.5.4, 501 5.5.4, 221 2.0.0");
	ck_assert(world.closed);
	talk(EHLO MAIL RCPT "DATA x\r\nDATA\r\n\f.\r\n",
	    "220, 250, 250 2.1.0, 250 2.1.5, 501 5.5.4, 354, 250 2.0.0");
}
END_TEST

START_TEST(refuses_what_is_no_command)
{
	talk("\r\n \r\nFOO\r\nMAILFROM:<a@b>\r\nAUHT PLAIN x\r\nSTARTTLS\r\nEHLO\r\n",
	    "220, 500 5.5.1, 500 5.5.1, 500 5.5.1, 500 5.5.1, 500 5.5.1, 500 5.5.1, 501");
	ck_assert_str_eq(buf_string(&world.refusals), "? 500;? 500;? 500;? 500;? 500;? 500;EHLO 501;");
	talk("NOOP \001\r\nNOOP \x7f\r\nNOOP a\rb\r\nNOOP\tx \t\r\n",
	    "220, 501 5.5.2, 501 5.5.2, 501 5.5.2, 250 2.0.0");
	talk_bytes(BYTES("NO\0OP\r\nNOOP \0\r\nNOOP\n"), "220, 500 5.5.1, 501 5.5.2, 250 2.0.0");
}
END_TEST

START_TEST(outlives_a_long_line)
{
	size_t n = SMTP_LINE + 5;
	char *text = malloc(2 * n + 64);

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', n);
	memcpy(text, "NOOP ", 5);
	strcpy(text + SMTP_LINE, "\r\nNOOP\r\n");
	talk(text, "220, 250 2.0.0, 250 2.0.0");
	text[SMTP_LINE] = 'x';
	strcpy(text + SMTP_LINE + 1, "\r\nNOOP\r\n");
	talk(text, "220, 500 5.5.2, 250 2.0.0");
	free(text);
	ck_assert_uint_le(world.session.line.text.size, (size_t)4 * SMTP_LINE);
}
END_TEST

START_TEST(ends_after_too_many_errors)
{
	begin();
	for (int i = 0; i < SESSION_ERRORS - 1; i++)
		feed(span_of("FOO\r\n"), 0);
	ck_assert(!world.closed);
	buf_clear(&said);
	feed(span_of("FOO\r\nNOOP\r\n"), 0);
	ck_assert(world.closed);
	ck_assert_str_eq(buf_string(&said), "500 5.5.1 Unknown command\r\n421 4.7.0 Too many errors\r\n");
}
END_TEST

START_TEST(takes_its_leave)
{
	begin();
	feed(span_of(EHLO MAIL), 0);
	buf_clear(&said);
	session_protocol.farewell(&world.session, FAREWELL_STOP, &said);
	session_protocol.farewell(&world.session, FAREWELL_TIMEOUT, &said);
	ck_assert_int_eq(memcmp(said.data, "421 4.3.2 ", 10), 0);
	ck_assert_ptr_nonnull(strstr(buf_string(&said), "\r\n421 4.4.2 "));
	ck_assert(!session_protocol.in_transfer(&world.session));
	feed(span_of(RCPT "DATA\r\n"), 0);
	ck_assert(session_protocol.in_transfer(&world.session));
	feed(span_of("x\r\n.\r\n"), 0);
	ck_assert(!session_protocol.in_transfer(&world.session));
	buf_clear(&said);
	session_protocol.farewell(&world.session, FAREWELL_EARLY, &said);
	ck_assert_int_eq(memcmp(said.data, "554 5.5.0 ", 10), 0);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, talk_setup, NULL);
	tcase_add_test(t, takes_a_message);
	tcase_add_test(t, takes_two_in_a_session);
	tcase_add_test(t, announces_each_extension_once);
	tcase_add_test(t, greets_by_helo);
	tcase_add_test(t, refuses_a_long_name);
	tcase_add_test(t, wants_order);
	tcase_add_test(t, resets);
	tcase_add_test(t, refuses_a_recipient_alone);
	tcase_add_test(t, bounds_recipients);
	tcase_add_test(t, reads_paths);
	tcase_add_test(t, reads_size);
	tcase_add_test(t, reads_body);
	tcase_add_test(t, reads_dsn);
	tcase_add_test(t, refuses_bad_dsn);
	tcase_add_test(t, wants_smtputf8_for_utf8);
	tcase_add_test(t, answers_the_small_commands);
	tcase_add_test(t, refuses_what_is_no_command);
	tcase_add_test(t, outlives_a_long_line);
	tcase_add_test(t, ends_after_too_many_errors);
	tcase_add_test(t, takes_its_leave);
}

int
main(void)
{
	return run_suite("smtpd session", add);
}

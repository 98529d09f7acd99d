/* AUTH: who gets in, and what is said to all others. */
#include "smtpd_talk.h"

#include "bounds.h"
#include "codec.h"

#define PLAIN_ANNA "AGFubmEAYXBwbGUgcGll"
#define IN	   "AUTH PLAIN " PLAIN_ANNA "\r\n"
#define MESSAGE	   MAIL RCPT "DATA\r\n\f.\r\n"
#define SENT	   "250 2.1.0, 250 2.1.5, 354, 250 2.0.0"

static void
setup(void)
{
	talk_setup();
	settings.cleartext = true;
}

START_TEST(logs_in_by_plain)
{
	talk(EHLO IN MESSAGE, "220, 250, 235 2.7.0, " SENT);
	ck_assert_str_eq(world.user, "anna");
	ck_assert(world.trusted);
	ck_assert_str_eq(buf_string(&world.logins), "login anna PLAIN;");
	talk(EHLO "auth plain\r\n" PLAIN_ANNA "\r\n" MESSAGE, "220, 250, 334, 235 2.7.0, " SENT);
	talk(EHLO "AUTH PLAIN\r\n" PLAIN_ANNA "\n" MESSAGE, "220, 250, 334, 235 2.7.0, " SENT);
	talk(EHLO MESSAGE, "220, 250, " SENT);
	ck_assert_str_eq(world.user, "");
	ck_assert(!world.trusted);
}
END_TEST

START_TEST(logs_in_by_login)
{
	talk(EHLO "AUTH LOGIN\r\nYW5uYQ==\r\nYXBwbGUgcGll\r\n" MESSAGE,
	    "220, 250, 334, 334, 235 2.7.0, " SENT);
	ck_assert_ptr_nonnull(strstr(buf_string(&said), "334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n"));
	talk(EHLO "AUTH LOGIN YW5uYQ==\r\nYXBwbGUgcGll\r\n", "220, 250, 334, 235 2.7.0");
	ck_assert_str_eq(buf_string(&world.logins), "login anna LOGIN;");
}
END_TEST

START_TEST(stays_logged_in)
{
	talk(EHLO IN EHLO MESSAGE "RSET\r\n" MESSAGE "AUTH PLAIN\r\n",
	    "220, 250, 235 2.7.0, 250, " SENT ", 250 2.0.0, " SENT ", 503 5.5.1");
	ck_assert_str_eq(world.user, "anna");
	ck_assert(world.trusted);
	/* Only now may it speak of DSN, which the second EHLO says. */
	ck_assert_ptr_nonnull(strstr(buf_string(&said), "250-DSN\r\n"));
	talk(EHLO IN "MAIL FROM:<a@b> RET=FULL\r\n", "220, 250, 235 2.7.0, 250 2.1.0");
}
END_TEST

START_TEST(wants_its_place)
{
	talk("AUTH PLAIN\r\n" EHLO MAIL "AUTH PLAIN\r\n" RCPT "AUTH PLAIN " PLAIN_ANNA "\r\nRSET\r\n" IN,
	    "220, 503 5.5.1, 250, 250 2.1.0, 503 5.5.1, 250 2.1.5, 503 5.5.1, 250 2.0.0, 235 2.7.0");
	talk(EHLO "AUTH\r\nAUTH CRAM-MD5\r\nAUTH PLAINER x\r\nAUTH PLAIN \001\r\n",
	    "220, 250, 501 5.5.4, 504 5.5.4, 504 5.5.4, 501 5.5.2");
}
END_TEST

START_TEST(can_be_cancelled)
{
	talk(EHLO "AUTH PLAIN\r\n*\r\nAUTH PLAIN *\r\nAUTH LOGIN\r\nYW5uYQ==\r\n*\r\n" IN,
	    "220, 250, 334, 501 5.7.0, 501 5.7.0, 334, 334, 501 5.7.0, 235 2.7.0");
	/* Nothing of it is left: the line behind it is a command. */
	talk(EHLO "AUTH PLAIN\r\n*\r\n" PLAIN_ANNA "\r\nNOOP\r\n",
	    "220, 250, 334, 501 5.7.0, 500 5.5.1, 250 2.0.0");
	ck_assert_str_eq(buf_string(&world.logins), "");
}
END_TEST

START_TEST(refuses_what_is_malformed)
{
	talk(EHLO
	    "AUTH PLAIN a\r\nAUTH PLAIN\r\n!\r\nAUTH PLAIN =\r\nAUTH PLAIN YW5uYQ==\r\nAUTH LOGIN\r\n\r\n"
	    "AUTH PLAIN a b\r\n" IN,
	    "220, 250, 501 5.5.2, 334, 501 5.5.2, 501 5.5.2, 501 5.5.2, 334, 501 5.5.2, 501 5.5.2, 235 "
	    "2.7.0");
	ck_assert_str_eq(buf_string(&world.logins), "login anna PLAIN;");
}
END_TEST

/* An answer may be as long as RFC 4954 4 wants it. */
START_TEST(outlives_a_long_answer)
{
	char *text = malloc(SMTP_LINE + 256);

	ck_assert_ptr_nonnull(text);
	size_t n = (size_t)sprintf(text, EHLO "AUTH PLAIN\r\n");
	memset(text + n, 'A', SMTP_LINE);
	strcpy(text + n + SMTP_LINE, "\r\n" IN);
	talk(text, "220, 250, 334, 501 5.5.2, 235 2.7.0");
	strcpy(text + n + SMTP_LINE, "A\r\n" IN);
	talk(text, "220, 250, 334, 500 5.5.6, 235 2.7.0");
	free(text);
}
END_TEST

START_TEST(tells_no_wrong_password_from_an_unknown_user)
{
	/* anna and "apple", nobody and "apple pie" */
	static const char *const wrong[] = { "AGFubmEAYXBwbGU=", "AG5vYm9keQBhcHBsZSBwaWU=" };
	struct buf first;

	buf_init(&first, 1024);
	for (size_t i = 0; i < 2; i++) {
		char text[256];
		snprintf(text, sizeof text, EHLO "AUTH PLAIN %s\r\n" MESSAGE, wrong[i]);
		talk(text, "220, 250, 535 5.7.8, " SENT);
		ck_assert_int_eq(world.delays, 1);
		ck_assert(!world.trusted);
		if (i == 0)
			buf_add_span(&first, buf_span(&said));
	}
	expect_span(buf_span(&said), buf_string(&first));
	ck_assert_str_eq(buf_string(&world.logins), "login-failed nobody PLAIN;");
	buf_free(&first);
}
END_TEST

START_TEST(takes_no_password_where_it_may_not_cross)
{
	settings.cleartext = false;
	talk(EHLO "AUTH PLAIN\r\n" IN "AUTH LOGIN\r\n" MESSAGE,
	    "220, 250, 538 5.7.11, 538 5.7.11, 538 5.7.11, " SENT);
	ck_assert_ptr_nonnull(strstr(buf_string(&said), "250-AUTH SCRAM-SHA-256\r\n"));
	settings.cleartext = true;
	talk(EHLO, "220, 250");
	ck_assert_ptr_nonnull(strstr(buf_string(&said), "250-AUTH SCRAM-SHA-256 PLAIN LOGIN\r\n"));
}
END_TEST

START_TEST(waits_for_accounts)
{
	fail_accounts = true;
	talk(EHLO "AUTH PLAIN\r\n" IN MESSAGE, "220, 250, 454 4.7.0, 454 4.7.0, " SENT);
	ck_assert(!world.trusted);
}
END_TEST

/* Neither in memory nor in what is logged; the fake world wants no argument with AUTH. */
START_TEST(keeps_no_secret)
{
	static const char *const secrets[] = { IN, "AUTH PLAIN\r\n" PLAIN_ANNA "\r\n",
		"AUTH FOO " PLAIN_ANNA "\r\n", MAIL IN };

	for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
		begin();
		feed(span_of(EHLO), 0);
		feed(span_of(secrets[i]), 0);
		for (size_t at = 0; at < world.session.line.text.len; at++)
			ck_assert_int_eq(world.session.line.text.data[at], '\0');
		ck_assert_uint_eq(world.session.argument.n, 0);
	}
}
END_TEST

/* What the server said last, without "334 " and CRLF, decoded. */
static void
decode_challenge(struct buf *out)
{
	ck_assert_uint_ge(said.len, 6);
	ck_assert_int_eq(memcmp(said.data, "334 ", 4), 0);
	buf_clear(out);
	ck_assert_int_eq(base64_decode(span_slice(buf_span(&said), 4, said.len - 2), out), 0);
	buf_clear(&said);
}

static void
send_encoded(const char *before, struct span message)
{
	struct buf line;

	buf_init(&line, SMTP_LINE);
	buf_add_string(&line, before);
	base64_encode(message, &line);
	buf_add_string(&line, "\r\n");
	feed(buf_span(&line), 0);
	buf_free(&line);
}

static void
scram(const char *password, bool initial, const char *expected)
{
	static const uint8_t nonce[SASL_NONCE] = "a client's nonce.";
	struct sasl_client client;
	struct buf message, answer;

	settings.cleartext = false;
	begin();
	feed(span_of(EHLO), 0);
	buf_clear(&said);
	buf_init(&message, 2 * SASL_MESSAGE);
	buf_init(&answer, 2 * SASL_MESSAGE);
	sasl_client_init(&client, SASL_SCRAM_SHA_256, span_of("anna"), span_of(password), nonce);
	ck_assert_int_eq(sasl_client_step(&client, span_of(""), &message), SASL_CHALLENGE);
	if (!initial) {
		feed(span_of("AUTH scram-sha-256\r\n"), 0);
		ck_assert_str_eq(buf_string(&said), "334 \r\n");
		buf_clear(&said);
	}
	send_encoded(initial ? "AUTH SCRAM-SHA-256 " : "", buf_span(&message));
	while (said.len > 0 && said.data[0] == '3') {
		decode_challenge(&message);
		ck_assert_int_eq(sasl_client_step(&client, buf_span(&message), &answer), SASL_CHALLENGE);
		send_encoded("", buf_span(&answer));
	}
	ck_assert_int_eq(memcmp(said.data, expected, strlen(expected)), 0);
	ck_assert_int_eq(sasl_client_verified(&client), *world.session.user != '\0');
	sasl_client_free(&client);
	buf_free(&message);
	buf_free(&answer);
}

START_TEST(logs_in_by_scram)
{
	for (int initial = 0; initial < 2; initial++) {
		scram("apple pie", initial, "235 2.7.0 ");
		ck_assert_str_eq(buf_string(&world.logins), "login anna SCRAM-SHA-256;");
		scram("apple", initial, "535 5.7.8 ");
		ck_assert_int_eq(world.delays, 1);
	}
}
END_TEST

START_TEST(asks_whose_name_it_is)
{
	talk(EHLO "MAIL FROM:<bob@x>\r\nRSET\r\n" IN "MAIL FROM:<bob@x>\r\n" RCPT
		  "MAIL FROM:<>\r\nRSET\r\n" MESSAGE,
	    "220, 250, 250 2.1.0, 250 2.0.0, 235 2.7.0, 553 5.7.1, 503 5.5.1, 250 2.1.0, 250 2.0.0, " SENT);
}
END_TEST

/* RFC 6409 4.3: whoever it is, must log in. */
START_TEST(wants_a_login_where_mail_programs_come)
{
	settings.submission = true;
	talk("MAIL FROM:<a@b>\r\n" EHLO MAIL RCPT "VRFY anna\r\n" IN MESSAGE,
	    "220, 503 5.5.1, 250, 530 5.7.0, 503 5.5.1, 252 2.0.0, 235 2.7.0, " SENT);
	ck_assert_ptr_nonnull(strstr(buf_string(&said), "250-DSN\r\n"));
	talk(EHLO "AUTH PLAIN AGFubmEAYQ==\r\n" MAIL, "220, 250, 535 5.7.8, 530 5.7.0");
}
END_TEST

/* And there alone what is missing is added: RFC 6409 8.2, 8.3. */
START_TEST(knows_what_is_missing)
{
	static const struct {
		const char *header;
		bool date, id;
	} cases[] = { { "Subject: x\r\n", true, true }, { "Date: x\r\n", false, true },
		{ "MESSAGE-ID: x\r\ndate :x\r\n", false, false }, { "X: y\r\n Date: x\r\n", true, true },
		{ "Dates: x\r\nDat: x\r\n", true, true }, { "Date\r\nMessage-ID\r\n", true, true },
		{ "\r\nDate: x\r\n", true, true }, { "", true, true },
		{ ": x\r\nMessage-ID\t:\r\n", true, false },
		{ "Message-IDs: x\r\nMessage-ID x: y\r\n", true, true } };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[256];
		snprintf(text, sizeof text, EHLO IN MAIL RCPT "DATA\r\n\f%s\r\nx\r\n.\r\n", cases[i].header);
		settings.submission = true;
		talk(text, "220, 250, 235 2.7.0, " SENT);
		ck_assert_int_eq(world.add_date, cases[i].date);
		ck_assert_int_eq(world.add_message_id, cases[i].id);
		settings.submission = false;
		talk(text, "220, 250, 235 2.7.0, " SENT);
		ck_assert(!world.add_date && !world.add_message_id);
	}
}
END_TEST

START_TEST(takes_its_leave_in_an_exchange)
{
	begin();
	feed(span_of(EHLO "AUTH PLAIN\r\n"), 0);
	ck_assert(!session_protocol.in_transfer(&world.session));
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, logs_in_by_plain);
	tcase_add_test(t, logs_in_by_login);
	tcase_add_test(t, stays_logged_in);
	tcase_add_test(t, wants_its_place);
	tcase_add_test(t, can_be_cancelled);
	tcase_add_test(t, refuses_what_is_malformed);
	tcase_add_test(t, outlives_a_long_answer);
	tcase_add_test(t, tells_no_wrong_password_from_an_unknown_user);
	tcase_add_test(t, takes_no_password_where_it_may_not_cross);
	tcase_add_test(t, waits_for_accounts);
	tcase_add_test(t, keeps_no_secret);
	tcase_add_test(t, logs_in_by_scram);
	tcase_add_test(t, asks_whose_name_it_is);
	tcase_add_test(t, wants_a_login_where_mail_programs_come);
	tcase_add_test(t, knows_what_is_missing);
	tcase_add_test(t, takes_its_leave_in_an_exchange);
}

int
main(void)
{
	return run_suite("smtpd auth", add);
}

#include "pop3d_talk.h"
#include "codec.h"

START_TEST(logs_in_with_user_and_pass)
{
	/* Blanks belong to a password, case does not matter in words and names. */
	dialogue(&two_messages, "user ANNA \r\npass apple  pie\r\nnoop\r\n", "+OK*\n+OK*\n+OK\n");
	dialogue(&two_messages, "USER bob\nPASS banana\nNOOP\n", "+OK*\n+OK bob has 2 messages\n+OK\n");
	dialogue(
	    &two_messages, "USER bob\r\nUSER anna\r\n" LOGIN, "+OK*\n+OK*\n+OK*\n+OK anna has 2 messages\n");
	dialogue(&two_messages, "PASS apple  pie\r\n", "-ERR USER comes first\n");
	dialogue(
	    &two_messages, "USER anna\r\nPASS \r\nPASS\r\n", "+OK*\n-ERR an argument*\n-ERR an argument*\n");
	dialogue(&two_messages, "USER\r\nUSER   \r\nPASS x\r\n",
	    "-ERR an argument*\n+OK*\n-ERR USER comes first\n");
}
END_TEST

START_TEST(tells_no_wrong_password_from_an_unknown_user)
{
	static const char *const wrong[] = { "USER anna\r\nPASS apple pie\r\n", "USER bob\r\nPASS Banana\r\n",
		"USER nobody\r\nPASS banana\r\n", "USER anna\r\nPASS  apple  pie\r\n" };
	struct talk t;

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		dialogue_of(&t, &two_messages, true, TIMESTAMP, wrong[i],
		    "+OK*\n-ERR [AUTH] name or password is wrong\n");
		ck_assert_int_eq(t.delays, 1);
		ck_assert(!t.fake.was_opened);
		ck_assert_int_eq(t.session.state, AUTHORIZATION);
		/* A new try begins with USER. */
		say(&t, "PASS apple  pie\r\nSTAT\r\n" LOGIN);
		expect(buf_span(&t.said), "-ERR USER*\n-ERR log in first\n" WELCOME);
		ck_assert_int_eq(t.delays, 1);
		end(&t);
	}
	dialogue_of(&t, &two_messages, true, TIMESTAMP,
	    "APOP mrose c4c9334bac560ecc979e58001b3e22fc\r\nAPOP bob "
	    "c4c9334bac560ecc979e58001b3e22fb\r\nAPOP nobody x\r\n",
	    "-ERR [AUTH] name or password is wrong\n-ERR [AUTH] name or password is wrong\n-ERR [AUTH] name "
	    "or password is wrong\n");
	ck_assert_int_eq(t.delays, 3);
	end(&t);
}
END_TEST

START_TEST(takes_no_password_where_it_may_not_cross)
{
	struct talk t;

	dialogue_of(&t, &two_messages, false, TIMESTAMP,
	    "USER anna\r\nPASS apple  pie\r\nAUTH PLAIN\r\nAUTH PLAIN AGFubmEAYXBwbGUgIHBpZQ==\r\nAUTH "
	    "LOGIN\r\nAUTH\r\n"
	    "CAPA\r\n",
	    "-ERR [AUTH] a password*\n-ERR [AUTH] a password*\n-ERR [AUTH] this mechanism needs TLS\n-ERR "
	    "[AUTH] this*\n"
	    "-ERR [AUTH] this*\n+OK mechanisms\nSCRAM-SHA-256\n.\n"
	    "+OK*\nTOP\nUIDL\nPIPELINING\nRESP-CODES\nAUTH-RESP-CODE\nSASL SCRAM-SHA-256\nEXPIRE "
	    "NEVER\nUTF8\nLANG\n"
	    "IMPLEMENTATION Letterbox\n.\n");
	ck_assert_int_eq(t.session.state, AUTHORIZATION);
	end(&t);
}
END_TEST

START_TEST(apop_needs_a_timestamp_a_name_and_a_digest)
{
	struct talk t;

	dialogue(&two_messages, "APOP\r\nAPOP mrose\r\nAPOP mrose \r\n",
	    "-ERR an argument*\n-ERR a name*\n-ERR a name*\n");
	dialogue_of(&t, &two_messages, true, NULL, "APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n",
	    "-ERR [AUTH] APOP is not offered\n");
	end(&t);
}
END_TEST

#define PLAIN_ANNA "AGFubmEAYXBwbGUgIHBpZQ=="

START_TEST(auth_plain)
{
	dialogue(&two_messages, "AUTH PLAIN " PLAIN_ANNA "\r\nNOOP\r\n", "+OK anna*\n+OK\n");
	dialogue(&two_messages, "auth plain\r\n" PLAIN_ANNA "\r\nNOOP\r\n", "+ \n+OK anna*\n+OK\n");
	dialogue(&two_messages, "AUTH PLAIN\r\n*\r\nNOOP\r\n" LOGIN,
	    "+ \n-ERR cancelled\n-ERR log in first\n" WELCOME);
	dialogue(&two_messages, "AUTH PLAIN *\r\n" LOGIN, "-ERR cancelled\n" WELCOME);
	dialogue(&two_messages, "AUTH PLAIN a\r\nAUTH PLAIN\r\n!\r\n" LOGIN,
	    "-ERR malformed base64\n+ \n-ERR malformed base64\n" WELCOME);
	/* Nothing, and no two NULs: no PLAIN message. */
	dialogue(&two_messages, "AUTH PLAIN =\r\nAUTH PLAIN YW5uYQ==\r\n" LOGIN,
	    "-ERR malformed answer\n-ERR malformed answer\n" WELCOME);
	dialogue(&two_messages, "AUTH PLAIN AGFubmEAYXBwbGU=\r\nAUTH PLAIN AG5vYm9keQBhcHBsZQ==\r\n",
	    "-ERR [AUTH] name or password is wrong\n-ERR [AUTH] name or password is wrong\n");
	dialogue(&two_messages, "AUTH LOGIN\r\nYW5uYQ==\r\nYXBwbGUgIHBpZQ==\r\n",
	    "+ VXNlcm5hbWU6\n+ UGFzc3dvcmQ6\n+OK anna*\n");
	dialogue(&two_messages, "AUTH CRAM-MD5\r\nAUTH KERBEROS_V4 =\r\n" LOGIN,
	    "-ERR no such mechanism\n-ERR no such mechanism\n" WELCOME);
	logged_in("AUTH PLAIN " PLAIN_ANNA "\r\n", "-ERR already logged in\n");
}
END_TEST

START_TEST(an_overlong_answer_ends_the_exchange)
{
	struct talk t;
	char answer[POP3_LINE + 4];

	memset(answer, 'A', sizeof answer);
	memcpy(answer + sizeof answer - 3, "\r\n", 3);
	begin(&t, &two_messages, true, NULL);
	say(&t, "AUTH PLAIN\r\n");
	say(&t, answer);
	expect(buf_span(&t.said), "-ERR line too long\n");
	say(&t, LOGIN);
	expect(buf_span(&t.said), WELCOME);
	end(&t);
}
END_TEST

/* What the server said last, without "+ " and CRLF, decoded. */
static struct span
decode_challenge(const struct talk *t, struct buf *out)
{
	struct span said = buf_span(&t->said);

	ck_assert_uint_ge(said.n, 4);
	ck_assert_int_eq(memcmp(said.at, "+ ", 2), 0);
	buf_clear(out);
	ck_assert_int_eq(base64_decode(span_slice(said, 2, said.n - 2), out), 0);
	return buf_span(out);
}

static void
send_encoded(struct talk *t, const char *before, struct span message)
{
	struct buf line;

	buf_init(&line, POP3_LINE);
	buf_add_string(&line, before);
	base64_encode(message, &line);
	buf_add_string(&line, "\r\n");
	say(t, buf_string(&line));
	buf_free(&line);
}

static void
scram(struct talk *t, const char *user, const char *password, bool initial)
{
	static const uint8_t nonce[SASL_NONCE] = "a client's nonce.";
	struct sasl_client client;
	struct buf message, answer;

	begin(t, &two_messages, false, NULL);
	buf_init(&message, 2 * SASL_MESSAGE);
	buf_init(&answer, 2 * SASL_MESSAGE);
	sasl_client_init(&client, SASL_SCRAM_SHA_256, span_of(user), span_of(password), nonce);
	ck_assert_int_eq(sasl_client_step(&client, span_of(""), &message), SASL_CHALLENGE);
	if (!initial) {
		say(t, "AUTH scram-sha-256\r\n");
		expect(buf_span(&t->said), "+ \n");
	}
	send_encoded(t, initial ? "AUTH SCRAM-SHA-256 " : "", buf_span(&message));
	while (t->said.len > 0 && t->said.data[0] == '+' && t->said.data[1] == ' ') {
		ck_assert_int_eq(
		    sasl_client_step(&client, decode_challenge(t, &message), &answer), SASL_CHALLENGE);
		send_encoded(t, "", buf_span(&answer));
	}
	ck_assert_int_eq(sasl_client_verified(&client), t->session.state == TRANSACTION);
	sasl_client_free(&client);
	buf_free(&message);
	buf_free(&answer);
}

START_TEST(auth_scram)
{
	static const char *const wrong[][2] = { { "bob", "apple" }, { "nobody", "banana" },
		{ "anna", "banana" } };
	struct talk t;

	for (int initial = 0; initial < 2; initial++) {
		scram(&t, "bob", "banana", initial);
		expect(buf_span(&t.said), "+OK bob has 2 messages\n");
		ck_assert_str_eq(t.fake.log, "login user=bob method=SCRAM-SHA-256 messages=2\n");
		end(&t);
		scram(&t, "anna", "apple  pie", initial);
		expect(buf_span(&t.said), "+OK anna has 2 messages\n");
		end(&t);
		for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
			scram(&t, wrong[i][0], wrong[i][1], initial);
			expect(buf_span(&t.said), "-ERR [AUTH] name or password is wrong\n");
			ck_assert_int_eq(t.delays, 1);
			ck_assert(!t.fake.was_opened);
			end(&t);
		}
	}
}
END_TEST

/* A name that is too long for any user is none, and not that of the try before. */
START_TEST(a_failed_login_is_logged_under_its_own_name)
{
	char message[1 + 2 * SASL_USER + sizeof "\0banana"];
	struct talk t;

	memset(message, 'x', sizeof message);
	message[0] = '\0';
	memcpy(message + 1 + 2 * (size_t)SASL_USER, "\0banana", sizeof "\0banana");
	begin(&t, &two_messages, true, NULL);
	say(&t, "USER anna\r\nPASS apple\r\n");
	send_encoded(&t, "AUTH PLAIN ", (struct span){ message, sizeof message - 1 });
	expect(buf_span(&t.said), "-ERR [AUTH] name or password is wrong\n");
	ck_assert_str_eq(t.fake.log, "login-failed user=anna method=USER\nlogin-failed user= method=PLAIN\n");
	end(&t);
}
END_TEST

START_TEST(accounts_that_cannot_be_read)
{
	struct fake fake = two_messages;

	fake.no_accounts = true;
	dialogue(&fake, LOGIN "AUTH PLAIN " PLAIN_ANNA "\r\nAPOP anna x\r\nNOOP\r\n",
	    "+OK*\n-ERR [SYS/TEMP]*\n-ERR [SYS/TEMP]*\n-ERR [SYS/TEMP]*\n-ERR log in first\n");
	fake = two_messages;
	fake.no_random = true;
	dialogue(&fake, "AUTH PLAIN\r\n" LOGIN, "-ERR [SYS/TEMP]*\n" WELCOME);
}
END_TEST

START_TEST(a_maildrop_that_does_not_open)
{
	static const char *const codes[] = { "[IN-USE]", "[SYS/TEMP]", "[SYS/PERM]" };
	struct fake fake = two_messages;
	char expected[256];

	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		static const char says[] = "the mailbox can't be opened: because\\x0d\\x0aof that";
		fake.open_code = codes[i];
		/* Back in the AUTHORIZATION state, and a second try works. */
		snprintf(expected, sizeof expected, "+OK*\n-ERR %s %s\n-ERR log in first\n" WELCOME, codes[i],
		    says);
		dialogue(&fake, LOGIN "STAT\r\n" LOGIN, expected);
		snprintf(expected, sizeof expected, "-ERR %s %s\n" WELCOME, codes[i], says);
		dialogue(&fake, "AUTH PLAIN " PLAIN_ANNA "\r\n" LOGIN, expected);
	}
}
END_TEST

START_TEST(passwords_do_not_linger)
{
	static const char *const logins[] = { LOGIN, "AUTH PLAIN " PLAIN_ANNA "\r\n" };
	struct talk t;

	for (size_t i = 0; i < sizeof logins / sizeof logins[0]; i++) {
		begin(&t, &two_messages, true, NULL);
		say(&t, logins[i]);
		ck_assert_int_eq(t.session.state, TRANSACTION);
		for (size_t at = 0; at < t.session.line.text.len; at++)
			ck_assert_int_eq(t.session.line.text.data[at], '\0');
		end(&t);
	}
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, logs_in_with_user_and_pass);
	tcase_add_test(t, tells_no_wrong_password_from_an_unknown_user);
	tcase_add_test(t, takes_no_password_where_it_may_not_cross);
	tcase_add_test(t, apop_needs_a_timestamp_a_name_and_a_digest);
	tcase_add_test(t, auth_plain);
	tcase_add_test(t, an_overlong_answer_ends_the_exchange);
	tcase_add_test(t, auth_scram);
	tcase_add_test(t, a_failed_login_is_logged_under_its_own_name);
	tcase_add_test(t, accounts_that_cannot_be_read);
	tcase_add_test(t, a_maildrop_that_does_not_open);
	tcase_add_test(t, passwords_do_not_linger);
}

int
main(void)
{
	return run_suite("pop3d auth", add);
}

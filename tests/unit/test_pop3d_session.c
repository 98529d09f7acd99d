#include "pop3d_talk.h"

START_TEST(greets)
{
	struct session_settings settings = { .hostname = "mail.example.org", .timestamp = TIMESTAMP };
	struct fake fake = two_messages;
	struct session s;
	struct buf out;

	buf_init(&out, 1024);
	session_init(&s, &fake_backend, &fake, &settings);
	ck_assert_int_eq(session_protocol.greet(&s, &out), EVENT_INPUT);
	expect_span(buf_span(&out), "+OK Letterbox at mail.example.org is ready " TIMESTAMP "\r\n");
	session_free(&s);

	buf_clear(&out);
	settings.timestamp = NULL;
	session_init(&s, &fake_backend, &fake, &settings);
	session_protocol.greet(&s, &out);
	expect_span(buf_span(&out), "+OK Letterbox at mail.example.org is ready\r\n");
	session_free(&s);
	buf_free(&out);
}
END_TEST

/* RFC 1939 10, with messages of 120 and 200 octets. */
START_TEST(example_of_rfc_1939)
{
	static const char hundred[] =
	    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567\r\n";
	char first[121], second[201];
	struct fake fake = { .messages = { first, second }, .count = 2 };
	struct talk t;

	ck_assert_uint_eq(sizeof hundred - 1, 90);
	snprintf(first, sizeof first, "Subject: the first message\r\n\r\n%s", hundred);
	snprintf(second, sizeof second, "Subject: 2nd\r\nX: abc\r\n\r\n%s%.*s\r\n", hundred, 82, hundred);
	ck_assert_uint_eq(strlen(first), 120);
	snprintf(second + 114, sizeof second - 114, "%.84s\r\n", hundred);
	ck_assert_uint_eq(strlen(second), 200);
	dialogue_of(&t, &fake, false, TIMESTAMP,
	    "APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\nSTAT\r\nLIST\r\nRETR 1\r\nDELE 1\r\nRETR "
	    "2\r\nDELE 2\r\nQUIT\r\n",
	    "+OK mrose has 2 messages\n+OK 2 320\n+OK 2 messages\n1 120\n2 200\n.\n"
	    "+OK 120 octets\nSubject: the first message\n\n0123*\n.\n+OK*\n"
	    "+OK 200 octets\nSubject: 2nd\nX: abc\n\n0123*\n0123*\n.\n+OK*\n+OK bye, 2 messages deleted\n");
	ck_assert_int_eq(t.event, EVENT_CLOSE);
	ck_assert_str_eq(t.fake.expunged, "1 2 ");
	end(&t);
}
END_TEST

START_TEST(lists_what_it_can)
{
	static const char list[] = "+OK*\nTOP\nUIDL\nPIPELINING\nRESP-CODES\nAUTH-RESP-CODE\nUSER\nSASL "
				   "PLAIN SCRAM-SHA-256\nEXPIRE NEVER\n"
				   "UTF8\nLANG\nIMPLEMENTATION Letterbox\n.\n";

	dialogue(&two_messages, "CAPA\r\n", list);
	logged_in("capa\r\n", list);
	dialogue(&two_messages, "CAPA x\r\n", "-ERR no argument*\n");
	dialogue(&two_messages, "AUTH\r\nauth \r\n",
	    "+OK*\nPLAIN\nSCRAM-SHA-256\n.\n+OK*\nPLAIN\nSCRAM-SHA-256\n.\n");
}
END_TEST

START_TEST(speaks_one_language)
{
	dialogue(&two_messages, "LANG\r\nLANG en\r\nlang EN\r\nLANG *\r\nLANG i-default\r\nLANG tlh\r\n",
	    "+OK*\nen English\ni-default English\n.\n+OK en *\n+OK en *\n+OK en *\n+OK en *\n-ERR no such "
	    "language\n");
	logged_in("LANG en\r\nUTF8\r\n", "+OK en *\n-ERR already logged in\n");
	dialogue(&two_messages, "UTF8\r\nUTF8 USER\r\n", "+OK\n-ERR no argument*\n");
}
END_TEST

START_TEST(commands_have_their_state)
{
	dialogue(&two_messages, "STAT\r\nLIST\r\nUIDL\r\nRETR 1\r\nTOP 1 0\r\nDELE 1\r\nRSET\r\nNOOP\r\n",
	    "-ERR log in first\n-ERR log in first\n-ERR log in first\n-ERR log in first\n-ERR log in "
	    "first\n-ERR log in first\n"
	    "-ERR log in first\n-ERR log in first\n");
	logged_in("USER x\r\nPASS x\r\nAPOP x y\r\nAUTH PLAIN\r\n",
	    "-ERR already logged in\n-ERR already logged in\n-ERR already logged in\n-ERR already logged "
	    "in\n");
	dialogue(&two_messages, "\r\nHELP\r\nSTATUS\r\nSTA\r\n USER x\r\nGET / HTTP/1.1\r\n",
	    "-ERR unknown command\n-ERR unknown command\n-ERR unknown command\n-ERR unknown command\n-ERR "
	    "unknown command\n"
	    "-ERR unknown command\n");
	logged_in("STAT x\r\nRSET 1\r\nNOOP x\r\nQUIT now\r\nSTAT \r\n",
	    "-ERR no arg*\n-ERR no arg*\n-ERR no arg*\n-ERR no arg*\n+OK 2 53\n");
}
END_TEST

START_TEST(too_many_errors_end_it)
{
	struct talk t;

	begin(&t, &two_messages, true, NULL);
	for (int i = 1; i < SESSION_ERRORS; i++) {
		say(&t, i % 2 == 0 ? "X\r\n" : "NOOP\r\n");
		ck_assert_int_eq(t.event, EVENT_INPUT);
	}
	say(&t, "X\r\n");
	expect(buf_span(&t.said), "-ERR too many errors\n");
	ck_assert_int_eq(t.event, EVENT_CLOSE);
	end(&t);
}
END_TEST

START_TEST(an_overlong_line_is_one_error)
{
	struct talk t;
	static char mega[1024 * 1024];

	memset(mega, 'A', sizeof mega);
	begin(&t, &two_messages, true, NULL);
	for (int i = 0; i < 8; i++)
		feed(&t, mega, sizeof mega);
	ck_assert_uint_eq(t.said.len, 0);
	ck_assert_uint_le(t.session.line.text.size, 2 * POP3_LINE);
	say(&t, "\r\n" LOGIN);
	expect(buf_span(&t.said), "-ERR line too long\n" WELCOME);
	end(&t);
}
END_TEST

START_TEST(last_words)
{
	struct fake fake = { .messages = { "A: b\r\n\r\n" }, .count = 100000 };
	struct talk t;
	size_t used;

	begin(&t, &fake, true, NULL);
	session_protocol.farewell(&t.session, FAREWELL_TIMEOUT, &t.out);
	expect(buf_span(&t.out), "");
	session_protocol.farewell(&t.session, FAREWELL_STOP, &t.out);
	expect(buf_span(&t.out), "-ERR [SYS/TEMP] *\n");
	buf_clear(&t.out);
	/* In the middle of a reply there is no place for them. */
	say(&t, LOGIN);
	ck_assert(!session_protocol.in_transfer(&t.session));
	ck_assert_int_eq(
	    session_protocol.input(&t.session, span_of("LIST\r\n"), &used, &t.out), EVENT_OUTPUT);
	ck_assert(session_protocol.in_transfer(&t.session));
	size_t before = t.out.len;
	session_protocol.farewell(&t.session, FAREWELL_STOP, &t.out);
	ck_assert_uint_eq(t.out.len, before);
	end(&t);
}
END_TEST

START_TEST(logs_what_happened_and_no_password)
{
	struct talk t;

	dialogue_of(&t, &two_messages, true, TIMESTAMP,
	    "USER anna\r\nPASS grape pie\r\nAUTH PLAIN AGFubmEAYXBwbGU=\r\nAPOP mrose "
	    "c4c9334bac560ecc979e58001b3e22fb\r\n"
	    "RETR 2\r\nTOP 1 0\r\nDELE 1\r\nQUIT\r\n",
	    "+OK*\n-ERR*\n-ERR*\n+OK mrose*\n+OK*\nSubject: two\n\n..dot\n\nlast\n.\n+OK*\nSubject: "
	    "one\n\n.\n+OK*\n+OK bye*\n");
	ck_assert_str_eq(t.fake.log, "login-failed user=anna method=USER\n"
				     "login-failed user=anna method=PLAIN\n"
				     "login user=mrose method=APOP messages=2\n"
				     "retr user=mrose uidl=uidl2 octets=30\n"
				     "dele user=mrose uidl=uidl1 octets=23\n"
				     "expunge user=mrose messages=1\n"
				     "quit user=mrose\n");
	end(&t);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, greets);
	tcase_add_test(t, example_of_rfc_1939);
	tcase_add_test(t, lists_what_it_can);
	tcase_add_test(t, speaks_one_language);
	tcase_add_test(t, commands_have_their_state);
	tcase_add_test(t, too_many_errors_end_it);
	tcase_add_test(t, an_overlong_line_is_one_error);
	tcase_add_test(t, last_words);
	tcase_add_test(t, logs_what_happened_and_no_password);
}

int
main(void)
{
	return run_suite("pop3d session", add);
}

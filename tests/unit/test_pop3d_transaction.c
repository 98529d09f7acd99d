#include "pop3d_talk.h"

START_TEST(numbers_of_messages)
{
	static const char *const wrong[] = { "0", "3", "-1", "+1", "1x", "x", "1 2 3", "18446744073709551617",
		"9223372036854775808", "9223372036854775807", "4294967297", "1.0", "0x1", "\xd9\xa1" };
	static const char *const commands[] = { "LIST", "UIDL", "RETR", "DELE", "TOP" };
	char input[64];

	for (size_t c = 0; c < sizeof commands / sizeof commands[0]; c++) {
		for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
			const char *lines = strcmp(commands[c], "TOP") == 0 ? " 1" : "";
			snprintf(input, sizeof input, "%s %s%s\r\n", commands[c], wrong[i], lines);
			logged_in(input, "-ERR *\n");
		}
	}
	logged_in("RETR\r\nDELE\r\nTOP\r\nRETR 1 1\r\nLIST 1 2\r\n",
	    "-ERR an arg*\n-ERR an arg*\n-ERR an arg*\n-ERR one number*\n-ERR one number*\n");
	logged_in("TOP 1\r\nTOP 1 -1\r\nTOP 1 x\r\nTOP 1 1 1\r\nTOP 1 99999999999999999999\r\n",
	    "-ERR a number*\n-ERR a number*\n-ERR a number*\n-ERR a number*\n-ERR a number*\n");
	logged_in("LIST 01\r\nLIST  2 \r\n", "+OK 1 23\n+OK 2 30\n");
}
END_TEST

START_TEST(lists_without_what_is_deleted)
{
	struct fake fake = { .messages = { "\r\n\r\n", "\r\n\r\n1", "\r\n\r\n12" }, .count = 3 };

	dialogue(&fake,
	    LOGIN "STAT\r\nLIST\r\nUIDL\r\nLIST 2\r\nUIDL 2\r\nDELE 2\r\nSTAT\r\nLIST\r\nUIDL\r\nLIST "
		  "2\r\nUIDL 2\r\n"
		  "RETR 2\r\nTOP 2 0\r\nDELE 2\r\nRSET\r\nSTAT\r\nLIST 2\r\nDELE 2\r\n",
	    "+OK*\n+OK anna has 3 messages\n"
	    "+OK 3 15\n+OK 3 messages\n1 4\n2 5\n3 6\n.\n+OK 3 messages\n1 uidl1\n2 uidl2\n3 uidl3\n.\n+OK 2 "
	    "5\n+OK 2 uidl2\n"
	    "+OK marked*\n+OK 2 10\n+OK 2 messages\n1 4\n3 6\n.\n+OK 2 messages\n1 uidl1\n3 uidl3\n.\n"
	    "-ERR no such*\n-ERR no such*\n-ERR no such*\n-ERR no such*\n-ERR no such*\n"
	    "+OK 3 messages\n+OK 3 15\n+OK 2 5\n+OK marked*\n");
	fake.count = 0;
	dialogue(&fake, LOGIN "STAT\r\nLIST\r\nUIDL\r\nRETR 1\r\nLIST 1\r\nQUIT\r\n",
	    "+OK*\n+OK anna has 0 messages\n+OK 0 0\n+OK 0 messages\n.\n+OK 0 messages\n.\n-ERR no "
	    "such*\n-ERR no such*\n"
	    "+OK bye, 0 messages deleted\n");
}
END_TEST

START_TEST(sends_messages)
{
	static const char second[] = "Subject: two\n\n..dot\n\nlast\n.\n";
	char expected[256];

	logged_in("RETR 1\r\n", "+OK 23 octets\nSubject: one\n\nfirst\n.\n");
	snprintf(expected, sizeof expected, "+OK 30 octets\n%s", second);
	logged_in("RETR 2\r\n", expected);
	logged_in("TOP 2 0\r\nTOP 2 1\r\nTOP 2 2\r\n",
	    "+OK*\nSubject: two\n\n.\n+OK*\nSubject: two\n\n..dot\n.\n+OK*\nSubject: two\n\n..dot\n\n.\n");
	snprintf(expected, sizeof expected, "+OK*\n%s+OK*\n%s", second, second);
	logged_in("TOP 2 3\r\nTOP 2 1000000\r\n", expected);

	struct fake fake = two_messages;
	for (fake.piece = 1; fake.piece < 40; fake.piece++)
		dialogue(&fake, LOGIN "RETR 2\r\nTOP 1 9\r\nNOOP\r\n",
		    WELCOME
		    "+OK 30 octets\nSubject: two\n\n..dot\n\nlast\n.\n+OK*\nSubject: one\n\nfirst\n.\n+OK\n");
}
END_TEST

START_TEST(what_fails_before_ok_is_an_error)
{
	struct fake fake = two_messages;
	struct talk t;

	fake.begin_code = "[SYS/TEMP]";
	dialogue(&fake, LOGIN "RETR 1\r\nTOP 1 1\r\nSTAT\r\n",
	    WELCOME "-ERR [SYS/TEMP] the message can't be read*\n-ERR [SYS/TEMP]*\n+OK 2 53\n");
	fake = two_messages;
	fake.read_code = "[SYS/PERM]";
	dialogue_of(&t, &fake, true, NULL, LOGIN "NOOP\r\nRETR 1\r\nSTAT\r\n",
	    WELCOME "+OK\n-ERR [SYS/PERM] the message can't be read*\n+OK 2 53\n");
	ck_assert(!session_protocol.in_transfer(&t.session));
	ck_assert_ptr_nonnull(strstr(t.fake.log, "read-failed user=anna uidl=uidl1"));
	end(&t);
}
END_TEST

START_TEST(what_fails_after_ok_drops_the_connection)
{
	struct fake fake = two_messages;
	struct talk t;

	fake.piece = 8;
	fake.read_code = "[SYS/TEMP]";
	fake.reads_before_failure = 2;
	dialogue_of(&t, &fake, true, NULL, LOGIN "DELE 2\r\nRETR 1\r\nQUIT\r\n",
	    WELCOME "+OK marked*\n+OK 23 octets\nSubject: one\n\n");
	ck_assert_int_eq(t.event, EVENT_DROP);
	ck_assert_int_eq(t.fake.expunges, 0);
	end(&t);
}
END_TEST

START_TEST(long_replies_come_in_pieces)
{
	enum { MANY = 100000 };
	struct fake fake = { .messages = { "A: b\r\n\r\n" }, .count = MANY };
	struct talk t;
	size_t lines = 0;

	begin(&t, &fake, true, NULL);
	say(&t, LOGIN "DELE 50000\r\n");
	say(&t, "LIST\r\n");
	for (size_t i = 0; i < t.said.len; i++)
		lines += t.said.data[i] == '\n';
	ck_assert_uint_eq(lines, MANY - 1 + 2);
	ck_assert_ptr_null(strstr(buf_string(&t.said), "\r\n50000 "));
	ck_assert_ptr_nonnull(strstr(buf_string(&t.said), "\r\n49999 8\r\n50001 8\r\n"));
	ck_assert_ptr_nonnull(strstr(buf_string(&t.said), "\r\n100000 8\r\n.\r\n"));
	say(&t, "UIDL\r\n");
	ck_assert_ptr_nonnull(strstr(buf_string(&t.said), "\r\n100000 uidl100000\r\n.\r\n"));
	ck_assert_uint_lt(t.longest, OUTPUT_CHUNK + 128);
	end(&t);
}
END_TEST

START_TEST(quit_deletes_what_was_marked_and_nothing_else_does)
{
	struct fake fake = { .messages = { "\r\n\r\n" }, .count = 20 };
	struct talk t;

	dialogue_of(&t, &fake, true, NULL, LOGIN "DELE 1\r\nDELE 8\r\nDELE 9\r\nDELE 20\r\nQUIT\r\nNOOP\r\n",
	    "+OK*\n+OK*\n+OK*\n+OK*\n+OK*\n+OK*\n+OK bye, 4 messages deleted\n");
	ck_assert_str_eq(t.fake.expunged, "1 8 9 20 ");
	/* So that a client that has read the reply finds the maildrop free. */
	ck_assert(!t.fake.is_open);
	end(&t);

	dialogue_of(&t, &fake, true, NULL, LOGIN "DELE 1\r\nRSET\r\nQUIT\r\n",
	    "+OK*\n+OK*\n+OK*\n+OK*\n+OK bye, 0*\n");
	ck_assert_int_eq(t.event, EVENT_CLOSE);
	ck_assert_int_eq(t.fake.expunges, 0);
	end(&t);

	dialogue_of(&t, &fake, true, NULL, "QUIT\r\n", "+OK bye\n");
	ck_assert_int_eq(t.event, EVENT_CLOSE);
	ck_assert_str_eq(t.fake.log, "");
	end(&t);

	begin(&t, &fake, true, NULL);
	say(&t, LOGIN "DELE 1\r\n");
	session_protocol.farewell(&t.session, FAREWELL_TIMEOUT, &t.out);
	session_free(&t.session);
	ck_assert_int_eq(t.fake.expunges, 0);
	session_init(&t.session, &fake_backend, &t.fake, &(struct session_settings){ .cleartext = true });
	end(&t);
}
END_TEST

START_TEST(quit_says_when_nothing_was_deleted)
{
	struct fake fake = two_messages;
	struct talk t;

	fake.expunge_code = "[SYS/TEMP]";
	dialogue_of(&t, &fake, true, NULL, LOGIN "DELE 1\r\nQUIT\r\nNOOP\r\n",
	    WELCOME "+OK*\n-ERR [SYS/TEMP] nothing was deleted: because\\x0d\\x0aof that\n");
	ck_assert_int_eq(t.event, EVENT_CLOSE);
	ck_assert(!t.fake.is_open);
	ck_assert_ptr_nonnull(strstr(t.fake.log, "expunge-failed user=anna messages=1 reason\n"));
	end(&t);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, numbers_of_messages);
	tcase_add_test(t, lists_without_what_is_deleted);
	tcase_add_test(t, sends_messages);
	tcase_add_test(t, what_fails_before_ok_is_an_error);
	tcase_add_test(t, what_fails_after_ok_drops_the_connection);
	tcase_add_test(t, long_replies_come_in_pieces);
	tcase_add_test(t, quit_deletes_what_was_marked_and_nothing_else_does);
	tcase_add_test(t, quit_says_when_nothing_was_deleted);
}

int
main(void)
{
	return run_suite("pop3d transaction", add);
}

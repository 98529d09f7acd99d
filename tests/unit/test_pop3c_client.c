#include "unit.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>

#include "exits.h"
#include "mails.h"

/*
 * A client whose server, a forked child, has said all of `script` before it is asked anything (byte by byte, if so wanted), and then closes.
 */
struct talk {
	struct pop3_client client;
	pid_t server;
};

enum how { WHOLE, BYTES };

static void
say(int fd, struct span script, enum how how)
{
	size_t piece = how == WHOLE ? script.n : 1;

	for (size_t i = 0; i < script.n; i += piece)
		if (write(fd, script.at + i, piece) < 0)
			return;
}

static void
begin(struct talk *talk, struct span script, enum how how)
{
	int ends[2];
	char c;

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	talk->server = fork();
	if (talk->server == 0) {
		close(ends[0]);
		say(ends[1], script, how);
		shutdown(ends[1], SHUT_WR);
		while (read(ends[1], &c, 1) > 0)
			continue;
		_exit(0);
	}
	close(ends[1]);
	ck_assert_int_eq(pop3_init(&talk->client, ends[0], -1, 10, false), 0);
}

static void
end(struct talk *talk)
{
	int status;

	pop3_free(&talk->client);
	ck_assert_int_eq(waitpid(talk->server, &status, 0), talk->server);
}

static const enum how hows[] = { WHOLE, BYTES };

static void
expect_reply(const char *script, enum pop3_status status, const char *said, const char *code)
{
	for (int i = 0; i < 2; i++) {
		struct talk talk;
		begin(&talk, span_of(script), hows[i]);
		ck_assert_int_eq(pop3_reply(&talk.client), status);
		if (said != NULL)
			expect_span(talk.client.said, said);
		ck_assert_int_eq(pop3_has_code(&talk.client, code != NULL ? code : "AUTH"), code != NULL);
		end(&talk);
	}
}

START_TEST(replies)
{
	expect_reply("+OK\r\n", POP3_OK, "", NULL);
	expect_reply("+OK  all well \r\n", POP3_OK, "all well", NULL);
	expect_reply("+ok all well\n", POP3_OK, "all well", NULL);
	expect_reply("-ERR [IN-USE] later\r\n", POP3_REFUSED, "[IN-USE] later", "in-use");
	expect_reply("-ERR [LOGIN-DELAY 30]\r\n", POP3_REFUSED, NULL, "LOGIN-DELAY");
	expect_reply("-ERR [AUTH\r\n", POP3_REFUSED, "[AUTH", NULL);
	expect_reply("-ERR [AUTHX] AUTH] [AUTH]\r\n", POP3_REFUSED, NULL, NULL);
	expect_reply("+ cj14\r\n", POP3_CHALLENGE, "cj14", NULL);
	expect_reply("+\r\n", POP3_CHALLENGE, "", NULL);
	expect_reply("+OKAY\r\n", POP3_PROTOCOL, NULL, NULL);
	expect_reply("\r\n", POP3_PROTOCOL, NULL, NULL);
	expect_reply("220 hello\r\n", POP3_PROTOCOL, NULL, NULL);
	expect_reply("+OK no end", POP3_LOST, "", NULL);
	expect_reply("", POP3_LOST, "", NULL);
}
END_TEST

START_TEST(words_are_escaped)
{
	struct talk talk;

	begin(&talk, span_of("-ERR \x1b[2J\r\n-ERR\r\n"), WHOLE);
	ck_assert_int_eq(pop3_reply(&talk.client), POP3_REFUSED);
	ck_assert_str_eq(pop3_words(&talk.client, POP3_DENIED), "\\x1b[2J");
	ck_assert_int_eq(pop3_reply(&talk.client), POP3_REFUSED);
	ck_assert_str_eq(pop3_words(&talk.client, POP3_REFUSED), "the server says no more than -ERR");
	end(&talk);
}
END_TEST

START_TEST(an_endless_line_is_no_reply)
{
	struct talk talk;
	size_t n = 100000;
	char *script = malloc(n);

	memset(script, '+', n);
	begin(&talk, (struct span){ script, n }, WHOLE);
	ck_assert_int_eq(pop3_reply(&talk.client), POP3_PROTOCOL);
	ck_assert_uint_le(talk.client.line.text.size, 16384);
	end(&talk);
	free(script);
}
END_TEST

static int
collect(void *context, struct span piece)
{
	struct buf *out = context;

	return buf_add_span(out, piece);
}

START_TEST(bodies)
{
	static const char script[] = "..dot\r\nbare\rcr\nlf\r\n...\r\n\r\n.\r\n+OK next\r\n";

	for (int i = 0; i < 2; i++) {
		struct talk talk;
		struct buf out;
		buf_init(&out, 1000);
		begin(&talk, span_of(script), hows[i]);
		ck_assert_int_eq(pop3_body(&talk.client, 1000, collect, &out), POP3_OK);
		expect_span(buf_span(&out), ".dot\r\nbare\rcr\nlf\r\n..\r\n\r\n");
		ck_assert_int_eq(pop3_reply(&talk.client), POP3_OK);
		expect_span(talk.client.said, "next");
		end(&talk);
		buf_free(&out);
	}
}
END_TEST

START_TEST(bodies_that_end_badly)
{
	struct talk talk;
	struct buf out;

	buf_init(&out, 8);
	begin(&talk, span_of("line\r\n."), WHOLE);
	ck_assert_int_eq(pop3_body(&talk.client, 100, collect, &out), POP3_LOST);
	end(&talk);
	begin(&talk, span_of("123456789\r\n.\r\n"), WHOLE);
	ck_assert_int_eq(pop3_body(&talk.client, 5, collect, &out), POP3_PROTOCOL);
	end(&talk);
	buf_clear(&out);
	begin(&talk, span_of("123456789\r\n.\r\n"), WHOLE);
	ck_assert_int_eq(pop3_body(&talk.client, 100, collect, &out), POP3_SINK);
	end(&talk);
	begin(&talk, span_of("123456789\r\n.\r\n"), WHOLE);
	ck_assert_int_eq(pop3_body(&talk.client, 100, pop3_keep, &out), POP3_OK);
	expect_span(buf_span(&out), "12345678");
	end(&talk);
	buf_free(&out);
}
END_TEST

static void
expect_greeting(const char *script, const char *stamp, unsigned capabilities)
{
	struct talk talk;

	begin(&talk, span_of(script), WHOLE);
	ck_assert_int_eq(pop3_greeting(&talk.client), POP3_OK);
	expect_span(buf_span(&talk.client.stamp), stamp);
	ck_assert_int_eq(pop3_capa(&talk.client), POP3_OK);
	ck_assert_uint_eq(talk.client.capabilities, capabilities);
	end(&talk);
}

START_TEST(greetings_and_capabilities)
{
	expect_greeting("+OK <1.2@host> ready\r\n-ERR what?\r\n", "<1.2@host>", 0);
	expect_greeting("+OK ready <a@b>\r\n+OK\r\n.\r\n", "<a@b>", POP3_CAPA);
	expect_greeting("+OK <no stamp> <a@b\r\n+OK\r\nTOP\r\nuser\r\nPIPELINING\r\nSASLX PLAIN\r\n.\r\n", "",
	    POP3_CAPA | POP3_TOP | POP3_USER | POP3_PIPELINING);
	expect_greeting("+OK\r\n+OK\r\nSASL CRAM-MD5 PLAIN scram-sha-256 SCRAM-SHA-256-PLUS\r\n.\r\n", "",
	    POP3_CAPA | POP3_SASL_PLAIN | POP3_SASL_SCRAM);
	expect_greeting("+OK\r\n+OK\r\nSASL\r\nSASL  \r\n\r\n.\r\n", "", POP3_CAPA);
	expect_greeting("+OK\n+OK\nUIDL\nTOP\n.\n", "", POP3_CAPA | POP3_TOP);
}
END_TEST

static void
expect_stat(const char *script, enum pop3_status status, uint64_t count, uint64_t octets)
{
	uint64_t got_count = 0, got_octets = 0;
	struct talk talk;

	begin(&talk, span_of(script), WHOLE);
	ck_assert_int_eq(pop3_stat(&talk.client, &got_count, &got_octets), status);
	ck_assert_uint_eq(got_count, count);
	ck_assert_uint_eq(got_octets, octets);
	end(&talk);
}

START_TEST(stats)
{
	expect_stat("+OK 2 320\r\n", POP3_OK, 2, 320);
	expect_stat("+OK 2 320 and more\r\n", POP3_OK, 2, 320);
	expect_stat("+OK 0 9223372036854775807\r\n", POP3_OK, 0, INT64_MAX);
	expect_stat("+OK 0 9223372036854775808\r\n", POP3_PROTOCOL, 0, 0);
	expect_stat("+OK 2\r\n", POP3_PROTOCOL, 0, 0);
	expect_stat("+OK\r\n", POP3_PROTOCOL, 0, 0);
	expect_stat("+OK -2 3\r\n", POP3_PROTOCOL, 0, 0);
	expect_stat("-ERR no\r\n", POP3_REFUSED, 0, 0);
}
END_TEST

static void
expect_list(const char *script, enum pop3_status status, size_t n)
{
	struct talk talk;
	struct mails mails;

	begin(&talk, span_of(script), BYTES);
	ck_assert_int_eq(mails_list(&talk.client, &mails), status);
	if (status == POP3_OK)
		ck_assert_uint_eq(mails.n, n);
	end(&talk);
	mails_free(&mails);
}

START_TEST(lists)
{
	expect_list("+OK\r\n.\r\n", POP3_OK, 0);
	expect_list("+OK\r\n1 10\r\n3 30 more\r\n.\r\n", POP3_OK, 2);
	expect_list("+OK\r\n3 10\r\n1 30\r\n.\r\n", POP3_PROTOCOL, 0);
	expect_list("+OK\r\n1 10\r\n1 10\r\n.\r\n", POP3_PROTOCOL, 0);
	expect_list("+OK\r\n0 10\r\n.\r\n", POP3_PROTOCOL, 0);
	expect_list("+OK\r\n4294967296 10\r\n.\r\n", POP3_PROTOCOL, 0);
	expect_list("+OK\r\n1\r\n.\r\n", POP3_PROTOCOL, 0);
	expect_list("+OK\r\n\r\n.\r\n", POP3_PROTOCOL, 0);
	expect_list("+OK\r\n1 10\r\n", POP3_LOST, 0);
	expect_list("+OK\n1 10\n2 20\n.\n", POP3_OK, 2);
	expect_list("+OK\r\n1 10\n..\n.\n", POP3_PROTOCOL, 0);
}
END_TEST

START_TEST(uidls)
{
	struct talk talk;
	struct mails mails;

	begin(&talk,
	    span_of("+OK\r\n2 20\r\n4 40\r\n7 70\r\n.\r\n+OK\r\n4 four\r\n2 t wo\r\n7 \x01\r\n.\r\n+OK\r\n5 "
		    "five\r\n.\r\n"),
	    WHOLE);
	ck_assert_int_eq(mails_list(&talk.client, &mails), POP3_OK);
	ck_assert_int_eq(mails_uidl(&talk.client, &mails), POP3_OK);
	ck_assert_str_eq(mails_find(&mails, 2)->uidl, "t");
	ck_assert_str_eq(mails_find(&mails, 4)->uidl, "four");
	ck_assert_ptr_null(mails_find(&mails, 7)->uidl);
	ck_assert_ptr_null(mails_find(&mails, 1));
	ck_assert_ptr_null(mails_find(&mails, 5));
	ck_assert_ptr_null(mails_find(&mails, -1));
	buf_free(&mails.uidls);
	ck_assert_int_eq(mails_uidl(&talk.client, &mails), POP3_PROTOCOL);
	end(&talk);
	mails_free(&mails);
}
END_TEST

static struct client anna;

static void
enter(void)
{
	client_init(&anna);
	buf_add_string(&anna.login, "anna");
	buf_add_string(&anna.password, "secret");
}

static void
leave(void)
{
	client_free(&anna);
}

/* What a script leads pop3_login to, after its greeting and CAPA, and the exit status of that. */
static void
expect_login(const char *script, enum pop3_status status, int exit_status)
{
	struct talk talk;

	begin(&talk, span_of(script), WHOLE);
	ck_assert_int_eq(pop3_greeting(&talk.client), POP3_OK);
	ck_assert_int_eq(pop3_capa(&talk.client), POP3_OK);
	enum pop3_status got = pop3_login(&talk.client, &anna);
	ck_assert_int_eq(got, status);
	ck_assert_int_eq(pop3_exit(&talk.client, got), exit_status);
	end(&talk);
}

START_TEST(logins)
{
	expect_login("+OK\r\n-ERR\r\n+OK\r\n+OK\r\n", POP3_OK, EXITS_DONE);
	expect_login("+OK\r\n-ERR\r\n+OK\r\n-ERR\r\n", POP3_DENIED, EXITS_AUTH);
	expect_login("+OK\r\n-ERR\r\n+OK\r\n-ERR [SYS/TEMP] x\r\n", POP3_REFUSED, EXITS_LATER);
	expect_login("+OK\r\n-ERR\r\n+OK\r\n-ERR [SYS/PERM] x\r\n", POP3_REFUSED, EXITS_REFUSED);
	expect_login("+OK\r\n-ERR\r\n+OK\r\n-ERR [login-delay] x\r\n", POP3_REFUSED, EXITS_LATER);
	expect_login("+OK\r\n-ERR\r\n+OK\r\n", POP3_LOST, EXITS_LATER);
	expect_login("+OK <a@b>\r\n-ERR\r\n-ERR\r\n+OK\r\n+OK\r\n", POP3_DENIED, EXITS_AUTH);
	expect_login("+OK\r\n+OK\r\nTOP\r\n.\r\n", POP3_NO_METHOD, EXITS_AUTH);
	expect_login(
	    "+OK\r\n+OK\r\nSASL PLAIN\r\nUSER\r\n.\r\n-ERR\r\n+OK\r\n+OK\r\n", POP3_DENIED, EXITS_AUTH);
#define SCRAM "+OK\r\n+OK\r\nSASL SCRAM-SHA-256\r\nUSER\r\n.\r\n"
	expect_login(SCRAM "-ERR what?\r\n+OK\r\n+OK\r\n", POP3_OK, EXITS_DONE);
	expect_login(SCRAM "-ERR [AUTH] no\r\n+OK\r\n+OK\r\n", POP3_DENIED, EXITS_AUTH);
	expect_login(SCRAM "+OK welcome\r\n", POP3_UNPROVEN, EXITS_AUTH);
	expect_login(SCRAM "+ !\r\n-ERR\r\n", POP3_PROTOCOL, EXITS_PROTOCOL);
	expect_login(SCRAM "+ cj14LHM9eSxpPTQwOTY=\r\n-ERR\r\n", POP3_PROTOCOL, EXITS_PROTOCOL);
	expect_login(SCRAM "+\r\n", POP3_PROTOCOL, EXITS_PROTOCOL);
	expect_login(SCRAM "250 ok\r\n", POP3_PROTOCOL, EXITS_PROTOCOL);
}
END_TEST

START_TEST(a_silent_server)
{
	int ends[2];
	struct pop3_client client;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(pop3_init(&client, ends[0], -1, 1, false), 0);
	ck_assert_int_eq(pop3_reply(&client), POP3_SILENT);
	ck_assert_int_eq(pop3_exit(&client, POP3_SILENT), EXITS_LATER);
	pop3_free(&client);
	close(ends[1]);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_checked_fixture(t, enter, leave);
	tcase_add_test(t, replies);
	tcase_add_test(t, words_are_escaped);
	tcase_add_test(t, an_endless_line_is_no_reply);
	tcase_add_test(t, bodies);
	tcase_add_test(t, bodies_that_end_badly);
	tcase_add_test(t, greetings_and_capabilities);
	tcase_add_test(t, stats);
	tcase_add_test(t, lists);
	tcase_add_test(t, uidls);
	tcase_add_test(t, logins);
	tcase_add_test(t, a_silent_server);
}

int
main(void)
{
	return run_suite("pop3c_client", add);
}

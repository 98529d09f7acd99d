#include "fake_server.h"

#include "bounds.h"
#include "smtp_client.h"

/* A session with a scripted server: open, send one message, quit. */
enum { MOST = 300 };

static struct smtp_recipient recipients[MOST];
static struct smtp_client client;
static struct smtp_message message;
static const char *content, *content_end;
static size_t piece_size;
static int64_t deadline = -1;

static int
next_piece(void *context, struct buf *out)
{
	size_t left = (size_t)(content_end - content), n = left < piece_size ? left : piece_size;

	(void)context;
	buf_add(out, content, n);
	content += n;
	return content < content_end ? 1 : 0;
}

static int
no_piece(void *context, struct buf *out)
{
	(void)context;
	(void)out;
	return -1;
}

/* The message of the next session: two recipients, small. */
static void
prepare(const char *text, size_t n)
{
	content = text;
	content_end = text + n;
	piece_size = 1000;
	memset(recipients, 0, sizeof(recipients));
	recipients[0].address = span_of("b@b.example");
	recipients[1].address = span_of("c@c.example");
	message = (struct smtp_message){
		.sender = span_of("a@a.example"),
		.recipients = recipients,
		.recipients_n = 2,
		.size = n,
		.body = next_piece,
	};
}

static enum smtp_outcome
run(const char *const *script, int seconds)
{
	struct conn conn;
	pid_t pid;
	int fd = fake_start(script, &pid);

	ck_assert_int_eq(conn_init(&conn, fd, fd, -1), 0);
	smtp_client_init(&client, &conn);
	client.patience = smtp_patience_of(seconds);
	client.deadline = deadline;
	enum smtp_outcome outcome = smtp_client_open(&client, "me.example");
	if (outcome == SMTP_DONE)
		outcome = smtp_client_send(&client, &message);
	smtp_client_quit(&client);
	conn_free(&conn);
	fake_end(pid);
	return outcome;
}

#define RUN(...)	   run((const char *const[]){ __VA_ARGS__, NULL }, 20)
#define RUN_IMPATIENT(...) run((const char *const[]){ __VA_ARGS__, NULL }, 1)
#define HELLO		   "> 220 s", "< EHLO me.example"
#define PLAIN		   HELLO, "> 250 s"
#define PIPELINED	   HELLO, "> 250-s", "> 250 PIPELINING"
#define ENVELOPE                                                                               \
	PLAIN, "< MAIL FROM:<a@a.example>", "> 250 ok", "< RCPT TO:<b@b.example>", "> 250 ok", \
	    "< RCPT TO:<c@c.example>", "> 250 ok"
#define BATCH PIPELINED, "< MAIL FROM:<a@a.example>", "<<RCPT TO:<b@b.example>", "<<RCPT TO:<c@c.example>"
#define QUIT  "< QUIT", "> 221 bye"

static void
fresh(void)
{
	static const char text[] = "Subject: x\r\n\r\n.dot\r\n..\r\nend\r\n";

	prepare(text, sizeof(text) - 1);
}
#define STUFFED ". Subject: x||..dot|...|end|"

static void
expect(enum smtp_outcome outcome, enum smtp_outcome expected, int code, const char *text)
{
	ck_assert_msg(outcome == expected, "outcome %d (%s)", (int)outcome, client.reason);
	ck_assert_int_eq(client.answer.code, code);
	if (text != NULL)
		ck_assert_str_eq(client.answer.text, text);
	ck_assert(code != 0 || outcome == SMTP_DONE || outcome == SMTP_SOME || client.reason[0] != '\0' ||
		  recipients[0].answer.code != 0);
	for (size_t i = 0; i < MOST; i++)
		smtp_answer_free(&recipients[i].answer);
	smtp_client_free(&client);
}

START_TEST(sends_line_by_line)
{
	fresh();
	enum smtp_outcome outcome = RUN(ENVELOPE, "< DATA", "> 354 go", STUFFED, "> 250 2.0.0 id=1", QUIT);
	ck_assert_int_eq(recipients[1].answer.code, 250);
	expect(outcome, SMTP_DONE, 250, "250 2.0.0 id=1");
}
END_TEST

START_TEST(sends_in_a_pipeline)
{
	for (size_t size = 1; size < 40; size++) {
		fresh();
		piece_size = size;
		enum smtp_outcome outcome = RUN(BATCH, "<<DATA", "> 250 ok", "> 250-more", "> 250 ok",
		    "> 250 ok", "> 354 go", STUFFED, "> 250 ok", QUIT);
		ck_assert_str_eq(recipients[0].answer.text, "250-more\n250 ok");
		expect(outcome, SMTP_DONE, 250, "250 ok");
	}
}
END_TEST

START_TEST(says_what_the_server_offers)
{
	fresh();
	message.eight_bit = message.utf8 = true;
	message.recipients_n = 1;
	message.sender = span_of("");
	expect(RUN(HELLO, "> 250-s", "> 250-size 1000", "> 250-8bitmime", "> 250-X", "> 250 SMTPUTF8",
		   "< MAIL FROM:<> SIZE=29 BODY=8BITMIME SMTPUTF8", "> 250 ok", "< RCPT TO:<b@b.example>",
		   "> 250 ok", "< DATA", "> 354 go", ".", "> 250 ok", QUIT),
	    SMTP_DONE, 250, NULL);
}
END_TEST

START_TEST(sends_nothing_that_the_server_cannot_take)
{
	fresh();
	message.eight_bit = true;
	expect(RUN(PIPELINED, QUIT), SMTP_REFUSED, 0, NULL);
	ck_assert_str_eq(client.status, "5.6.3");
	fresh();
	message.utf8 = true;
	expect(RUN(PIPELINED, QUIT), SMTP_REFUSED, 0, NULL);
	ck_assert_str_eq(client.status, "5.6.7");
	fresh();
	expect(RUN(HELLO, "> 250-s", "> 250 SIZE 28", QUIT), SMTP_REFUSED, 0, NULL);
	ck_assert_str_eq(client.status, "5.3.4");
	fresh();
	expect(RUN(HELLO, "> 250-s", "> 250 SIZE 0", "< MAIL FROM:<a@a.example> SIZE=29", "> 452 full", QUIT),
	    SMTP_LATER, 452, "452 full");
}
END_TEST

START_TEST(falls_back_to_helo)
{
	fresh();
	expect(RUN(HELLO, "> 502 what", "< HELO me.example", "> 250 s", "< MAIL FROM:<a@a.example>",
		   "> 550 no", QUIT),
	    SMTP_REFUSED, 550, "550 no");
	fresh();
	expect(RUN(HELLO, "> 500 what", "< HELO me.example", "> 554 no", QUIT), SMTP_REFUSED, 554, NULL);
	fresh();
	expect(RUN(HELLO, "> 421 going"), SMTP_LATER, 421, NULL);
	fresh();
	expect(RUN(HELLO, "> 451 later", QUIT), SMTP_LATER, 451, NULL);
}
END_TEST

START_TEST(knows_greetings)
{
	fresh();
	expect(RUN("> 554 no mail here", QUIT), SMTP_REFUSED, 554, NULL);
	fresh();
	expect(RUN("> 421 busy"), SMTP_LATER, 421, NULL);
	fresh();
	expect(RUN("> 250 s"), SMTP_PROTOCOL, 250, NULL);
	fresh();
	expect(RUN("> +OK pop3 here"), SMTP_PROTOCOL, 0, NULL);
	fresh();
	expect(RUN("!"), SMTP_UNREACHABLE, 0, NULL);
	fresh();
	expect(RUN_IMPATIENT("?"), SMTP_UNREACHABLE, 0, NULL);
	fresh();
	expect(RUN("~ 220-on and on"), SMTP_PROTOCOL, 0, NULL);
	fresh();
	expect(RUN("~ 220-on and on\r\n"), SMTP_PROTOCOL, 0, NULL);
}
END_TEST

START_TEST(names_who_was_refused)
{
	fresh();
	enum smtp_outcome outcome = RUN(BATCH, "<<DATA", "> 250 ok", "> 550 5.1.1 who?", "> 250 ok",
	    "> 354 go", STUFFED, "> 250 ok", QUIT);
	ck_assert_str_eq(recipients[0].answer.text, "550 5.1.1 who?");
	expect(outcome, SMTP_SOME, 250, NULL);
	fresh();
	outcome = RUN(PLAIN, "< MAIL FROM:<a@a.example>", "> 250 ok", "< RCPT TO:<b@b.example>", "> 250 ok",
	    "< RCPT TO:<c@c.example>", "> 451 later", "< DATA", "> 354 go", STUFFED, "> 250 ok", QUIT);
	ck_assert_int_eq(recipients[1].answer.code, 451);
	expect(outcome, SMTP_SOME, 250, NULL);
}
END_TEST

START_TEST(sends_a_lone_dot_where_nobody_is_left)
{
	fresh();
	expect(RUN(BATCH, "<<DATA", "> 250 ok", "> 550 no", "> 550 no", "> 354 go", ". ", "> 554 nobody",
		   "< RSET", "> 250 ok", QUIT),
	    SMTP_REFUSED, 0, NULL);
	fresh();
	expect(RUN(BATCH, "<<DATA", "> 250 ok", "> 550 no", "> 450 no", "> 503 nobody", "< RSET", "> 250 ok",
		   QUIT),
	    SMTP_LATER, 0, NULL);
	fresh();
	expect(RUN(BATCH, "<<DATA", "> 552 big", "> 503 no", "> 503 no", "> 503 no", QUIT), SMTP_REFUSED, 552,
	    NULL);
	fresh(); /* RSET's reply changes nothing */
	expect(RUN(PLAIN, "< MAIL FROM:<a@a.example>", "> 250 ok", "< RCPT TO:<b@b.example>", "> 550 no",
		   "< RCPT TO:<c@c.example>", "> 550 no", "< RSET", "!"),
	    SMTP_REFUSED, 0, NULL);
}
END_TEST

START_TEST(takes_all_or_none)
{
	fresh();
	message.all_or_none = true;
	expect(RUN(BATCH, "> 250 ok", "> 250 ok", "> 550 no", "< RSET", "> 250 ok", QUIT), SMTP_REFUSED, 0,
	    NULL);
	fresh();
	message.all_or_none = true;
	expect(
	    RUN(BATCH, "> 250 ok", "> 250 ok", "> 450 no", "< RSET", "> 250 ok", QUIT), SMTP_LATER, 0, NULL);
	fresh();
	message.all_or_none = true;
	expect(
	    RUN(BATCH, "> 250 ok", "> 250 ok", "> 250 ok", "< DATA", "> 354 go", STUFFED, "> 250 ok", QUIT),
	    SMTP_DONE, 250, NULL);
}
END_TEST

START_TEST(believes_the_final_reply)
{
	fresh();
	expect(RUN(ENVELOPE, "< DATA", "> 354 go", STUFFED, "> 554 5.6.0 no", QUIT), SMTP_REFUSED, 554,
	    "554 5.6.0 no");
	fresh();
	expect(RUN(ENVELOPE, "< DATA", "> 354 go", STUFFED, "> 452 4.3.1 full", QUIT), SMTP_LATER, 452, NULL);
	fresh();
	expect(RUN(ENVELOPE, "< DATA", "> 554 no", QUIT), SMTP_REFUSED, 554, NULL);
	fresh(); /* QUIT changes nothing */
	expect(RUN(ENVELOPE, "< DATA", "> 354 go", STUFFED, "> 250 ok", "!"), SMTP_DONE, 250, "250 ok");
	fresh();
	expect(RUN(ENVELOPE, "< DATA", "> 354 go", STUFFED, "> 250 ok", "< QUIT", "> nonsense"), SMTP_DONE,
	    250, NULL);
}
END_TEST

START_TEST(says_maybe)
{
	fresh();
	expect(RUN(ENVELOPE, "< DATA", "> 354 go", STUFFED, "!"), SMTP_MAYBE, 0, NULL);
	fresh();
	expect(RUN_IMPATIENT(ENVELOPE, "< DATA", "> 354 go", STUFFED, "?"), SMTP_MAYBE, 0, NULL);
	fresh();
	expect(RUN(ENVELOPE, "< DATA", "> 354 go", STUFFED, "> what?"), SMTP_MAYBE, 0, NULL);
	fresh();
	expect(RUN(ENVELOPE, "< DATA", "> 354 go", STUFFED, "> 354 go"), SMTP_MAYBE, 354, NULL);
	fresh();
	expect(RUN(ENVELOPE, "< DATA", "> 354 go", STUFFED, "~ 250"), SMTP_MAYBE, 0, NULL);
}
END_TEST

START_TEST(survives_the_end_of_the_connection)
{
	fresh();
	expect(RUN(HELLO, "!"), SMTP_LATER, 0, NULL);
	fresh();
	expect(RUN(BATCH, "<<DATA", "> 250 ok", "!"), SMTP_LATER, 0, NULL);
	fresh();
	expect(
	    RUN(BATCH, "<<DATA", "> 250 ok", "> 421 4.3.2 going", "!"), SMTP_LATER, 421, "421 4.3.2 going");
	fresh();
	expect(RUN_IMPATIENT(PLAIN, "< MAIL FROM:<a@a.example>", "?"), SMTP_LATER, 0, NULL);
	fresh();
	expect(RUN(ENVELOPE, "< DATA", "!"), SMTP_LATER, 0, NULL);
}
END_TEST

START_TEST(ends_at_the_deadline)
{
	fresh();
	deadline = conn_now() + 500;
	expect(run((const char *const[]){ PLAIN, "< MAIL FROM:<a@a.example>", "?", NULL }, 100), SMTP_LATER,
	    0, NULL);
}
END_TEST

START_TEST(refuses_wrong_replies)
{
	fresh();
	expect(RUN(PLAIN, "< MAIL FROM:<a@a.example>", "> 354 go"), SMTP_PROTOCOL, 354, NULL);
	fresh();
	expect(RUN(PLAIN, "< MAIL FROM:<a@a.example>", "> 250 ok", "< RCPT TO:<b@b.example>", "> 354 ok"),
	    SMTP_PROTOCOL, 354, NULL);
	fresh();
	expect(RUN(ENVELOPE, "< DATA", "> 250 ok"), SMTP_PROTOCOL, 250, NULL);
	fresh();
	expect(RUN(PLAIN, "< MAIL FROM:<a@a.example>", "> 250-a", "> 251 b"), SMTP_PROTOCOL, 0, NULL);
	fresh(); /* two replies in one write: the second is out of turn */
	expect(RUN(PLAIN, "< MAIL FROM:<a@a.example>", "> 250 a\r\n250 b"), SMTP_PROTOCOL, 0, NULL);
	fresh();
	expect(RUN("> 220 s\r\n250 s"), SMTP_PROTOCOL, 0, NULL);
	fresh();
	expect(RUN(ENVELOPE, "< DATA", "> 354 go\r\n250 taken"), SMTP_PROTOCOL, 250, NULL);
}
END_TEST

/* A message far larger than the socket's buffers. */
static void
fresh_large(void)
{
	static char text[2 * 1024 * 1024];

	for (size_t i = 0; i + 64 <= sizeof(text); i += 64) {
		memset(text + i, 'x', 62);
		memcpy(text + i + 62, "\r\n", 2);
	}
	prepare(text, sizeof(text));
	piece_size = 50000;
}

START_TEST(hears_what_is_said_meanwhile)
{
	fresh_large();
	expect(RUN(ENVELOPE, "< DATA", "> 354 go", "> 552 too big", "?"), SMTP_REFUSED, 552, "552 too big");
	fresh_large();
	expect(RUN(ENVELOPE, "< DATA", "> 354 go",
		   "< xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "> 452 full", "!"),
	    SMTP_LATER, 452, "452 full");
	fresh_large();
	expect(RUN(ENVELOPE, "< DATA", "> 354 go", "> 250 ok", "?"), SMTP_PROTOCOL, 250, NULL);
	fresh_large();
	expect(RUN(ENVELOPE, "< DATA", "> 354 go", "!"), SMTP_LATER, 0, NULL);
	fresh_large();
	expect(RUN(ENVELOPE, "< DATA", "> 354 go", ".", "> 250 ok", QUIT), SMTP_DONE, 250, NULL);
}
END_TEST

START_TEST(sends_no_bare_line_end)
{
	static const char *const bad[] = { "a\rb", "a\nb", "\n", "a\r\r\n", "a\r", "a\r\n\r",
		"a\r\n.\n.\r\n" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (piece_size = 1; piece_size < 4; piece_size++) {
			size_t size = piece_size;
			prepare(bad[i], strlen(bad[i]));
			piece_size = size;
			expect(RUN(ENVELOPE, "< DATA", "> 354 go", "?"), SMTP_UNREADABLE, 0, NULL);
		}
	prepare("a\0b", 3);
	expect(RUN(ENVELOPE, "< DATA", "> 354 go", "?"), SMTP_UNREADABLE, 0, NULL);
	fresh();
	message.body = no_piece;
	expect(RUN(ENVELOPE, "< DATA", "> 354 go", "?"), SMTP_UNREADABLE, 0, NULL);
	prepare("no end", 6);
	expect(RUN(ENVELOPE, "< DATA", "> 354 go", ". no end|", "> 250 ok", QUIT), SMTP_DONE, 250, NULL);
	prepare("", 0);
	expect(RUN(ENVELOPE, "< DATA", "> 354 go", ". ", "> 250 ok", QUIT), SMTP_DONE, 250, NULL);
}
END_TEST

/* 300 recipients: what goes out before a reply is bounded, in recipients and in bytes. A batch of another size would wait for ever. */
static void
expect_batches(size_t local, size_t first_batch, size_t batch)
{
	static char address[500], rcpt[600];
	static const char *script[1000];
	const char *const begin[] = { PIPELINED, "< MAIL FROM:<a@a.example>", "> 250 ok" };
	const char *const end[] = { "> 354 go", ".", "> 250 ok", QUIT, NULL };
	size_t steps = sizeof(begin) / sizeof(begin[0]);

	fresh();
	memcpy(script, begin, sizeof(begin));
	memset(address, 'x', local);
	strcpy(address + local, "@b.example");
	snprintf(rcpt, sizeof(rcpt), "< RCPT TO:<%s>", address);
	for (size_t first = 0, n = first_batch; first < MOST; first += n, n = batch) {
		if (n > MOST - first)
			n = MOST - first;
		for (size_t i = 0; i < n; i++)
			script[steps++] = rcpt;
		if (first + n == MOST)
			script[steps++] = "< DATA";
		for (size_t i = 0; i < n; i++)
			script[steps++] = "> 250 ok";
	}
	memcpy(script + steps, end, sizeof(end));
	for (size_t i = 0; i < MOST; i++)
		recipients[i].address = span_of(address);
	message.recipients_n = MOST;
	expect(run(script, 20), SMTP_DONE, 250, NULL);
}

START_TEST(sends_recipients_in_batches)
{
	size_t line = strlen("RCPT TO:<@b.example>\r\n") + 400, mail = strlen("MAIL FROM:<a@a.example>\r\n");

	expect_batches(60, SMTP_BATCH_RCPT, SMTP_BATCH_RCPT);
	expect_batches(400, (SMTP_BATCH - mail + line - 1) / line, (SMTP_BATCH + line - 1) / line);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, sends_line_by_line);
	tcase_add_test(t, sends_in_a_pipeline);
	tcase_add_test(t, says_what_the_server_offers);
	tcase_add_test(t, sends_nothing_that_the_server_cannot_take);
	tcase_add_test(t, falls_back_to_helo);
	tcase_add_test(t, knows_greetings);
	tcase_add_test(t, names_who_was_refused);
	tcase_add_test(t, sends_a_lone_dot_where_nobody_is_left);
	tcase_add_test(t, takes_all_or_none);
	tcase_add_test(t, believes_the_final_reply);
	tcase_add_test(t, says_maybe);
	tcase_add_test(t, survives_the_end_of_the_connection);
	tcase_add_test(t, ends_at_the_deadline);
	tcase_add_test(t, refuses_wrong_replies);
	tcase_add_test(t, hears_what_is_said_meanwhile);
	tcase_add_test(t, sends_no_bare_line_end);
	tcase_add_test(t, sends_recipients_in_batches);
}

int
main(void)
{
	return run_suite("smtp_client", add);
}

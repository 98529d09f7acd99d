/* Whatever a server says, the sending side comes to an end, with a verdict that its replies bear out. */
#include "smtp_client.h"

#include <errno.h>

#include "bounds.h"
#include "fuzz.h"

enum { RECIPIENTS = 3 };

static int
next_piece(void *context, struct buf *out)
{
	(void)context;
	buf_add_string(out, "Subject: x\r\n\r\n.dot\r\n");
	return 0;
}

static void
judge(const struct smtp_client *client, const struct smtp_message *message, enum smtp_outcome outcome)
{
	int taken = 0;

	for (size_t i = 0; i < message->recipients_n; i++)
		taken += message->recipients[i].answer.code / 100 == 2;
	if (outcome == SMTP_DONE || outcome == SMTP_SOME) {
		MUST(client->answer.code / 100 == 2 && taken > 0);
		MUST((outcome == SMTP_DONE) == (taken == RECIPIENTS));
	}
	if (outcome == SMTP_REFUSED)
		MUST(client->answer.code >= 500 || client->reason[0] != '\0' || taken == 0);
	if (outcome == SMTP_PROTOCOL || outcome == SMTP_MAYBE)
		MUST(client->over);
}

static void
talk(struct conn *conn, bool auth)
{
	struct smtp_recipient recipients[RECIPIENTS] = { { .address = span_of("b@b.example"),
							     .notify = "NEVER" },
		{ .address = span_of("c@c.example") }, { .address = span_of("d@d.example") } };
	const struct smtp_message message = { .sender = span_of("a@a.example"),
		.ret = span_of("HDRS"),
		.recipients = recipients,
		.recipients_n = RECIPIENTS,
		.body = next_piece };
	struct smtp_client client;

	smtp_client_init(&client, conn);
	enum smtp_outcome outcome = smtp_client_open(&client, "me.example");
	if (outcome == SMTP_DONE && auth)
		outcome = smtp_client_auth(&client, span_of("anna"), span_of("secret"));
	for (int i = 0; i < 2 && outcome == SMTP_DONE && !client.over; i++) {
		outcome = smtp_client_send(&client, &message);
		judge(&client, &message, outcome);
		for (int k = 0; k < RECIPIENTS; k++)
			smtp_answer_free(&recipients[k].answer);
	}
	smtp_client_quit(&client);
	smtp_client_free(&client);
}

/* Takes the place of conn.c: what the server says is the input, line by line. */
static struct span said;

/* A line with its end: behind ! it comes before its turn; ~ is silence, ^ a connection that breaks. */
static void
hear(struct conn *c)
{
	struct span line = fuzz_part(&said, '\n');

	if (line.n > 0 && line.at[0] == '!')
		span_skip(&line, 1);
	MUST(line.n + 2 <= CONN_INPUT);
	memcpy(c->input, line.at, line.n);
	memcpy(c->input + line.n, "\r\n", 2);
	c->start = 0;
	c->end = line.n + 2;
}

static bool
next_is(char c)
{
	return said.n > 0 && said.at[0] == c;
}

enum conn_status
conn_fill(struct conn *c, int64_t deadline)
{
	(void)deadline;
	MUST(c->start == c->end && c->output.len == 0);
	if (said.n == 0)
		return CONN_EOF;
	if (next_is('~'))
		return CONN_TIMEOUT;
	errno = ECONNRESET;
	if (next_is('^'))
		return CONN_ERROR;
	hear(c);
	return CONN_OK;
}

bool
conn_pending(struct conn *c)
{
	if (c->start == c->end && next_is('!'))
		hear(c);
	return c->start < c->end;
}

enum conn_status
conn_flush(struct conn *c, int64_t patience, int64_t deadline)
{
	(void)patience;
	(void)deadline;
	errno = EPIPE;
	if (next_is('^'))
		return CONN_ERROR;
	buf_clear(&c->output);
	return CONN_OK;
}

struct span
conn_bytes(const struct conn *c)
{
	return (struct span){ c->input + c->start, c->end - c->start };
}

void
conn_consume(struct conn *c, size_t n)
{
	MUST(n <= c->end - c->start);
	c->start += n;
}

int64_t
conn_now(void)
{
	return 0;
}

/* The first line: is there to be a login? */
void
fuzz(struct span input)
{
	static char bytes[CONN_INPUT];
	struct conn conn = { .in = -1, .out = -1, .input = bytes };

	said = input;
	struct span auth = fuzz_part(&said, '\n');
	buf_init(&conn.output, CONN_OUTPUT);
	talk(&conn, auth.n > 0);
	buf_free(&conn.output);
}

#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "dot.h"
#include "smtp_dialogue.h"

/*
 * One transaction: MAIL, RCPT, DATA, the content. With PIPELINING MAIL, a batch of RCPT and, behind the last one, DATA go out in one
 * write; so a 354 may come for a message that has no recipient: it then gets the lone dot (RFC 2920 3.1).
 */
struct transaction {
	struct smtp_client *client;
	const struct smtp_message *message;
	size_t next;		   /* recipients whose RCPT went out */
	size_t taken;		   /* of them */
	bool refused, later;	   /* there was a 5xx, a 4xx to RCPT */
	int data_code;		   /* of the reply to DATA, where that went out with them; else 0 */
	enum smtp_outcome verdict; /* SMTP_DONE as long as nothing speaks against the message */
};

static bool
offers(const struct transaction *t, enum smtp_offer offer)
{
	return (t->client->offers & offer) != 0;
}

/* What is known before a word is said. */
static enum smtp_outcome
check_offers(const struct transaction *t)
{
	const struct smtp_message *m = t->message;
	const struct {
		bool wrong;
		const char *status, *reason;
	} checks[] = {
		{ m->utf8 && !offers(t, SMTP_SMTPUTF8), "5.6.7",
		    "the server takes no UTF-8 in addresses or header fields (no SMTPUTF8)" },
		{ m->eight_bit && !offers(t, SMTP_8BITMIME), "5.6.3",
		    "the server takes no 8-bit text (no 8BITMIME), and the message has some" },
		{ t->client->size_limit > 0 && m->size > t->client->size_limit, "5.3.4",
		    "the message is larger than the server takes" },
	};

	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
		if (checks[i].wrong) {
			t->client->status = checks[i].status;
			snprintf(t->client->reason, sizeof t->client->reason, "%s", checks[i].reason);
			return SMTP_REFUSED;
		}
	return SMTP_DONE;
}

/* A parameter for a server that offers DSN, unless it is empty, or UTF-8 where SMTPUTF8 was not said. */
static void
add_dsn(const struct transaction *t, const char *name, struct span value, struct buf *line)
{
	if (value.n == 0 || !offers(t, SMTP_DSN) || !(t->message->utf8 || span_is_ascii(value)))
		return;
	buf_add_string(line, name);
	buf_add_span(line, value);
}

static void
say_line(const struct transaction *t, struct buf *line)
{
	if (line->failed) {
		smtp_give_up(t->client, SMTP_REFUSED, "an address is too long");
		t->client->status = "5.1.3";
	}
	smtp_say(t->client, buf_string(line));
	buf_free(line);
}

static void
say_mail(const struct transaction *t)
{
	const struct smtp_message *m = t->message;
	struct buf line;

	buf_init(&line, SMTP_COMMAND);
	buf_printf(&line, "MAIL FROM:<%.*s>", (int)m->sender.n, m->sender.at);
	if (offers(t, SMTP_SIZE) && m->size > 0)
		buf_printf(&line, " SIZE=%llu", (unsigned long long)m->size);
	buf_add_string(&line, m->eight_bit ? " BODY=8BITMIME" : "");
	buf_add_string(&line, m->utf8 ? " SMTPUTF8" : "");
	add_dsn(t, " RET=", m->ret, &line);
	add_dsn(t, " ENVID=", m->envid, &line);
	say_line(t, &line);
}

static void
say_recipient(struct transaction *t)
{
	const struct smtp_recipient *recipient = &t->message->recipients[t->next++];
	struct buf line;

	buf_init(&line, SMTP_COMMAND);
	buf_printf(&line, "RCPT TO:<%.*s>", (int)recipient->address.n, recipient->address.at);
	add_dsn(t, " NOTIFY=", span_of(recipient->notify), &line);
	add_dsn(t, " ORCPT=", recipient->orcpt, &line);
	say_line(t, &line);
}

static void
await_mail(struct transaction *t)
{
	smtp_await(t->client, t->client->patience.command);
	t->verdict = smtp_expect(t->client, 250);
	t->client->begun = t->client->dirty = t->verdict == SMTP_DONE;
}

static void
await_recipient(struct transaction *t, struct smtp_recipient *recipient)
{
	/* Without MAIL, its reply says nothing about it. */
	if (!smtp_await(t->client, t->client->patience.command) || t->verdict != SMTP_DONE)
		return;
	smtp_keep(t->client, &recipient->answer);
	enum smtp_outcome outcome = smtp_outcome_of(t->client);
	t->taken += outcome == SMTP_DONE;
	t->refused |= outcome == SMTP_REFUSED;
	t->later |= outcome == SMTP_LATER;
	if (outcome == SMTP_PROTOCOL)
		smtp_expect(t->client, 250);
}

/* Some recipients, or one; with MAIL before and DATA behind them where that saves a round trip. */
static void
exchange_batch(struct transaction *t)
{
	const struct smtp_message *m = t->message;
	const struct buf *out = &t->client->conn->output;
	bool pipelining = offers(t, SMTP_PIPELINING);
	size_t first = t->next;

	do
		say_recipient(t);
	while (pipelining && t->next < m->recipients_n && t->next - first < SMTP_BATCH_RCPT &&
	       out->len < SMTP_BATCH);
	bool with_data = pipelining && !m->all_or_none && t->next == m->recipients_n;
	if (with_data)
		smtp_say(t->client, "DATA");
	if (!t->client->begun)
		await_mail(t);
	for (size_t i = first; i < t->next; i++)
		await_recipient(t, &m->recipients[i]);
	if (with_data && smtp_await(t->client, t->client->patience.data))
		t->data_code = t->client->reply.code;
}

static void
exchange_envelope(struct transaction *t)
{
	say_mail(t);
	if (!offers(t, SMTP_PIPELINING))
		await_mail(t);
	while (t->verdict == SMTP_DONE && !t->client->over && t->next < t->message->recipients_n)
		exchange_batch(t);
}

/* What the replies to the recipients come to. */
static void
judge_recipients(struct transaction *t)
{
	if (t->verdict != SMTP_DONE)
		return;
	if (t->client->over) { /* 421 */
		smtp_keep(t->client, &t->client->answer);
		t->verdict = SMTP_LATER;
	} else if (t->taken == 0)
		t->verdict = t->later ? SMTP_LATER : SMTP_REFUSED;
	else if (t->message->all_or_none && (t->refused || t->later))
		t->verdict = t->refused ? SMTP_REFUSED : SMTP_LATER;
}

/* Take the transaction back: the lone dot where a 354 came, then RSET. What the server says to it does not change the verdict. */
static void
abandon(const struct transaction *t)
{
	struct smtp_client *client = t->client;
	struct smtp_answer answer = client->answer;
	char reason[sizeof(client->reason)];

	memcpy(reason, client->reason, sizeof(reason));
	client->answer = (struct smtp_answer){ .code = 0 };
	if (t->data_code == 354)
		smtp_ask(client, ".", client->patience.final);
	if (!client->over && client->dirty)
		(void)smtp_reset(client);
	smtp_answer_free(&client->answer);
	client->answer = answer;
	memcpy(client->reason, reason, sizeof(reason));
}

/*
 * The server speaks, or has hung up, while the content is on its way: a 4xx or 5xx is its answer, and the connection is closed without the dot, so
 * that the message cannot be taken.
 */
static void
interrupted(struct transaction *t)
{
	struct smtp_client *client = t->client;

	if (!conn_pending(client->conn) || !smtp_take_reply(client, client->patience.command))
		return;
	smtp_keep(client, &client->answer);
	enum smtp_outcome outcome = smtp_outcome_of(client);
	if (outcome == SMTP_LATER || outcome == SMTP_REFUSED)
		smtp_give_up(client, outcome, "the server stopped the message on its way");
	else
		smtp_give_up(client, SMTP_PROTOCOL, "the server spoke out of turn");
}

/* One piece into the output. 1: more follows; 0: it was the last; -1: there is something wrong with it. */
static int
put_piece(struct transaction *t, struct dot *check, struct dot_stuffer *stuffer, struct buf *piece,
    struct buf *clean)
{
	struct buf *out = &t->client->conn->output;
	size_t used;

	buf_clear(piece);
	buf_clear(clean);
	int more = t->message->body(t->message->context, piece);
	if (more < 0 || piece->failed ||
	    (piece->len > 0 && dot_push(check, piece->data, piece->len, &used, clean) == DOT_BAD))
		return -1;
	dot_stuff(stuffer, clean->data, clean->len, out);
	if (more == 0 && check->state == DOT_CR)
		return -1;
	if (more == 0)
		dot_stuff_end(stuffer, out);
	return clean->failed || out->failed ? -1 : more;
}

static void
send_content(struct transaction *t)
{
	struct smtp_client *client = t->client;
	struct dot check = { .kind = DOT_COUNTED };
	struct dot_stuffer stuffer = { .in_line = false };
	struct buf piece, clean;
	int more = 1;

	buf_init(&piece, CONN_OUTPUT / 4); /* dots may double it, at the worst */
	buf_init(&clean, CONN_OUTPUT / 4);
	while (more > 0 && !client->over) {
		if (conn_pending(client->conn)) {
			interrupted(t);
			break;
		}
		more = put_piece(t, &check, &stuffer, &piece, &clean);
		if (more < 0)
			smtp_give_up(client, SMTP_UNREADABLE,
			    "the message cannot be read, or has a bare CR, LF or NUL");
		/* A small message goes out with its dot, in one write. */
		else if ((more == 0 || client->conn->output.len >= OUTPUT_CHUNK) && !smtp_flush(client) &&
			 client->conn->output.len > 0) /* else the dot is on its way */
			interrupted(t);
	}
	buf_free(&piece);
	buf_free(&clean);
}

/* The reply to the final dot decides. Without one that makes sense nobody can say what the server did. */
static enum smtp_outcome
await_final(struct transaction *t)
{
	if (!smtp_await(t->client, t->client->patience.final))
		return SMTP_MAYBE;
	smtp_keep(t->client, &t->client->answer);
	enum smtp_outcome outcome = smtp_outcome_of(t->client);
	if (outcome == SMTP_PROTOCOL)
		return smtp_give_up(
		    t->client, SMTP_MAYBE, "the server's reply to the message does not belong here");
	return outcome == SMTP_DONE && (t->refused || t->later) ? SMTP_SOME : outcome;
}

enum smtp_outcome
smtp_client_send(struct smtp_client *client, const struct smtp_message *message)
{
	struct transaction t = { .client = client, .message = message };
	enum smtp_outcome outcome;

	smtp_answer_free(&client->answer);
	client->reason[0] = '\0';
	client->status = "";
	client->begun = false;
	if ((client->dirty && (outcome = smtp_reset(client)) != SMTP_DONE) ||
	    (outcome = check_offers(&t)) != SMTP_DONE)
		return outcome;
	exchange_envelope(&t);
	if (client->broken != SMTP_DONE)
		return client->broken;
	judge_recipients(&t);
	if (t.verdict != SMTP_DONE) {
		abandon(&t);
		return t.verdict;
	}
	if (t.data_code == 0)
		smtp_ask(client, "DATA", client->patience.data);
	if ((outcome = smtp_expect(client, 354)) != SMTP_DONE)
		return outcome;
	send_content(&t);
	client->dirty = false;
	return client->broken == SMTP_DONE ? await_final(&t) : client->broken;
}

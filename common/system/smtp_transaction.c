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
refuse_early(struct smtp_client *client, const char *status, const char *reason)
{
	client->status = status;
	snprintf(client->reason, sizeof(client->reason), "%s", reason);
	return SMTP_REFUSED;
}

static enum smtp_outcome
check_offers(const struct transaction *t)
{
	const struct smtp_message *m = t->message;

	if (m->utf8 && !offers(t, SMTP_SMTPUTF8))
		return refuse_early(t->client, "5.6.7",
		    "the server takes no UTF-8 in addresses or header fields (no SMTPUTF8)");
	if (m->eight_bit && !offers(t, SMTP_8BITMIME))
		return refuse_early(t->client, "5.6.3",
		    "the server takes no 8-bit text (no 8BITMIME), and the message has some");
	if (t->client->size_limit > 0 && m->size > t->client->size_limit)
		return refuse_early(t->client, "5.3.4", "the message is larger than the server takes");
	return SMTP_DONE;
}

/* dsn may be NULL. */
static void
add_dsn(const struct transaction *t, const char *dsn, struct buf *line)
{
	if (dsn != NULL && offers(t, SMTP_DSN))
		buf_add_string(line, dsn);
}

/* A command with an address in it, which may be too long. */
static enum smtp_outcome
say_line(const struct transaction *t, struct buf *line, const char *reason)
{
	enum smtp_outcome outcome =
	    line->failed ? refuse_early(t->client, "5.1.3", reason) : smtp_say(t->client, buf_string(line));

	buf_free(line);
	return outcome;
}

static enum smtp_outcome
say_mail(const struct transaction *t)
{
	const struct smtp_message *m = t->message;
	struct buf line;

	buf_init(&line, SMTP_COMMAND);
	buf_printf(&line, "MAIL FROM:<%s>", m->sender);
	if (offers(t, SMTP_SIZE) && m->size > 0)
		buf_printf(&line, " SIZE=%llu", (unsigned long long)m->size);
	if (m->eight_bit)
		buf_add_string(&line, " BODY=8BITMIME");
	if (m->utf8)
		buf_add_string(&line, " SMTPUTF8");
	add_dsn(t, m->dsn, &line);
	return say_line(t, &line, "the sender's address is too long");
}

static enum smtp_outcome
say_recipient(struct transaction *t)
{
	const struct smtp_recipient *recipient = &t->message->recipients[t->next];
	struct buf line;

	buf_init(&line, SMTP_COMMAND);
	buf_printf(&line, "RCPT TO:<%s>", recipient->address);
	add_dsn(t, recipient->dsn, &line);
	t->next++;
	return say_line(t, &line, "a recipient's address is too long");
}

static enum smtp_outcome
await_mail(struct transaction *t)
{
	enum smtp_outcome outcome = smtp_await(t->client, t->client->patience.command);

	if (outcome != SMTP_DONE)
		return outcome;
	t->verdict = smtp_expect(t->client, 250);
	t->client->begun = t->client->dirty = t->verdict == SMTP_DONE;
	return t->verdict == SMTP_PROTOCOL ? SMTP_PROTOCOL : SMTP_DONE;
}

static enum smtp_outcome
await_recipient(struct transaction *t, struct smtp_recipient *recipient)
{
	enum smtp_outcome outcome = smtp_await(t->client, t->client->patience.command);

	if (outcome != SMTP_DONE ||
	    t->verdict != SMTP_DONE) /* without MAIL, its reply says nothing about it */
		return outcome;
	smtp_keep(t->client, &recipient->answer);
	outcome = smtp_outcome_of(recipient->answer.code);
	t->taken += outcome == SMTP_DONE;
	t->refused |= outcome == SMTP_REFUSED;
	t->later |= outcome == SMTP_LATER;
	return outcome == SMTP_PROTOCOL ? smtp_expect(t->client, 250) : SMTP_DONE;
}

/* Some recipients, or one; with MAIL before and DATA behind them where that saves a round trip. */
static enum smtp_outcome
exchange_batch(struct transaction *t)
{
	const struct smtp_message *m = t->message;
	const struct buf *out = &t->client->conn->output;
	bool pipelining = offers(t, SMTP_PIPELINING);
	size_t first = t->next;
	enum smtp_outcome outcome = SMTP_DONE;

	do
		outcome = say_recipient(t);
	while (outcome == SMTP_DONE && pipelining && t->next < m->recipients_n &&
	       t->next - first < SMTP_BATCH_RCPT && out->len < SMTP_BATCH);
	bool with_data = pipelining && !m->all_or_none && t->next == m->recipients_n;
	if (outcome == SMTP_DONE && with_data)
		outcome = smtp_say(t->client, "DATA");
	if (outcome == SMTP_DONE)
		outcome = smtp_flush(t->client);
	if (outcome == SMTP_DONE && !t->client->begun)
		outcome = await_mail(t);
	for (size_t i = first; i < t->next && outcome == SMTP_DONE && !t->client->over; i++)
		outcome = await_recipient(t, &m->recipients[i]);
	if (outcome == SMTP_DONE && with_data && !t->client->over) {
		outcome = smtp_await(t->client, t->client->patience.data);
		t->data_code = t->client->reply.code;
	}
	return outcome;
}

static enum smtp_outcome
exchange_envelope(struct transaction *t)
{
	enum smtp_outcome outcome = say_mail(t);

	if (outcome == SMTP_DONE && !offers(t, SMTP_PIPELINING)) {
		outcome = smtp_flush(t->client);
		if (outcome == SMTP_DONE)
			outcome = await_mail(t);
	}
	while (outcome == SMTP_DONE && t->verdict == SMTP_DONE && !t->client->over &&
	       t->next < t->message->recipients_n)
		outcome = exchange_batch(t);
	return outcome;
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
	bool dotted = t->data_code != 354 || smtp_ask(client, ".", client->patience.final) == SMTP_DONE;
	if (dotted && !client->over && client->dirty)
		(void)smtp_reset(client);
	smtp_answer_free(&client->answer);
	client->answer = answer;
	memcpy(client->reason, reason, sizeof(reason));
}

/*
 * The server speaks, or has hung up, while the content is on its way: a 4xx or 5xx is its answer, and the connection is closed without the dot, so
 * that the message cannot be taken.
 */
static enum smtp_outcome
interrupted(struct transaction *t, enum smtp_outcome outcome)
{
	if (!conn_pending(t->client->conn) || smtp_await(t->client, t->client->patience.command) != SMTP_DONE)
		return outcome;
	smtp_keep(t->client, &t->client->answer);
	outcome = smtp_outcome_of(t->client->reply.code);
	if (outcome == SMTP_LATER || outcome == SMTP_REFUSED)
		return smtp_give_up(t->client, outcome, "the server stopped the message on its way");
	return smtp_give_up(t->client, SMTP_PROTOCOL, "the server spoke out of turn");
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

static enum smtp_outcome
send_content(struct transaction *t)
{
	struct dot check = { .kind = DOT_COUNTED };
	struct dot_stuffer stuffer = { .in_line = false };
	struct buf piece, clean;
	enum smtp_outcome outcome = SMTP_DONE;
	int more;

	buf_init(&piece, CONN_OUTPUT / 4); /* dots may double it, at the worst */
	buf_init(&clean, CONN_OUTPUT / 4);
	do {
		if (conn_pending(t->client->conn)) {
			outcome = interrupted(t, SMTP_PROTOCOL);
			break;
		}
		more = put_piece(t, &check, &stuffer, &piece, &clean);
		if (more < 0) {
			outcome = smtp_give_up(t->client, SMTP_UNREADABLE,
			    "the message cannot be read, or has a bare CR, LF or NUL");
			break;
		}
		if (more > 0 && t->client->conn->output.len < OUTPUT_CHUNK)
			continue; /* a small message goes out with its dot, in one write */
		outcome = smtp_flush(t->client);
		if (outcome != SMTP_DONE && t->client->conn->output.len > 0) /* else the dot is on its way */
			outcome = interrupted(t, outcome);
	} while (more > 0 && outcome == SMTP_DONE);
	buf_free(&piece);
	buf_free(&clean);
	return outcome;
}

/* The reply to the final dot decides. Without one that makes sense nobody can say what the server did. */
static enum smtp_outcome
await_final(struct transaction *t)
{
	if (smtp_await(t->client, t->client->patience.final) != SMTP_DONE)
		return SMTP_MAYBE;
	smtp_keep(t->client, &t->client->answer);
	enum smtp_outcome outcome = smtp_outcome_of(t->client->reply.code);
	if (outcome == SMTP_PROTOCOL)
		return smtp_give_up(
		    t->client, SMTP_MAYBE, "the server's reply to the message does not belong here");
	if (outcome != SMTP_DONE)
		return outcome;
	return t->refused || t->later ? SMTP_SOME : SMTP_DONE;
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
	if (client->dirty && (outcome = smtp_reset(client)) != SMTP_DONE)
		return outcome;
	outcome = check_offers(&t);
	if (outcome == SMTP_DONE)
		outcome = exchange_envelope(&t);
	if (outcome != SMTP_DONE)
		return outcome;
	judge_recipients(&t);
	if (t.verdict != SMTP_DONE) {
		abandon(&t);
		return t.verdict;
	}
	if (t.data_code == 0 && (outcome = smtp_ask(client, "DATA", client->patience.data)) != SMTP_DONE)
		return outcome;
	if ((outcome = smtp_expect(client, 354)) != SMTP_DONE)
		return outcome;
	outcome = send_content(&t);
	client->dirty = false;
	return outcome == SMTP_DONE ? await_final(&t) : outcome;
}

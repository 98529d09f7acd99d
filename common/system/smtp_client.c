#include "smtp_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "net.h"
#include "sasl.h"
#include "smtp_dialogue.h"
#include "unique.h"

/* The session: what is said and answered; greeting, extensions, AUTH, QUIT. The transaction is in smtp_transaction.c. */

enum {
	COMMAND = 510
}; /* RFC 5321 4.5.3.1.4, without CRLF: what of AUTH is longer waits for the first challenge */

struct smtp_patience
smtp_patience_of(int seconds)
{
	return (struct smtp_patience){ seconds, seconds, seconds, seconds, seconds };
}

void
smtp_client_init(struct smtp_client *client, struct conn *conn)
{
	/* RFC 5321 4.5.3.2 */
	*client = (struct smtp_client){ .conn = conn,
		.patience = { .greeting = 300, .command = 300, .data = 120, .block = 180, .final = 600 },
		.deadline = -1,
		.status = "" };
	smtp_reply_init(&client->reply);
}

void
smtp_client_free(struct smtp_client *client)
{
	smtp_reply_free(&client->reply);
	smtp_answer_free(&client->answer);
}

static void
trace(const struct smtp_client *client, bool ours, struct span line)
{
	if (client->trace != NULL)
		client->trace(client->trace_context, ours, line);
}

enum smtp_outcome
smtp_give_up(struct smtp_client *client, enum smtp_outcome outcome, const char *reason)
{
	client->over = true;
	client->broken = outcome;
	snprintf(client->reason, sizeof(client->reason), "%s", reason);
	return outcome;
}

static bool
is_ok(struct smtp_client *client, enum conn_status status)
{
	enum smtp_outcome outcome = client->greeted ? SMTP_LATER : SMTP_UNREACHABLE;

	if (status == CONN_OK)
		return true;
	if (status == CONN_EOF)
		smtp_give_up(client, outcome, "the server closed the connection");
	else if (status == CONN_TIMEOUT)
		smtp_give_up(client, outcome, "the server does not answer");
	else if (status == CONN_STOPPED)
		smtp_give_up(client, outcome, "interrupted");
	else {
		smtp_give_up(client, outcome, "");
		snprintf(client->reason, sizeof(client->reason), "the connection broke: %s", strerror(errno));
	}
	return false;
}

/* The trace shows `shown` in the place of the line. */
static void
say_secret(struct smtp_client *client, const char *shown, struct span line)
{
	struct buf *out = &client->conn->output;

	if (client->over)
		return;
	if (out->len == 0 && conn_pending(client->conn)) {
		smtp_give_up(client, SMTP_PROTOCOL, "the server spoke out of turn");
		return;
	}
	buf_add_span(out, line);
	buf_add(out, "\r\n", 2);
	if (out->failed)
		smtp_give_up(client, SMTP_LATER, "out of memory");
	trace(client, true, span_of(shown));
}

void
smtp_say(struct smtp_client *client, const char *line)
{
	say_secret(client, line, span_of(line));
}

bool
smtp_flush(struct smtp_client *client)
{
	return is_ok(
	    client, conn_flush(client->conn, (int64_t)client->patience.block * 1000, client->deadline));
}

bool
smtp_take_reply(struct smtp_client *client, int seconds)
{
	struct conn *conn = client->conn;
	int64_t deadline = conn_now() + (int64_t)seconds * 1000;
	enum smtp_reply_result result = SMTP_REPLY_MORE;
	size_t used;

	if (client->deadline >= 0 && client->deadline < deadline)
		deadline = client->deadline;
	while (result == SMTP_REPLY_MORE) {
		if (conn_bytes(conn).n == 0 && !is_ok(client, conn_fill(conn, deadline)))
			return false;
		struct span bytes = conn_bytes(conn);
		result = smtp_reply_push(&client->reply, bytes.at, bytes.n, &used);
		conn_consume(conn, used);
	}
	bool challenge = client->reply.code == 334; /* of AUTH: what a password could be guessed by */
	struct span rest = challenge ? span_of("334 (secret)") : buf_span(&client->reply.text);
	while (rest.at != NULL)
		trace(client, false, span_until(rest, '\n', &rest));
	if (result == SMTP_REPLY_BAD)
		smtp_give_up(client, SMTP_PROTOCOL, "the server's reply is malformed, or endless");
	client->over |= client->reply.code == 421;
	return result != SMTP_REPLY_BAD;
}

bool
smtp_await(struct smtp_client *client, int seconds)
{
	return !client->over && smtp_flush(client) && smtp_take_reply(client, seconds);
}

bool
smtp_ask(struct smtp_client *client, const char *line, int seconds)
{
	smtp_say(client, line);
	return smtp_await(client, seconds);
}

enum smtp_outcome
smtp_outcome_of(const struct smtp_client *client)
{
	static const enum smtp_outcome outcomes[] = {
		[2] = SMTP_DONE, [3] = SMTP_PROTOCOL, [4] = SMTP_LATER, [5] = SMTP_REFUSED
	};

	return outcomes[client->reply.code / 100];
}

void
smtp_answer_free(struct smtp_answer *answer)
{
	free(answer->text);
	*answer = (struct smtp_answer){ .code = 0 };
}

void
smtp_keep(const struct smtp_client *client, struct smtp_answer *answer)
{
	struct span text = buf_span(&client->reply.text);

	smtp_answer_free(answer);
	answer->code = client->reply.code;
	answer->text = malloc(text.n + 1);
	if (answer->text == NULL)
		return;
	if (text.n > 0)
		memcpy(answer->text, text.at, text.n);
	answer->text[text.n] = '\0';
}

enum smtp_outcome
smtp_expect(struct smtp_client *client, int code)
{
	if (client->broken != SMTP_DONE || client->reply.code == code)
		return client->broken;
	smtp_keep(client, &client->answer);
	enum smtp_outcome outcome = smtp_outcome_of(client);
	if (outcome == SMTP_DONE || outcome == SMTP_PROTOCOL)
		return smtp_give_up(client, SMTP_PROTOCOL, "the server's reply does not belong here");
	return outcome;
}

enum smtp_outcome
smtp_reset(struct smtp_client *client)
{
	smtp_ask(client, "RSET", client->patience.command);
	client->dirty = false;
	return smtp_expect(client, 250);
}

static void
take_mechanisms(struct smtp_client *client, struct span names)
{
	while (names.at != NULL) {
		int mechanism = sasl_mechanism(span_trim(span_until(names, ' ', &names)));
		if (mechanism >= 0)
			client->mechanisms |= 1U << mechanism;
	}
}

/* One line of EHLO's reply: a keyword and what follows it. */
static void
take_extension(struct smtp_client *client, struct span line)
{
	static const struct {
		const char *keyword;
		enum smtp_offer offer;
	} known[] = { { "PIPELINING", SMTP_PIPELINING }, { "8BITMIME", SMTP_8BITMIME },
		{ "SMTPUTF8", SMTP_SMTPUTF8 }, { "SIZE", SMTP_SIZE }, { "DSN", SMTP_DSN } };
	struct span arguments;
	struct span keyword = span_until(line, ' ', &arguments);

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (span_is_nocase(keyword, known[i].keyword))
			client->offers |= known[i].offer;
	if (span_is_nocase(keyword, "SIZE")) {
		long long limit = span_number(span_trim(arguments), INT64_MAX);
		client->size_limit = limit > 0 ? (uint64_t)limit : 0;
	}
	if (span_is_nocase(keyword, "AUTH"))
		take_mechanisms(client, arguments);
}

static enum smtp_outcome
hello(struct smtp_client *client, const char *verb, const char *name)
{
	char line[SMTP_DOMAIN + 16];

	snprintf(line, sizeof(line), "%s %s", verb, name);
	smtp_ask(client, line, client->patience.command);
	return smtp_expect(client, 250);
}

enum smtp_outcome
smtp_client_open(struct smtp_client *client, const char *name)
{
	char literal[NET_ADDRESS];
	struct peer here;

	if (strchr(name, '.') == NULL) {
		net_here(client->conn->out, &here);
		net_literal(&here, literal);
		name = literal;
	}
	client->greeted = smtp_await(client, client->patience.greeting);
	enum smtp_outcome outcome = smtp_expect(client, 220);
	if (outcome != SMTP_DONE)
		return outcome;
	outcome = hello(client, "EHLO", name);
	if (outcome == SMTP_REFUSED) {
		smtp_answer_free(&client->answer);
		return hello(client, "HELO", name);
	}
	struct span rest = buf_span(&client->reply.text), line;
	smtp_reply_next_line(&rest, &line); /* the server's name */
	while (outcome == SMTP_DONE && smtp_reply_next_line(&rest, &line))
		take_extension(client, line);
	return outcome;
}

static bool
knows(const struct smtp_client *client, enum sasl_mechanism mechanism)
{
	return (client->mechanisms & 1U << mechanism) != 0;
}

bool
smtp_client_auth_is_readable(const struct smtp_client *client)
{
	return client->mechanisms != 0 && !knows(client, SASL_SCRAM_SHA_256);
}

/* What the server made of it, where it is no challenge. */
struct attempt {
	struct smtp_client *client;
	enum smtp_outcome outcome;
};

static enum sasl_status
exchange(void *context, const char *shown, struct span line, struct span *challenge)
{
	struct attempt *attempt = context;
	struct smtp_client *client = attempt->client;

	say_secret(client, shown, line);
	bool answered = smtp_await(client, client->patience.command);
	struct span rest = buf_span(&client->reply.text);
	if (answered && client->reply.code == 334 && smtp_reply_next_line(&rest, challenge))
		return SASL_CHALLENGE;
	attempt->outcome = span_is(line, "*") ? client->broken : smtp_expect(client, 235);
	return attempt->outcome == SMTP_DONE ? SASL_OK : SASL_DENIED;
}

static enum smtp_outcome
deny(struct smtp_client *client, const char *reason)
{
	snprintf(client->reason, sizeof(client->reason), "%s", reason);
	return SMTP_DENIED;
}

static enum smtp_outcome
log_in(struct smtp_client *client, struct sasl_client *sasl)
{
	struct attempt attempt = { .client = client };
	const struct sasl_login login = { COMMAND, exchange, &attempt };

	switch (sasl_client_login(sasl, &login)) {
	case SASL_OK:
		return SMTP_DONE;
	case SASL_UNPROVEN:
		return deny(client, "the server does not prove that it knows the password");
	case SASL_MALFORMED:
		return smtp_give_up(
		    client, SMTP_PROTOCOL, "the server's challenge is malformed, or one too many");
	case SASL_CHALLENGE:
	case SASL_DENIED:
		break;
	}
	return attempt.outcome == SMTP_REFUSED ? SMTP_DENIED : attempt.outcome;
}

enum smtp_outcome
smtp_client_auth(struct smtp_client *client, struct span user, struct span password)
{
	static const enum sasl_mechanism by_safety[] = { SASL_SCRAM_SHA_256, SASL_PLAIN, SASL_LOGIN };
	uint8_t random[SASL_NONCE];
	struct sasl_client sasl;
	size_t i = 0;

	while (i < 3 && !knows(client, by_safety[i]))
		i++;
	if (i == 3)
		return deny(client, "the server offers no way to log in that is known here");
	if (random_bytes(random, sizeof(random)) < 0)
		return smtp_give_up(client, SMTP_LATER, "the system has no random bytes");
	sasl_client_init(&sasl, by_safety[i], user, password, random);
	enum smtp_outcome outcome = log_in(client, &sasl);
	sasl_client_free(&sasl);
	return outcome;
}

void
smtp_client_quit(struct smtp_client *client)
{
	char reason[sizeof(client->reason)];
	int seconds = client->patience.command < SMTP_QUIT_WAIT ? client->patience.command : SMTP_QUIT_WAIT;

	if (client->over || !client->greeted)
		return;
	memcpy(reason, client->reason, sizeof(reason));
	client->deadline = conn_now() + (int64_t)seconds * 1000;
	smtp_ask(client, "QUIT", seconds);
	client->over = true;
	memcpy(client->reason, reason, sizeof(reason));
}

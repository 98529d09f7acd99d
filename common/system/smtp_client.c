#include "smtp_client.h"

#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "net.h"
#include "sasl.h"
#include "smtp_dialogue.h"

/* The session: greeting, extensions, QUIT. The transaction is in smtp_transaction.c, waiting and speaking in smtp_dialogue.c. */

const struct smtp_patience smtp_patience_rfc = {
	.greeting = 300, .command = 300, .data = 120, .block = 180, .final = 600
};

struct smtp_patience
smtp_patience_of(int seconds)
{
	return (struct smtp_patience){ seconds, seconds, seconds, seconds, seconds };
}

void
smtp_client_init(struct smtp_client *client, struct conn *conn)
{
	*client =
	    (struct smtp_client){ .conn = conn, .patience = smtp_patience_rfc, .deadline = -1, .status = "" };
	smtp_reply_init(&client->reply);
}

void
smtp_client_free(struct smtp_client *client)
{
	smtp_reply_free(&client->reply);
	smtp_answer_free(&client->answer);
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

static void
take_extensions(struct smtp_client *client)
{
	struct span rest = buf_span(&client->reply.text), line;

	smtp_reply_next_line(&rest, &line); /* the server's name */
	while (smtp_reply_next_line(&rest, &line))
		take_extension(client, line);
}

static enum smtp_outcome
hello(struct smtp_client *client, const char *verb, const char *name)
{
	char line[SMTP_DOMAIN + 16];

	snprintf(line, sizeof(line), "%s %s", verb, name);
	enum smtp_outcome outcome = smtp_ask(client, line, client->patience.command);
	return outcome == SMTP_DONE ? smtp_expect(client, 250) : outcome;
}

enum smtp_outcome
smtp_client_open(struct smtp_client *client, const char *name)
{
	enum smtp_outcome outcome = smtp_await(client, client->patience.greeting);
	char literal[NET_ADDRESS];
	struct peer here;

	if (strchr(name, '.') == NULL) {
		net_here(client->conn->out, &here);
		net_literal(&here, literal);
		name = literal;
	}
	if (outcome == SMTP_DONE) {
		client->greeted = true;
		outcome = smtp_expect(client, 220);
	}
	if (outcome != SMTP_DONE)
		return outcome;
	outcome = hello(client, "EHLO", name);
	if (outcome == SMTP_REFUSED) {
		smtp_answer_free(&client->answer);
		return hello(client, "HELO", name);
	}
	if (outcome == SMTP_DONE)
		take_extensions(client);
	return outcome;
}

bool
smtp_client_offers_dsn(const struct smtp_client *client)
{
	return (client->offers & SMTP_DSN) != 0;
}

void
smtp_client_quit(struct smtp_client *client)
{
	char reason[sizeof(client->reason)];
	int seconds = client->patience.command < SMTP_QUIT_WAIT ? client->patience.command : SMTP_QUIT_WAIT;

	if (client->over || !client->greeted)
		return;
	memcpy(reason, client->reason, sizeof(reason));
	client->deadline = -1;
	if (smtp_say(client, "QUIT") == SMTP_DONE &&
	    conn_flush(client->conn, (int64_t)seconds * 1000, -1) == CONN_OK)
		smtp_await(client, seconds);
	client->over = true;
	memcpy(client->reason, reason, sizeof(reason));
}

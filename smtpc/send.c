/* The letter over SMTP, and what the server says of each recipient as an exit status. */
#include "letter.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "exits.h"
#include "program.h"
#include "smtp_client.h"

enum { REASON = 256 };

/* A peer's bytes, so that they do no harm to a terminal. */
static void
print_escaped(FILE *out, struct span s)
{
	struct buf text;

	buf_init(&text, s.n * 4);
	buf_add_escaped(&text, s);
	fputs(buf_string(&text), out);
	buf_free(&text);
}

/* "what: the reply", its further lines below. */
static void
print_reply(FILE *out, const char *what, const struct smtp_answer *answer)
{
	struct span rest = span_of(answer->text == NULL ? "" : answer->text);
	const char *before = "";

	fprintf(out, "%s: ", what);
	while (rest.at != NULL) {
		fputs(before, out);
		print_escaped(out, span_until(rest, '\n', &rest));
		before = "\n\t";
	}
	fputc('\n', out);
}

static void
show_line(void *context, bool ours, struct span line)
{
	(void)context;
	fputs(ours ? "> " : "< ", stderr);
	print_escaped(stderr, line);
	fputc('\n', stderr);
}

static const struct {
	int exit;
	const char *words;
} outcomes[] = {
	[SMTP_DONE] = { EXITS_DONE, "sent" },
	[SMTP_SOME] = { EXITS_SOME, "sent" },
	[SMTP_DENIED] = { EXITS_AUTH, "not sent: the login failed" },
	[SMTP_REFUSED] = { EXITS_REFUSED, "not sent: refused" },
	[SMTP_LATER] = { EXITS_LATER, "not sent, try again later" },
	[SMTP_UNREACHABLE] = { EXITS_UNREACHABLE, "not sent: the server cannot be reached" },
	[SMTP_PROTOCOL] = { EXITS_PROTOCOL, "not sent: the server does not keep to SMTP" },
	[SMTP_MAYBE] = { EXITS_MAYBE,
	    "maybe sent: the server has the whole message, but its answer is missing" },
	[SMTP_UNREADABLE] = { EXITS_NO_INPUT, "not sent" },
};

static void
report(const struct smtp_client *client, const struct smtp_message *message, enum smtp_outcome outcome)
{
	const char *words = outcomes[outcome].words, *reason = client->reason;

	for (size_t i = 0; i < message->recipients_n; i++) {
		const struct smtp_recipient *recipient = &message->recipients[i];
		if (recipient->answer.code < 300)
			continue;
		fprintf(stderr, "smtpc: %.*s ", (int)recipient->address.n, recipient->address.at);
		print_reply(stderr, "was refused", &recipient->answer);
	}
	if (outcome == SMTP_DONE || outcome == SMTP_SOME) {
		print_reply(stdout, words, &client->answer);
		return;
	}
	if (client->answer.code == 0 || reason[0] != '\0') {
		complain(0, "%s%s%s", words, reason[0] != '\0' ? ": " : "", reason);
		words = "the server said";
	}
	if (client->answer.code != 0) {
		fputs("smtpc: ", stderr);
		print_reply(stderr, words, &client->answer);
	}
}

/* The conn and what it sends belong to the caller. */
static int
talk(const struct client *c, struct conn *conn, const char *host, const struct smtp_message *message)
{
	struct smtp_client client;

	smtp_client_init(&client, conn);
	client.patience = smtp_patience_of(c->seconds);
	if (c->verbose)
		client.trace = show_line;
	enum smtp_outcome outcome = smtp_client_open(&client, host);
	if (outcome == SMTP_DONE && c->login.len > 0) {
		if (smtp_client_auth_is_readable(&client))
			client_warn(c, conn->in);
		outcome = smtp_client_auth(&client, buf_span(&c->login), buf_span(&c->password));
	}
	if (outcome == SMTP_DONE)
		outcome = smtp_client_send(&client, message);
	smtp_client_quit(&client);
	report(&client, message, outcome);
	smtp_client_free(&client);
	return outcomes[outcome].exit;
}

static int
dial(const struct client *c, struct conn *conn)
{
	char reason[REASON];
	int fd = net_dial(c->server, SMTP_PORT, c->seconds, reason, sizeof(reason));

	if (fd < 0)
		return complain(EXITS_UNREACHABLE, "not sent: %s", reason);
	if (c->verbose)
		fprintf(stderr, "connected to %s\n", c->server);
	if (conn_init(conn, fd, fd, -1) == 0)
		return -1;
	close(fd);
	return complain(EXITS_LATER, "not sent: out of memory");
}

int
letter_send(struct letter *letter)
{
	const struct envelope *envelope = &letter->envelope;
	struct smtp_message message = {
		.sender = buf_span(&letter->sender),
		.recipients = calloc(envelope->n, sizeof(*message.recipients)),
		.recipients_n = envelope->n,
		.size = compose_size(&letter->body),
		.eight_bit = letter->eight_bit,
		.utf8 = letter->utf8,
		.all_or_none = letter->all_or_none,
		.body = compose_next,
		.context = &letter->body,
	};
	struct conn conn;

	if (message.recipients == NULL)
		return complain(EXITS_LATER, "not sent: out of memory");
	for (size_t i = 0; i < envelope->n; i++)
		message.recipients[i].address = span_of(envelope->recipients[i]);
	int result = dial(&letter->client, &conn);
	if (result < 0) {
		result = talk(&letter->client, &conn, letter->host, &message);
		conn_free(&conn);
	}
	for (size_t i = 0; i < envelope->n; i++)
		smtp_answer_free(&message.recipients[i].answer);
	free(message.recipients);
	int output = printed("the server's answer");
	return result == EXITS_DONE ? output : result;
}

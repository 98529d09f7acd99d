#include "smtp_dialogue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
trace(const struct smtp_client *client, bool ours, struct span line)
{
	if (client->trace != NULL)
		client->trace(client->trace_context, ours, line);
}

static void
trace_reply(const struct smtp_client *client)
{
	bool challenge = client->reply.code == 334; /* of AUTH: what a password could be guessed by */
	struct span rest = challenge ? span_of("334 (secret)") : buf_span(&client->reply.text);

	while (rest.at != NULL)
		trace(client, false, span_until(rest, '\n', &rest));
}

enum smtp_outcome
smtp_give_up(struct smtp_client *client, enum smtp_outcome outcome, const char *reason)
{
	client->over = true;
	snprintf(client->reason, sizeof(client->reason), "%s", reason);
	return outcome;
}

enum smtp_outcome
smtp_broken(struct smtp_client *client, enum conn_status status)
{
	enum smtp_outcome outcome = client->greeted ? SMTP_LATER : SMTP_UNREACHABLE;

	switch (status) {
	case CONN_OK:
	case CONN_EOF:
		return smtp_give_up(client, outcome, "the server closed the connection");
	case CONN_TIMEOUT:
		return smtp_give_up(client, outcome, "the server does not answer");
	case CONN_STOPPED:
		return smtp_give_up(client, outcome, "interrupted");
	case CONN_ERROR:
		break;
	}
	client->over = true;
	snprintf(client->reason, sizeof(client->reason), "the connection broke: %s", strerror(errno));
	return outcome;
}

enum smtp_outcome
smtp_say(struct smtp_client *client, const char *line)
{
	return smtp_say_secret(client, line, span_of(line));
}

enum smtp_outcome
smtp_say_secret(struct smtp_client *client, const char *shown, struct span line)
{
	struct buf *out = &client->conn->output;

	if (out->len == 0 && conn_pending(client->conn))
		return smtp_give_up(client, SMTP_PROTOCOL, "the server spoke out of turn");
	buf_add_span(out, line);
	buf_add(out, "\r\n", 2);
	if (out->failed)
		return smtp_give_up(client, SMTP_LATER, "out of memory");
	trace(client, true, span_of(shown));
	return SMTP_DONE;
}

enum smtp_outcome
smtp_flush(struct smtp_client *client)
{
	enum conn_status status =
	    conn_flush(client->conn, (int64_t)client->patience.block * 1000, client->deadline);

	return status == CONN_OK ? SMTP_DONE : smtp_broken(client, status);
}

enum smtp_outcome
smtp_await(struct smtp_client *client, int seconds)
{
	struct conn *conn = client->conn;
	int64_t deadline = conn_now() + (int64_t)seconds * 1000;
	enum smtp_reply_result result = SMTP_REPLY_MORE;

	if (client->deadline >= 0 && client->deadline < deadline)
		deadline = client->deadline;
	while (result == SMTP_REPLY_MORE) {
		struct span bytes = conn_bytes(conn);
		if (bytes.n == 0) {
			enum conn_status status = conn_fill(conn, deadline);
			if (status != CONN_OK)
				return smtp_broken(client, status);
			bytes = conn_bytes(conn);
		}
		size_t used;
		result = smtp_reply_push(&client->reply, bytes.at, bytes.n, &used);
		conn_consume(conn, used);
	}
	trace_reply(client);
	if (result == SMTP_REPLY_BAD)
		return smtp_give_up(client, SMTP_PROTOCOL, "the server's reply is malformed, or endless");
	if (client->reply.code == 421)
		client->over = true;
	return SMTP_DONE;
}

enum smtp_outcome
smtp_ask(struct smtp_client *client, const char *line, int seconds)
{
	enum smtp_outcome outcome = smtp_say(client, line);

	if (outcome == SMTP_DONE)
		outcome = smtp_flush(client);
	return outcome == SMTP_DONE ? smtp_await(client, seconds) : outcome;
}

enum smtp_outcome
smtp_outcome_of(int code)
{
	switch (code / 100) {
	case 2:
		return SMTP_DONE;
	case 4:
		return SMTP_LATER;
	case 5:
		return SMTP_REFUSED;
	default:
		return SMTP_PROTOCOL;
	}
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
	if (client->reply.code == code)
		return SMTP_DONE;
	smtp_keep(client, &client->answer);
	enum smtp_outcome outcome = smtp_outcome_of(client->reply.code);
	if (outcome == SMTP_DONE || outcome == SMTP_PROTOCOL)
		return smtp_give_up(client, SMTP_PROTOCOL, "the server's reply does not belong here");
	return outcome;
}

enum smtp_outcome
smtp_reset(struct smtp_client *client)
{
	enum smtp_outcome outcome = smtp_ask(client, "RSET", client->patience.command);

	client->dirty = false;
	return outcome == SMTP_DONE ? smtp_expect(client, 250) : outcome;
}

#include "smtp_auth.h"

#include <stdio.h>

#include "codec.h"
#include "sasl.h"
#include "smtp_dialogue.h"
#include "unique.h"

enum {
	COMMAND = 510, /* RFC 5321 4.5.3.1.4, without CRLF: what is longer waits for the first challenge */
	ROUNDS = 8
};

static bool
offers(const struct smtp_client *client, enum sasl_mechanism mechanism)
{
	return (client->mechanisms & 1U << mechanism) != 0;
}

bool
smtp_auth_is_readable(const struct smtp_client *client)
{
	return client->mechanisms != 0 && !offers(client, SASL_SCRAM_SHA_256);
}

static enum smtp_outcome
exchange(struct smtp_client *client, const char *shown, struct span line)
{
	enum smtp_outcome outcome = smtp_say_secret(client, shown, line);

	if (outcome == SMTP_DONE)
		outcome = smtp_flush(client);
	return outcome == SMTP_DONE ? smtp_await(client, client->patience.command) : outcome;
}

/* One message of the dialogue. */
static enum smtp_outcome
say(struct smtp_client *client, struct span message)
{
	struct buf line;

	buf_init(&line, 4 * SASL_MESSAGE);
	base64_encode(message, &line);
	enum smtp_outcome outcome = exchange(client, "(secret)", buf_span(&line));
	buf_free(&line);
	return outcome;
}

/* "AUTH MECHANISM INITIAL", or without INITIAL where there is none or it does not fit. True in *sent: it went along. */
static enum smtp_outcome
begin(struct smtp_client *client, struct sasl_client *sasl, struct span first, bool *sent)
{
	const char *name = sasl_names[sasl->mechanism];
	struct buf line;
	char shown[64];

	buf_init(&line, COMMAND);
	buf_printf(&line, "AUTH %s ", name);
	*sent = first.n > 0 && base64_encode(first, &line) == 0;
	snprintf(shown, sizeof(shown), "AUTH %s%s", name, *sent ? " (secret)" : "");
	if (!*sent) {
		buf_clear(&line);
		buf_printf(&line, "AUTH %s", name);
	}
	enum smtp_outcome outcome = exchange(client, shown, buf_span(&line));
	buf_free(&line);
	return outcome;
}

static enum smtp_outcome
deny(struct smtp_client *client, const char *reason)
{
	snprintf(client->reason, sizeof(client->reason), "%s", reason);
	return SMTP_DENIED;
}

/* Give our side up (RFC 4954 4), and take the 501. */
static enum smtp_outcome
cancel(struct smtp_client *client, enum sasl_status why)
{
	enum smtp_outcome outcome = smtp_ask(client, "*", client->patience.command);

	if (outcome != SMTP_DONE)
		return outcome;
	if (why == SASL_DENIED)
		return deny(client, "the server does not prove that it knows the password");
	return smtp_give_up(client, SMTP_PROTOCOL, "the server's challenge is malformed");
}

/* Answer the challenge that is in client->reply. */
static enum smtp_outcome
answer(struct smtp_client *client, struct sasl_client *sasl)
{
	struct span rest = buf_span(&client->reply.text), challenge;
	struct buf decoded, out;
	enum sasl_status status = SASL_MALFORMED;

	buf_init(&decoded, SASL_MESSAGE);
	buf_init(&out, SASL_MESSAGE);
	smtp_reply_next_line(&rest, &challenge);
	if (base64_decode(challenge, &decoded) == 0)
		status = sasl_client_step(sasl, buf_span(&decoded), &out);
	bool go_on = status == SASL_CHALLENGE || status == SASL_OK;
	enum smtp_outcome outcome = go_on ? say(client, buf_span(&out)) : cancel(client, status);
	buf_free(&decoded);
	buf_free(&out);
	return outcome;
}

/* The reply that is no challenge. */
static enum smtp_outcome
verdict(struct smtp_client *client, const struct sasl_client *sasl)
{
	enum smtp_outcome outcome = smtp_expect(client, 235);

	if (outcome == SMTP_DONE && !sasl_client_verified(sasl)) {
		client->over = true;
		return deny(client, "the server does not prove that it knows the password");
	}
	return outcome == SMTP_REFUSED ? SMTP_DENIED : outcome;
}

static enum smtp_outcome
dialogue(struct smtp_client *client, struct sasl_client *sasl, struct span first)
{
	bool sent;
	enum smtp_outcome outcome = begin(client, sasl, first, &sent);

	for (int round = 0; outcome == SMTP_DONE && round < ROUNDS; round++) {
		if (client->reply.code != 334)
			return verdict(client, sasl);
		if (sent || first.n == 0)
			outcome = answer(client, sasl);
		else
			outcome = say(client, first);
		sent = true;
	}
	if (outcome != SMTP_DONE)
		return outcome;
	return smtp_give_up(client, SMTP_PROTOCOL, "the server's challenges do not end");
}

enum smtp_outcome
smtp_client_auth(struct smtp_client *client, struct span user, struct span password)
{
	static const enum sasl_mechanism by_safety[] = { SASL_SCRAM_SHA_256, SASL_PLAIN, SASL_LOGIN };
	uint8_t random[SASL_NONCE];
	struct sasl_client sasl;
	struct buf first;
	size_t i = 0;

	while (i < 3 && !offers(client, by_safety[i]))
		i++;
	if (i == 3)
		return deny(client, "the server offers no way to log in that is known here");
	if (random_bytes(random, sizeof(random)) < 0)
		return smtp_give_up(client, SMTP_LATER, "the system has no random bytes");
	sasl_client_init(&sasl, by_safety[i], user, password, random);
	buf_init(&first, SASL_MESSAGE);
	(void)sasl_client_first(&sasl, &first); /* of LOGIN there is none */
	enum smtp_outcome outcome = dialogue(client, &sasl, buf_span(&first));
	buf_free(&first);
	sasl_client_free(&sasl);
	return outcome;
}

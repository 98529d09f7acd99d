#include "smtp_dialogue.h"

#include <stdio.h>

#include "sasl.h"
#include "unique.h"

enum { COMMAND = 510 }; /* RFC 5321 4.5.3.1.4, without CRLF: what is longer waits for the first challenge */

static bool
offers(const struct smtp_client *client, enum sasl_mechanism mechanism)
{
	return (client->mechanisms & 1U << mechanism) != 0;
}

bool
smtp_client_auth_is_readable(const struct smtp_client *client)
{
	return client->mechanisms != 0 && !offers(client, SASL_SCRAM_SHA_256);
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
	struct span rest;

	attempt->outcome = smtp_say_secret(client, shown, line);
	if (attempt->outcome == SMTP_DONE)
		attempt->outcome = smtp_flush(client);
	if (attempt->outcome == SMTP_DONE)
		attempt->outcome = smtp_await(client, client->patience.command);
	rest = buf_span(&client->reply.text);
	if (attempt->outcome == SMTP_DONE && client->reply.code == 334 &&
	    smtp_reply_next_line(&rest, challenge))
		return SASL_CHALLENGE;
	if (attempt->outcome == SMTP_DONE && !span_is(line, "*"))
		attempt->outcome = smtp_expect(client, 235);
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

	while (i < 3 && !offers(client, by_safety[i]))
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

/* The AUTHORIZATION state: SASL (RFC 5034), APOP or USER and PASS, the best that the server offers. */
#include "pop3_client.h"

#include "sasl.h"
#include "unique.h"

static enum pop3_status
denied(const struct pop3_client *c, enum pop3_status status)
{
	if (status != POP3_REFUSED || pop3_is_temporary(c) || pop3_has_code(c, "SYS/PERM"))
		return status;
	return POP3_DENIED;
}

/* What the server made of it, where it is no challenge. */
struct attempt {
	struct pop3_client *client;
	enum pop3_status status;
	int exchanges;
};

static enum sasl_status
exchange(void *context, const char *shown, struct span line, struct span *challenge)
{
	struct attempt *attempt = context;

	pop3_send(attempt->client, shown, "%.*s", (int)line.n, line.n > 0 ? line.at : "");
	attempt->status = pop3_reply(attempt->client);
	attempt->exchanges++;
	*challenge = attempt->client->said;
	if (attempt->status == POP3_CHALLENGE)
		return SASL_CHALLENGE;
	return attempt->status == POP3_OK ? SASL_OK : SASL_DENIED;
}

/*
 * POP3_NO_METHOD: the server does not know SCRAM after all. One that does answers the first message with a challenge, or says [AUTH]
 * (RFC 3206); whoever refuses at once and without a word knows only the command not.
 */
static enum pop3_status
by_sasl(struct pop3_client *c, enum sasl_mechanism mechanism, struct span user, struct span password)
{
	struct attempt attempt = { .client = c };
	const struct sasl_login login = { POP3_COMMAND - 2, exchange, &attempt };
	struct sasl_client sasl;
	uint8_t random[SASL_NONCE];

	if (random_bytes(random, sizeof(random)) < 0)
		return POP3_NO_METHOD;
	sasl_client_init(&sasl, mechanism, user, password, random);
	enum sasl_status verdict = sasl_client_login(&sasl, &login);
	sasl_client_free(&sasl);
	if (verdict == SASL_UNPROVEN)
		return POP3_UNPROVEN;
	if (verdict == SASL_MALFORMED)
		return POP3_PROTOCOL;
	if (mechanism == SASL_SCRAM_SHA_256 && attempt.status == POP3_REFUSED && attempt.exchanges == 1 &&
	    (c->said.n == 0 || c->said.at[0] != '['))
		return POP3_NO_METHOD;
	return denied(c, attempt.status);
}

static enum pop3_status
by_apop(struct pop3_client *c, struct span user, struct span password)
{
	uint8_t digest[MD5_SIZE];
	char hex[2 * MD5_SIZE + 1];

	md5(c->stamp.data, c->stamp.len, password.at, password.n, digest);
	hash_hex(digest, sizeof(digest), hex);
	pop3_send(c, "APOP (secret)", "APOP %.*s %s", (int)user.n, user.at, hex);
	return denied(c, pop3_reply(c));
}

static enum pop3_status
by_pass(struct pop3_client *c, struct span user, struct span password)
{
	pop3_send(c, NULL, "USER %.*s", (int)user.n, user.at);
	enum pop3_status status = denied(c, pop3_reply(c));
	if (status != POP3_OK)
		return status;
	pop3_send(c, "PASS (secret)", "PASS %.*s", (int)password.n, password.at);
	return denied(c, pop3_reply(c));
}

enum pop3_status
pop3_login(struct pop3_client *c, const struct client *client)
{
	struct span user = buf_span(&client->login), password = buf_span(&client->password);
	enum pop3_status status = POP3_NO_METHOD;

	if (c->capabilities & POP3_SASL_SCRAM)
		status = by_sasl(c, SASL_SCRAM_SHA_256, user, password);
	if (status != POP3_NO_METHOD)
		return status;
	if (c->stamp.len > 0)
		return by_apop(c, user, password);
	bool plain = c->capabilities & POP3_SASL_PLAIN;
	if (!plain && !(c->capabilities & POP3_USER) && (c->capabilities & POP3_CAPA))
		return POP3_NO_METHOD;
	client_warn(client, c->conn.in);
	return plain ? by_sasl(c, SASL_PLAIN, user, password) : by_pass(c, user, password);
}

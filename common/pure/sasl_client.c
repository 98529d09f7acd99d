/* The client's side of SASL. */
#include "sasl.h"

#include <stdio.h>
#include <string.h>

#include "codec.h"

enum {
	SCRAM_MOST_ITERATIONS = 1000000, /* what a hostile server may make us work for: a second or so */
	FAILED = -1			 /* as a step: nothing more is believed */
};

void
sasl_client_init(struct sasl_client *c, enum sasl_mechanism mechanism, struct span user, struct span password,
    const uint8_t random[SASL_NONCE])
{
	*c = (struct sasl_client){ .mechanism = mechanism, .user = user, .password = password };
	buf_init(&c->transcript, SASL_TRANSCRIPT);
	hash_hex(random, SASL_NONCE, c->nonce);
}

void
sasl_client_free(struct sasl_client *c)
{
	buf_free(&c->transcript);
	wipe(c->server_signature, sizeof(c->server_signature));
}

/* Each step takes a challenge, decoded; the first of all an empty one, for the message that may go with the command. */

static enum sasl_status
tell(struct sasl_client *c, struct span challenge, struct buf *out)
{
	(void)challenge;
	if (c->mechanism == SASL_PLAIN) {
		buf_add_char(out, '\0');
		buf_add_span(out, c->user);
		buf_add_char(out, '\0');
	}
	buf_add_span(out, c->mechanism == SASL_LOGIN && c->step == 0 ? c->user : c->password);
	return SASL_CHALLENGE;
}

static enum sasl_status
scram_first(struct sasl_client *c, struct span challenge, struct buf *out)
{
	(void)challenge;
	buf_add_string(&c->transcript, "n=");
	for (size_t i = 0; i < c->user.n; i++)
		if (c->user.at[i] == ',' || c->user.at[i] == '=')
			buf_add_string(&c->transcript, c->user.at[i] == ',' ? "=2C" : "=3D");
		else
			buf_add_char(&c->transcript, c->user.at[i]);
	buf_printf(&c->transcript, ",r=%s", c->nonce);
	buf_add_string(out, "n,,");
	buf_add_span(out, buf_span(&c->transcript));
	return SASL_CHALLENGE;
}

/* RFC 5802 3: out is client-final-message, and what the server must sign is noted. */
static enum sasl_status
scram_final(struct sasl_client *c, struct span challenge, struct buf *out)
{
	struct span rest = challenge, nonce, iterations;
	size_t ours = strlen(c->nonce);
	uint8_t salt[SASL_MESSAGE], proof[SHA256_SIZE];
	struct scram_keys keys;

	if (scram_take(&rest, 'r', &nonce) < 0 || !scram_nonce_valid(nonce) || nonce.n <= ours ||
	    memcmp(nonce.at, c->nonce, ours) != 0)
		return SASL_MALFORMED;
	size_t salt_n = scram_take_bytes(&rest, 's', salt, 1, sizeof(salt));
	if (salt_n == 0 || scram_take(&rest, 'i', &iterations) < 0)
		return SASL_MALFORMED;
	long long n = span_number(iterations, SCRAM_MOST_ITERATIONS);
	if (n < CREDENTIAL_ITERATIONS)
		return SASL_MALFORMED;
	buf_printf(out, "c=biws,r=%.*s", (int)nonce.n, nonce.at); /* "n,," */
	buf_add_char(&c->transcript, ',');
	buf_add_span(&c->transcript, challenge);
	buf_add_char(&c->transcript, ',');
	buf_add_span(&c->transcript, buf_span(out));
	scram_keys(&keys, c->password, salt, salt_n, (unsigned)n);
	scram_sign(keys.server, buf_span(&c->transcript), c->server_signature);
	scram_sign(keys.stored, buf_span(&c->transcript), proof);
	for (unsigned i = 0; i < SHA256_SIZE; i++)
		proof[i] ^= keys.client[i];
	wipe(&keys, sizeof(keys));
	buf_add_string(out, ",p=");
	base64_encode((struct span){ (const char *)proof, SHA256_SIZE }, out);
	return SASL_CHALLENGE;
}

static enum sasl_status
scram_verify(struct sasl_client *c, struct span challenge, struct buf *out)
{
	uint8_t signature[SHA256_SIZE];
	struct span error;

	(void)out;
	if (scram_take(&challenge, 'e', &error) == 0)
		return SASL_UNPROVEN;
	if (scram_take_bytes(&challenge, 'v', signature, SHA256_SIZE, SHA256_SIZE) == 0)
		return SASL_MALFORMED;
	return hash_equal(signature, c->server_signature, SHA256_SIZE) ? SASL_CHALLENGE : SASL_UNPROVEN;
}

/* A NULL ends each row: who has come that far may believe the server. */
static enum sasl_status (*const steps[][4])(struct sasl_client *, struct span, struct buf *) = {
	[SASL_PLAIN] = { tell },
	[SASL_LOGIN] = { tell, tell },
	[SASL_SCRAM_SHA_256] = { scram_first, scram_final, scram_verify },
};

enum sasl_status
sasl_client_step(struct sasl_client *c, struct span challenge, struct buf *out)
{
	enum sasl_status status = SASL_MALFORMED;

	buf_clear(out);
	if (c->step != FAILED && challenge.n <= SASL_MESSAGE && steps[c->mechanism][c->step] != NULL)
		status = steps[c->mechanism][c->step](c, challenge, out);
	if (out->failed || c->transcript.failed)
		status = SASL_MALFORMED;
	c->step = status == SASL_CHALLENGE ? c->step + 1 : FAILED;
	return status;
}

bool
sasl_client_verified(const struct sasl_client *c)
{
	return c->step != FAILED && steps[c->mechanism][c->step] == NULL;
}

static enum sasl_status
take_challenge(struct sasl_client *c, struct span challenge, struct buf *message)
{
	enum sasl_status status = SASL_MALFORMED;
	struct buf decoded;

	buf_init(&decoded, SASL_MESSAGE);
	if (base64_decode(challenge, &decoded) == 0)
		status = sasl_client_step(c, buf_span(&decoded), message);
	buf_free(&decoded);
	return status;
}

enum sasl_status
sasl_client_login(struct sasl_client *c, const struct sasl_login *login)
{
	struct span challenge = { NULL, 0 };
	struct buf message, line;
	char shown[64];

	buf_init(&message, SASL_MESSAGE);
	buf_init(&line, 2 * SASL_MESSAGE);
	buf_printf(&line, "AUTH %s ", sasl_names[c->mechanism]);
	size_t bare = line.len - 1;
	sasl_client_step(c, challenge, &message);
	base64_encode(buf_span(&message), &line);
	/* Without its first message where there must be none, or it does not fit: then that is the answer to the first challenge. */
	bool sent = c->mechanism != SASL_LOGIN && line.len <= login->longest;
	if (!sent)
		buf_cut(&line, bare);
	snprintf(shown, sizeof(shown), "AUTH %s%s", sasl_names[c->mechanism], sent ? " (secret)" : "");
	enum sasl_status status = login->exchange(login->context, shown, buf_span(&line), &challenge);
	while (status == SASL_CHALLENGE) {
		if (sent)
			status = take_challenge(c, challenge, &message);
		sent = true;
		if (status != SASL_CHALLENGE) {
			login->exchange(login->context, "*", span_of("*"), &challenge);
			break;
		}
		buf_clear(&line);
		base64_encode(buf_span(&message), &line);
		status = login->exchange(login->context, "(secret)", buf_span(&line), &challenge);
	}
	buf_free(&message);
	buf_free(&line);
	return status == SASL_OK && !sasl_client_verified(c) ? SASL_UNPROVEN : status;
}

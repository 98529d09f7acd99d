#include "sasl.h"

#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "scram.h"

enum {
	SCRAM_MOST_ITERATIONS = 1000000, /* what a hostile server may make us work for: a second or so */
	FAILED = -1,			 /* as a step: nothing more is believed */
	ROUNDS = 8
};

void
sasl_client_init(struct sasl_client *c, enum sasl_mechanism mechanism, struct span user, struct span password,
    const uint8_t random[SASL_NONCE])
{
	*c = (struct sasl_client){ .mechanism = mechanism, .user = user, .password = password };
	buf_init(&c->transcript, SASL_TRANSCRIPT);
	sasl_nonce(random, c->nonce);
}

void
sasl_client_free(struct sasl_client *c)
{
	buf_free(&c->transcript);
	wipe(c->server_signature, sizeof(c->server_signature));
}

static enum sasl_status
plain_message(struct sasl_client *c, struct span challenge, struct buf *out)
{
	(void)challenge;
	buf_add_char(out, '\0');
	buf_add_span(out, c->user);
	buf_add_char(out, '\0');
	buf_add_span(out, c->password);
	return SASL_CHALLENGE;
}

static enum sasl_status
login_user(struct sasl_client *c, struct span challenge, struct buf *out)
{
	(void)challenge;
	buf_add_span(out, c->user);
	return SASL_CHALLENGE;
}

static enum sasl_status
login_password(struct sasl_client *c, struct span challenge, struct buf *out)
{
	(void)challenge;
	buf_add_span(out, c->password);
	return SASL_CHALLENGE;
}

static enum sasl_status
scram_first(struct sasl_client *c, struct span challenge, struct buf *out)
{
	(void)challenge;
	buf_add_string(&c->transcript, "n=");
	scram_name_encode(c->user, &c->transcript);
	buf_printf(&c->transcript, ",r=%s", c->nonce);
	buf_add_string(out, "n,,");
	buf_add_span(out, buf_span(&c->transcript));
	return SASL_CHALLENGE;
}

/* The salted password's keys, as the server's s= and i= ask for them. */
static int
scram_derive(struct sasl_client *c, struct span salt, struct span iterations, struct scram_keys *keys)
{
	long long n = span_number(iterations, SCRAM_MOST_ITERATIONS);
	struct buf bytes;

	if (n < CREDENTIAL_ITERATIONS)
		return -1;
	buf_init(&bytes, SASL_MESSAGE);
	int result = base64_decode(salt, &bytes) == 0 && bytes.len > 0 ? 0 : -1;
	if (result == 0)
		scram_keys(keys, c->password, (const uint8_t *)bytes.data, bytes.len, (unsigned)n);
	buf_free(&bytes);
	return result;
}

/* out holds client-final-message-without-proof: add the proof, and note what the server must sign. */
static void
scram_sign(struct sasl_client *c, const struct scram_keys *keys, struct buf *out)
{
	struct span transcript = buf_span(&c->transcript);
	uint8_t proof[SHA256_SIZE];

	hmac_sha256(keys->server, SHA256_SIZE, transcript.at, transcript.n, c->server_signature);
	hmac_sha256(keys->stored, SHA256_SIZE, transcript.at, transcript.n, proof);
	for (unsigned i = 0; i < SHA256_SIZE; i++)
		proof[i] ^= keys->client[i];
	buf_add_string(out, ",p=");
	base64_encode((struct span){ (const char *)proof, SHA256_SIZE }, out);
}

static enum sasl_status
scram_final(struct sasl_client *c, struct span challenge, struct buf *out)
{
	struct span rest = challenge, nonce, salt, iterations;
	size_t ours = strlen(c->nonce);
	struct scram_keys keys;

	if (scram_take(&rest, 'r', &nonce) < 0 || scram_take(&rest, 's', &salt) < 0 ||
	    scram_take(&rest, 'i', &iterations) < 0)
		return SASL_MALFORMED;
	if (!scram_nonce_valid(nonce) || nonce.n <= ours || memcmp(nonce.at, c->nonce, ours) != 0)
		return SASL_MALFORMED;
	buf_add_string(out, "c=biws,r="); /* "n,," */
	buf_add_span(out, nonce);
	buf_add_char(&c->transcript, ',');
	buf_add_span(&c->transcript, challenge);
	buf_add_char(&c->transcript, ',');
	buf_add_span(&c->transcript, buf_span(out));
	if (c->transcript.failed || scram_derive(c, salt, iterations, &keys) < 0)
		return SASL_MALFORMED;
	scram_sign(c, &keys, out);
	wipe(&keys, sizeof(keys));
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
	if (scram_take_digest(&challenge, 'v', signature) < 0)
		return SASL_MALFORMED;
	return hash_equal(signature, c->server_signature, SHA256_SIZE) ? SASL_CHALLENGE : SASL_UNPROVEN;
}

/* A NULL ends each row: who has come that far may believe the server. */
static enum sasl_status (*const steps[][4])(struct sasl_client *, struct span, struct buf *) = {
	[SASL_PLAIN] = { plain_message },
	[SASL_LOGIN] = { login_user, login_password },
	[SASL_SCRAM_SHA_256] = { scram_first, scram_final, scram_verify },
};

enum sasl_status
sasl_client_step(struct sasl_client *c, struct span challenge, struct buf *out)
{
	enum sasl_status status = SASL_MALFORMED;

	buf_clear(out);
	if (c->step != FAILED && challenge.n <= SASL_MESSAGE && steps[c->mechanism][c->step] != NULL)
		status = steps[c->mechanism][c->step](c, challenge, out);
	if (out->failed)
		status = SASL_MALFORMED;
	c->step = status == SASL_CHALLENGE ? c->step + 1 : FAILED;
	return status;
}

bool
sasl_client_verified(const struct sasl_client *c)
{
	return c->step != FAILED && steps[c->mechanism][c->step] == NULL;
}

/* "AUTH MECHANISM INITIAL", or without INITIAL where there must be none or it does not fit: false in *sent. */
static enum sasl_status
begin(
    const struct sasl_login *login, const char *name, struct span initial, bool *sent, struct span *challenge)
{
	struct buf line;
	char shown[64];

	buf_init(&line, login->longest);
	buf_printf(&line, "AUTH %s ", name);
	*sent = initial.n > 0 && base64_encode(initial, &line) == 0;
	snprintf(shown, sizeof(shown), "AUTH %s%s", name, *sent ? " (secret)" : "");
	enum sasl_status status =
	    login->exchange(login->context, shown, *sent ? buf_span(&line) : span_of(shown), challenge);
	buf_free(&line);
	return status;
}

static enum sasl_status
answer(const struct sasl_login *login, struct span message, struct span *challenge)
{
	struct buf line;

	buf_init(&line, 2 * SASL_MESSAGE);
	base64_encode(message, &line);
	enum sasl_status status = login->exchange(login->context, "(secret)", buf_span(&line), challenge);
	buf_free(&line);
	return status;
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
	struct buf message;
	bool sent;

	buf_init(&message, SASL_MESSAGE);
	sasl_client_step(c, challenge, &message);
	enum sasl_status status = begin(login, sasl_names[c->mechanism],
	    span_slice(buf_span(&message), 0, c->mechanism == SASL_LOGIN ? 0 : message.len), &sent,
	    &challenge);
	for (int round = 0; status == SASL_CHALLENGE && round < ROUNDS; round++) {
		if (sent)
			status = take_challenge(c, challenge, &message);
		if (status == SASL_CHALLENGE)
			status = answer(login, buf_span(&message), &challenge);
		else
			login->exchange(login->context, "*", span_of("*"), &challenge);
		sent = true;
	}
	buf_free(&message);
	if (status == SASL_OK && !sasl_client_verified(c))
		return SASL_UNPROVEN;
	return status == SASL_CHALLENGE ? SASL_MALFORMED : status;
}

/* The server's side; the client's is in sasl_client.c. */
#include "sasl.h"

#include <string.h>

#include "codec.h"

const char *const sasl_names[] = {
	[SASL_PLAIN] = "PLAIN", [SASL_LOGIN] = "LOGIN", [SASL_SCRAM_SHA_256] = "SCRAM-SHA-256"
};

int
sasl_mechanism(struct span name)
{
	for (int i = 0; i <= SASL_SCRAM_SHA_256; i++)
		if (span_is_nocase(name, sasl_names[i]))
			return i;
	return -1;
}

/* Each step takes the client's next message, decoded. */

static enum exchange_result
challenge(struct exchange *e, struct span message, struct buf *out)
{
	buf_add_string(out, e->prompt);
	base64_encode(message, out);
	buf_add_string(out, "\r\n");
	e->under_way = true;
	return EXCHANGE_MORE;
}

/* A name that is too long is cut to none at all: a part of it could be another user's. */
static bool
set_login(struct exchange *e, struct span name)
{
	if (name.n == 0 || span_has(name, '\0'))
		return false;
	if (name.n > SASL_USER)
		name.n = 0;
	for (size_t i = 0; i < name.n; i++)
		e->login[i] = ascii_lower(name.at[i]);
	e->login[name.n] = '\0';
	return true;
}

static bool
look_up(struct exchange *e)
{
	return e->accounts->credential(e->context, span_of(e->login), e->user, &e->credential) == 0;
}

static enum exchange_result
take_password(struct exchange *e, struct span password, struct buf *out)
{
	(void)out;
	if (password.n == 0 || span_has(password, '\0'))
		return EXCHANGE_BAD_ANSWER;
	if (!look_up(e))
		return EXCHANGE_UNABLE;
	return credential_verify(&e->credential, password) ? EXCHANGE_OK : EXCHANGE_DENIED;
}

/* RFC 4616: [authzid] NUL authcid NUL passwd */
static enum exchange_result
take_plain(struct exchange *e, struct span message, struct buf *out)
{
	struct span user, password;
	struct span authzid = span_until(message, '\0', &user);

	user = span_until(user, '\0', &password);
	if (!set_login(e, user))
		return EXCHANGE_BAD_ANSWER;
	if (authzid.n > 0 && !span_equal_nocase(authzid, user))
		return EXCHANGE_DENIED;
	return take_password(e, password, out);
}

static enum exchange_result
take_login(struct exchange *e, struct span message, struct buf *out)
{
	return set_login(e, message) ? challenge(e, span_of("Password:"), out) : EXCHANGE_BAD_ANSWER;
}

/* A saslname: comma and equals sign are =2C and =3D. */
static bool
set_scram_login(struct exchange *e, struct span name)
{
	char plain[SASL_MESSAGE];
	size_t n = 0;

	for (; name.n > 0; span_skip(&name, 1)) {
		plain[n] = name.at[0];
		if (plain[n] == '=') {
			struct span escape = span_slice(name, 1, 3);
			if (!span_is_nocase(escape, "2C") && !span_is_nocase(escape, "3D"))
				return false;
			plain[n] = escape.at[0] == '2' ? ',' : '=';
			span_skip(&name, 2);
		}
		n++;
	}
	return set_login(e, (struct span){ plain, n });
}

/*
 * RFC 5802 7: gs2-header client-first-message-bare. Channel binding is not to be had ("n", "y"); a mandatory extension
 * ("m=") stands where the name must be, and so is refused.
 */
static enum exchange_result
take_scram_first(struct exchange *e, struct span message, struct buf *out)
{
	struct span bare, authzid, name, nonce, rest;
	struct span binding = span_until(message, ',', &bare);

	authzid = span_until(bare, ',', &bare);
	rest = bare;
	if ((!span_is(binding, "n") && !span_is(binding, "y")) || scram_take(&rest, 'n', &name) < 0 ||
	    scram_take(&rest, 'r', &nonce) < 0 || !scram_nonce_valid(nonce))
		return EXCHANGE_BAD_ANSWER;
	bool another = authzid.n > 0;
	if (another && scram_take(&authzid, 'a', &authzid) < 0)
		return EXCHANGE_BAD_ANSWER;
	another = another && !span_equal_nocase(authzid, name);
	if (!set_scram_login(e, name))
		return EXCHANGE_BAD_ANSWER;
	if (another)
		return EXCHANGE_DENIED;
	if (!look_up(e))
		return EXCHANGE_UNABLE;
	e->bare_at = message.n - bare.n;
	buf_add_span(&e->transcript, message);
	buf_add_char(&e->transcript, ',');
	e->first_at = e->transcript.len;
	buf_printf(&e->transcript, "r=%.*s%s,s=", (int)nonce.n, nonce.at, e->nonce);
	base64_encode(
	    (struct span){ (const char *)e->credential.salt, e->credential.salt_n }, &e->transcript);
	buf_printf(&e->transcript, ",i=%u", e->credential.iterations);
	return challenge(e, span_slice(buf_span(&e->transcript), e->first_at, e->transcript.len), out);
}

/* Is the ClientProof right for the transcript? Then the ServerSignature is the answer. */
static enum exchange_result
prove(struct exchange *e, const uint8_t proof[SHA256_SIZE], struct buf *out)
{
	struct span transcript = span_slice(buf_span(&e->transcript), e->bare_at, e->transcript.len);
	enum exchange_result result = EXCHANGE_DENIED;
	struct scram_keys keys;
	uint8_t digest[SHA256_SIZE];
	struct buf final;

	credential_scram_keys(&e->credential, &keys);
	scram_sign(keys.stored, transcript, keys.client);
	for (unsigned i = 0; i < SHA256_SIZE; i++)
		keys.client[i] ^= proof[i];
	sha256(keys.client, SHA256_SIZE, digest);
	if (hash_equal(digest, keys.stored, SHA256_SIZE) && e->credential.kind != CREDENTIAL_NONE) {
		buf_init(&final, SASL_MESSAGE);
		scram_sign(keys.server, transcript, digest);
		buf_add_string(&final, "v=");
		base64_encode((struct span){ (const char *)digest, SHA256_SIZE }, &final);
		result = challenge(e, buf_span(&final), out);
		buf_free(&final);
	} else if (e->credential.kind != CREDENTIAL_PLAIN) {
		/* A {PLAIN} password has cost its PBKDF2 above: every refusal lasts as long. */
		credential_verify(&e->credential, transcript);
	}
	wipe(&keys, sizeof(keys));
	return result;
}

/* Does the c= value repeat the gs2-header? */
static bool
repeats_header(const struct exchange *e, struct span value)
{
	struct span header = span_slice(buf_span(&e->transcript), 0, e->bare_at);
	struct buf bytes;

	buf_init(&bytes, SASL_MESSAGE);
	bool right = base64_decode(value, &bytes) == 0 && span_equal(buf_span(&bytes), header);
	buf_free(&bytes);
	return right;
}

static enum exchange_result
take_scram_final(struct exchange *e, struct span message, struct buf *out)
{
	struct span first = span_slice(buf_span(&e->transcript), e->first_at, e->transcript.len);
	struct span rest = message, binding, nonce, ours;
	uint8_t proof[SHA256_SIZE];

	if (scram_take(&rest, 'c', &binding) < 0 || scram_take(&rest, 'r', &nonce) < 0)
		return EXCHANGE_BAD_ANSWER;
	while (rest.n > 0 && rest.at[0] != 'p')
		if (!ascii_is_alnum(rest.at[0]) || scram_take(&rest, rest.at[0], &ours) < 0)
			return EXCHANGE_BAD_ANSWER; /* no extension that could be ignored */
	struct span bare = span_slice(message, 0, message.n - rest.n - 1);
	if (scram_take_bytes(&rest, 'p', proof, SHA256_SIZE, SHA256_SIZE) == 0 || rest.at != NULL)
		return EXCHANGE_BAD_ANSWER;
	if (!repeats_header(e, binding) || scram_take(&first, 'r', &ours) < 0 || !span_equal(nonce, ours))
		return EXCHANGE_DENIED;
	buf_add_char(&e->transcript, ',');
	buf_add_span(&e->transcript, bare);
	return prove(e, proof, out);
}

/* The client's empty answer to our proof. */
static enum exchange_result
take_scram_end(struct exchange *e, struct span message, struct buf *out)
{
	(void)e;
	(void)out;
	return message.n == 0 ? EXCHANGE_OK : EXCHANGE_BAD_ANSWER;
}

/* What ends a row ends the exchange. */
static enum exchange_result (*const steps[][3])(struct exchange *, struct span, struct buf *) = {
	[SASL_PLAIN] = { take_plain },
	[SASL_LOGIN] = { take_login, take_password },
	[SASL_SCRAM_SHA_256] = { take_scram_first, take_scram_final, take_scram_end },
};

void
exchange_init(struct exchange *e, const struct exchange_accounts *accounts, void *context, const char *prompt)
{
	*e = (struct exchange){ .accounts = accounts, .context = context, .prompt = prompt };
	buf_init(&e->transcript, SASL_TRANSCRIPT);
}

void
exchange_end(struct exchange *e)
{
	buf_free(&e->transcript);
	wipe(&e->credential, sizeof(e->credential));
	e->under_way = false;
}

enum exchange_result
exchange_answer(struct exchange *e, struct span line, struct buf *out)
{
	enum exchange_result result = EXCHANGE_CANCELLED;
	struct buf message;

	buf_init(&message, SASL_MESSAGE);
	if (!span_is(line, "*")) {
		result = EXCHANGE_BAD_BASE64;
		if (base64_decode(line, &message) == 0)
			result = steps[e->mechanism][e->step++](e, buf_span(&message), out);
	}
	buf_free(&message);
	if (e->transcript.failed)
		result = EXCHANGE_BAD_ANSWER;
	if (result != EXCHANGE_MORE)
		exchange_end(e);
	return result;
}

enum exchange_result
exchange_begin(struct exchange *e, enum sasl_mechanism mechanism, struct span initial, struct buf *out)
{
	uint8_t nonce[SASL_NONCE];

	if (e->accounts->random(e->context, nonce) < 0)
		return EXCHANGE_UNABLE;
	exchange_init(e, e->accounts, e->context, e->prompt);
	e->mechanism = mechanism;
	hash_hex(nonce, SASL_NONCE, e->nonce);
	if (initial.at == NULL)
		return challenge(e, span_of(mechanism == SASL_LOGIN ? "Username:" : ""), out);
	return exchange_answer(e, span_is(initial, "=") ? (struct span){ "", 0 } : initial, out);
}

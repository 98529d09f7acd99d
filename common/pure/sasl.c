/* The server's side; the client's is in sasl_client.c. */
#include "sasl.h"

#include <string.h>

#include "codec.h"
#include "scram.h"

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

void
sasl_nonce(const uint8_t random[SASL_NONCE], char nonce[SASL_NONCE_TEXT + 1])
{
	struct buf text;

	buf_init(&text, SASL_NONCE_TEXT);
	base64_encode((struct span){ (const char *)random, SASL_NONCE }, &text);
	memcpy(nonce, buf_string(&text), text.len + 1);
	buf_free(&text);
}

void
sasl_server_init(struct sasl_server *s, enum sasl_mechanism mechanism, const uint8_t random[SASL_NONCE])
{
	*s = (struct sasl_server){ .mechanism = mechanism };
	buf_init(&s->secret, SASL_TRANSCRIPT);
	sasl_nonce(random, s->nonce);
}

void
sasl_server_free(struct sasl_server *s)
{
	buf_free(&s->secret);
	wipe(&s->credential, sizeof(s->credential));
}

const char *
sasl_server_prompt(const struct sasl_server *s)
{
	return s->mechanism == SASL_LOGIN ? "Username:" : "";
}

/* A name that is too long is cut to none at all: a part of it could be another user's. */
static int
set_user(struct sasl_server *s, struct span name)
{
	if (name.n == 0 || memchr(name.at, '\0', name.n) != NULL)
		return -1;
	if (name.n > SASL_USER)
		name.n = 0;
	for (size_t i = 0; i < name.n; i++)
		s->user[i] = ascii_lower(name.at[i]);
	s->user[name.n] = '\0';
	return 0;
}

static int
set_password(struct sasl_server *s, struct span password)
{
	if (password.n == 0 || memchr(password.at, '\0', password.n) != NULL)
		return -1;
	return buf_add_span(&s->secret, password);
}

/* RFC 4616: [authzid] NUL authcid NUL passwd */
static enum sasl_status
plain_message(struct sasl_server *s, struct span message, struct buf *out)
{
	struct span user, password;
	struct span authzid = span_until(message, '\0', &user);

	(void)out;
	user = span_until(user, '\0', &password);
	if (set_user(s, user) < 0 || set_password(s, password) < 0)
		return SASL_MALFORMED;
	return authzid.n == 0 || span_equal_nocase(authzid, user) ? SASL_LOOKUP : SASL_DENIED;
}

static enum sasl_status
login_user(struct sasl_server *s, struct span message, struct buf *out)
{
	if (set_user(s, message) < 0)
		return SASL_MALFORMED;
	buf_add_string(out, "Password:");
	return SASL_CHALLENGE;
}

static enum sasl_status
login_password(struct sasl_server *s, struct span message, struct buf *out)
{
	(void)out;
	return set_password(s, message) < 0 ? SASL_MALFORMED : SASL_LOOKUP;
}

/*
 * RFC 5802 7: gs2-header client-first-message-bare. Channel binding is not to be had ("n", "y"); a mandatory extension
 * ("m=") stands where the name must be, and so is refused.
 */
static enum sasl_status
scram_first(struct sasl_server *s, struct span message, struct buf *out)
{
	struct span bare, authzid, name, nonce, rest;
	struct span binding = span_until(message, ',', &bare);
	bool same = true;

	authzid = span_until(bare, ',', &bare);
	if (bare.at == NULL || (!span_is(binding, "n") && !span_is(binding, "y")))
		return SASL_MALFORMED;
	rest = bare;
	if (scram_take(&rest, 'n', &name) < 0 || scram_take(&rest, 'r', &nonce) < 0 ||
	    !scram_nonce_valid(nonce))
		return SASL_MALFORMED;
	if (authzid.n > 0) {
		if (scram_take(&authzid, 'a', &authzid) < 0)
			return SASL_MALFORMED;
		same = span_equal_nocase(authzid, name);
	}
	if (scram_name_decode(name, out) < 0 || set_user(s, buf_span(out)) < 0 ||
	    buf_add_span(&s->secret, message) < 0)
		return SASL_MALFORMED;
	buf_clear(out);
	s->bare_at = message.n - bare.n;
	return same ? SASL_LOOKUP : SASL_DENIED;
}

static enum sasl_status
scram_server_first(struct sasl_server *s, struct buf *out)
{
	struct span bare = span_slice(buf_span(&s->secret), s->bare_at, s->secret.len);
	struct span name, nonce;

	if (scram_take(&bare, 'n', &name) < 0 || scram_take(&bare, 'r', &nonce) < 0)
		return SASL_MALFORMED;
	buf_add_string(out, "r=");
	buf_add_span(out, nonce);
	buf_add_string(out, s->nonce);
	buf_add_string(out, ",s=");
	base64_encode((struct span){ (const char *)s->credential.salt, s->credential.salt_n }, out);
	buf_printf(out, ",i=%u", s->credential.iterations);

	buf_add_char(&s->secret, ',');
	s->first_at = s->secret.len;
	buf_add_span(&s->secret, buf_span(out));
	return out->failed || s->secret.failed ? SASL_MALFORMED : SASL_CHALLENGE;
}

/* Is the ClientProof right for the transcript? If so the ServerSignature goes to out. */
static bool
scram_prove(struct sasl_server *s, const uint8_t proof[SHA256_SIZE], struct buf *out)
{
	uint8_t stored_key[SHA256_SIZE], server_key[SHA256_SIZE];
	uint8_t mac[SHA256_SIZE], digest[SHA256_SIZE];
	struct span transcript = span_slice(buf_span(&s->secret), s->bare_at, s->secret.len);

	credential_scram_keys(&s->credential, stored_key, server_key);
	hmac_sha256(stored_key, SHA256_SIZE, transcript.at, transcript.n, mac);
	for (unsigned i = 0; i < SHA256_SIZE; i++)
		mac[i] ^= proof[i]; /* the ClientKey */
	sha256(mac, SHA256_SIZE, digest);
	bool right = hash_equal(digest, stored_key, SHA256_SIZE) && s->credential.kind != CREDENTIAL_NONE;
	if (right) {
		hmac_sha256(server_key, SHA256_SIZE, transcript.at, transcript.n, mac);
		buf_add_string(out, "v=");
		base64_encode((struct span){ (const char *)mac, SHA256_SIZE }, out);
	} else if (s->credential.kind != CREDENTIAL_PLAIN) {
		/* A {PLAIN} password has cost its PBKDF2 above: every refusal lasts as long. */
		credential_verify(&s->credential, transcript);
	}
	wipe(stored_key, sizeof(stored_key));
	wipe(server_key, sizeof(server_key));
	wipe(mac, sizeof(mac));
	return right;
}

/* Does the c= value repeat the gs2-header? */
static bool
scram_binding_right(const struct sasl_server *s, struct span value)
{
	struct span header = span_slice(buf_span(&s->secret), 0, s->bare_at);
	struct buf bytes;

	buf_init(&bytes, SASL_MESSAGE);
	bool right = base64_decode(value, &bytes) == 0 && bytes.len == header.n &&
		     hash_equal(bytes.data, header.at, header.n);
	buf_free(&bytes);
	return right;
}

static enum sasl_status
scram_final(struct sasl_server *s, struct span message, struct buf *out)
{
	struct span first = span_slice(buf_span(&s->secret), s->first_at, s->secret.len);
	struct span rest = message, binding, nonce, ours;
	uint8_t proof[SHA256_SIZE];

	if (scram_take(&rest, 'c', &binding) < 0 || scram_take(&rest, 'r', &nonce) < 0)
		return SASL_MALFORMED;
	while (rest.n > 0 && rest.at[0] != 'p')
		if (scram_skip(&rest) < 0)
			return SASL_MALFORMED;
	size_t signed_n = message.n - rest.n;
	if (scram_take_digest(&rest, 'p', proof) < 0 || rest.at != NULL)
		return SASL_MALFORMED;
	if (!scram_binding_right(s, binding) || scram_take(&first, 'r', &ours) < 0 || nonce.n != ours.n ||
	    !hash_equal(nonce.at, ours.at, ours.n))
		return SASL_DENIED;
	if (buf_add_char(&s->secret, ',') < 0 ||
	    buf_add_span(&s->secret, span_slice(message, 0, signed_n - 1)) < 0)
		return SASL_MALFORMED;
	return scram_prove(s, proof, out) ? SASL_CHALLENGE : SASL_DENIED;
}

/* The client's empty answer to our proof. */
static enum sasl_status
scram_end(struct sasl_server *s, struct span message, struct buf *out)
{
	(void)s;
	(void)out;
	return message.n == 0 ? SASL_OK : SASL_MALFORMED;
}

enum sasl_status
sasl_server_step(struct sasl_server *s, struct span message, struct buf *out)
{
	static enum sasl_status (*const steps[][4])(struct sasl_server *, struct span, struct buf *) = {
		[SASL_PLAIN] = { plain_message },
		[SASL_LOGIN] = { login_user, login_password },
		[SASL_SCRAM_SHA_256] = { scram_first, scram_final, scram_end },
	};

	buf_clear(out);
	if (message.n > SASL_MESSAGE || steps[s->mechanism][s->step] == NULL)
		return SASL_MALFORMED;
	enum sasl_status status = steps[s->mechanism][s->step++](s, message, out);
	return out->failed ? SASL_MALFORMED : status;
}

enum sasl_status
sasl_server_credential(struct sasl_server *s, const struct credential *credential, struct buf *out)
{
	buf_clear(out);
	s->credential = *credential;
	if (s->mechanism == SASL_SCRAM_SHA_256)
		return scram_server_first(s, out);
	return credential_verify(&s->credential, buf_span(&s->secret)) ? SASL_OK : SASL_DENIED;
}

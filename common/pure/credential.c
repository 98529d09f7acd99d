#include "credential.h"

#include <string.h>

#include "codec.h"

static const char scram_scheme[] = "{SCRAM-SHA-256}";
static const char plain_scheme[] = "{PLAIN}";

enum { CREDENTIAL_MOST_ITERATIONS = 10000000 };

bool
account_name(struct span local, char out[ACCOUNT_NAME + 1])
{
	struct span tag;
	struct span name = span_until(local, '+', &tag);

	if (name.n == 0 || name.n > ACCOUNT_NAME || name.at[0] == '.' || name.at[0] == '-')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.at[i];

		if (!ascii_is_alnum(c) && c != '.' && c != '_' && c != '-')
			return false;
		out[i] = ascii_lower(c);
	}
	out[name.n] = '\0';
	return true;
}

bool
credential_password_valid(struct span password)
{
	return password.n > 0 && password.n <= CREDENTIAL_PASSWORD && !span_has(password, '\0') &&
	       !span_has(password, '\r') && !span_has(password, '\n');
}

static size_t
decode(struct span text, uint8_t *out, size_t least, size_t most)
{
	struct buf bytes;
	size_t n = 0;

	buf_init(&bytes, most);
	if (base64_decode(text, &bytes) == 0 && bytes.len >= least) {
		n = bytes.len;
		memcpy(out, bytes.data, n);
	}
	buf_free(&bytes);
	return n;
}

static bool
parse_scram(struct span text, struct credential *c)
{
	long long n = span_number(span_until(text, ',', &text), CREDENTIAL_MOST_ITERATIONS);

	if (n < CREDENTIAL_ITERATIONS)
		return false;
	c->kind = CREDENTIAL_SCRAM;
	c->iterations = (unsigned)n;
	c->salt_n = decode(span_until(text, ',', &text), c->salt, 1, CREDENTIAL_SALT);
	return c->salt_n > 0 &&
	       decode(span_until(text, ',', &text), c->keys.stored, SHA256_SIZE, SHA256_SIZE) > 0 &&
	       decode(text, c->keys.server, SHA256_SIZE, SHA256_SIZE) > 0;
}

static bool
parse_plain(struct span password, struct credential *c)
{
	if (!credential_password_valid(password))
		return false;
	c->kind = CREDENTIAL_PLAIN;
	c->iterations = CREDENTIAL_ITERATIONS;
	c->password_n = password.n;
	memcpy(c->password, password.at, password.n);
	return true;
}

static bool
has_scheme(struct span *text, const char *scheme)
{
	size_t n = strlen(scheme);
	bool has = span_is_nocase(span_slice(*text, 0, n), scheme);

	if (has)
		*text = span_slice(*text, n, text->n);
	return has;
}

bool
credential_is_plain(struct span text)
{
	return has_scheme(&text, plain_scheme);
}

int
credential_parse(struct span text, struct credential *c)
{
	*c = (struct credential){ .kind = CREDENTIAL_NONE };
	if (has_scheme(&text, scram_scheme) ? parse_scram(text, c)
					    : has_scheme(&text, plain_scheme) && parse_plain(text, c))
		return 0;
	*c = (struct credential){ .kind = CREDENTIAL_NONE };
	return -1;
}

int
credential_make(
    struct span password, const uint8_t *salt, size_t salt_n, unsigned iterations, struct buf *out)
{
	struct scram_keys keys;
	size_t before = out->len;

	if (!credential_password_valid(password) || salt_n == 0 || salt_n > CREDENTIAL_SALT ||
	    iterations < CREDENTIAL_ITERATIONS || iterations > CREDENTIAL_MOST_ITERATIONS)
		return -1;
	scram_keys(&keys, password, salt, salt_n, iterations);
	buf_printf(out, "%s%u,", scram_scheme, iterations);
	base64_encode((struct span){ (const char *)salt, salt_n }, out);
	buf_add_char(out, ',');
	base64_encode((struct span){ (const char *)keys.stored, SHA256_SIZE }, out);
	buf_add_char(out, ',');
	base64_encode((struct span){ (const char *)keys.server, SHA256_SIZE }, out);
	wipe(&keys, sizeof(keys));
	if (out->failed)
		buf_cut(out, before);
	return out->failed ? -1 : 0;
}

void
credential_salt(struct credential *c, struct span user, struct span secret)
{
	uint8_t mac[SHA256_SIZE];

	hmac_sha256(secret.at, secret.n, user.at, user.n, mac);
	c->salt_n = CREDENTIAL_SALT_WRITTEN;
	memcpy(c->salt, mac, c->salt_n);
}

void
credential_decoy(struct span user, struct span secret, struct credential *c)
{
	*c = (struct credential){ .kind = CREDENTIAL_NONE, .iterations = CREDENTIAL_ITERATIONS };
	credential_salt(c, user, secret);
}

bool
credential_verify(const struct credential *c, struct span password)
{
	struct scram_keys keys;

	if (c->kind == CREDENTIAL_PLAIN && password.n == c->password_n &&
	    hash_equal(password.at, c->password, password.n))
		return true;
	/* A wrong guess at a {PLAIN} password costs what it costs elsewhere, or its speed would tell that there is such a user. */
	scram_keys(&keys, password, c->salt, c->salt_n, c->iterations);
	bool equal = hash_equal(keys.stored, c->keys.stored, SHA256_SIZE);
	wipe(&keys, sizeof(keys));
	return equal && c->kind == CREDENTIAL_SCRAM;
}

bool
credential_verify_apop(const struct credential *c, struct span banner, struct span digest)
{
	uint8_t right[MD5_SIZE];
	char hex[2 * MD5_SIZE + 1];

	md5(banner.at, banner.n, c->password, c->password_n, right);
	hash_hex(right, MD5_SIZE, hex);
	bool equal = digest.n == sizeof(hex) - 1 && hash_equal(digest.at, hex, digest.n);
	wipe(right, sizeof(right));
	wipe(hex, sizeof(hex));
	return equal && c->kind == CREDENTIAL_PLAIN;
}

void
credential_scram_keys(const struct credential *c, struct scram_keys *keys)
{
	*keys = c->keys;
	if (c->kind == CREDENTIAL_PLAIN)
		scram_keys(
		    keys, (struct span){ c->password, c->password_n }, c->salt, c->salt_n, c->iterations);
}

void
scram_keys(
    struct scram_keys *keys, struct span password, const uint8_t *salt, size_t salt_n, unsigned iterations)
{
	uint8_t salted[SHA256_SIZE];

	pbkdf2_sha256(password.at, password.n, salt, salt_n, iterations, salted);
	hmac_sha256(salted, SHA256_SIZE, "Client Key", 10, keys->client);
	sha256(keys->client, SHA256_SIZE, keys->stored);
	hmac_sha256(salted, SHA256_SIZE, "Server Key", 10, keys->server);
	wipe(salted, sizeof(salted));
}

void
scram_sign(const uint8_t key[SHA256_SIZE], struct span transcript, uint8_t signature[SHA256_SIZE])
{
	hmac_sha256(key, SHA256_SIZE, transcript.at, transcript.n, signature);
}

int
scram_take(struct span *text, char attribute, struct span *value)
{
	if (text->n < 2 || text->at[0] != attribute || text->at[1] != '=')
		return -1;
	struct span whole = span_until(*text, ',', text);
	*value = (struct span){ whole.at + 2, whole.n - 2 };
	return 0;
}

size_t
scram_take_bytes(struct span *text, char attribute, uint8_t *out, size_t least, size_t most)
{
	struct span value;

	return scram_take(text, attribute, &value) < 0 ? 0 : decode(value, out, least, most);
}

bool
scram_nonce_valid(struct span nonce)
{
	return span_is_word(nonce) && !span_has(nonce, ',');
}

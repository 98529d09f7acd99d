#include "credential.h"

#include <string.h>

#include "codec.h"
#include "scram.h"

static const char scram_scheme[] = "{SCRAM-SHA-256}";
static const char plain_scheme[] = "{PLAIN}";

enum { CREDENTIAL_MOST_ITERATIONS = 10000000 };

bool
credential_password_valid(struct span password)
{
	if (password.n == 0 || password.n > CREDENTIAL_PASSWORD)
		return false;
	for (size_t i = 0; i < password.n; i++)
		if (password.at[i] == '\0' || password.at[i] == '\r' || password.at[i] == '\n')
			return false;
	return true;
}

/* A base64 field of least to most bytes. How many: 0 where it is none. */
static size_t
parse_field(struct span text, uint8_t *out, size_t least, size_t most)
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

static int
parse_scram(struct span text, struct credential *c)
{
	struct span salt, stored, server;
	struct span iterations = span_until(text, ',', &salt);

	salt = span_until(salt, ',', &stored);
	stored = span_until(stored, ',', &server);
	long long n = span_number(iterations, CREDENTIAL_MOST_ITERATIONS);
	if (n < CREDENTIAL_ITERATIONS)
		return -1;
	c->kind = CREDENTIAL_SCRAM;
	c->iterations = (unsigned)n;
	c->salt_n = parse_field(salt, c->salt, 1, CREDENTIAL_SALT);
	if (c->salt_n == 0 || parse_field(stored, c->stored_key, SHA256_SIZE, SHA256_SIZE) == 0 ||
	    parse_field(server, c->server_key, SHA256_SIZE, SHA256_SIZE) == 0)
		return -1;
	return 0;
}

static int
parse_plain(struct span password, struct credential *c)
{
	if (!credential_password_valid(password))
		return -1;
	c->kind = CREDENTIAL_PLAIN;
	c->iterations = CREDENTIAL_ITERATIONS;
	c->password_n = password.n;
	memcpy(c->password, password.at, password.n);
	return 0;
}

int
credential_parse(struct span text, struct credential *c)
{
	static const struct {
		const char *scheme;
		int (*parse)(struct span, struct credential *);
	} schemes[] = {
		{ scram_scheme, parse_scram },
		{ plain_scheme, parse_plain },
	};

	*c = (struct credential){ .kind = CREDENTIAL_NONE };
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t n = strlen(schemes[i].scheme);

		if (span_is_nocase(span_slice(text, 0, n), schemes[i].scheme) &&
		    schemes[i].parse(span_slice(text, n, text.n), c) == 0)
			return 0;
	}
	*c = (struct credential){ .kind = CREDENTIAL_NONE };
	return -1;
}

bool
credential_is_plain(struct span text)
{
	return span_is_nocase(span_slice(text, 0, strlen(plain_scheme)), plain_scheme);
}

int
credential_make(
    struct span password, const uint8_t *salt, size_t salt_n, unsigned iterations, struct buf *out)
{
	struct scram_keys keys;
	size_t before = out->len;
	int failed;

	if (!credential_password_valid(password) || salt_n == 0 || salt_n > CREDENTIAL_SALT ||
	    iterations < CREDENTIAL_ITERATIONS || iterations > CREDENTIAL_MOST_ITERATIONS)
		return -1;
	scram_keys(&keys, password, salt, salt_n, iterations);
	failed = buf_printf(out, "%s%u,", scram_scheme, iterations);
	failed |= base64_encode((struct span){ (const char *)salt, salt_n }, out);
	failed |= buf_add_char(out, ',');
	failed |= base64_encode((struct span){ (const char *)keys.stored, SHA256_SIZE }, out);
	failed |= buf_add_char(out, ',');
	failed |= base64_encode((struct span){ (const char *)keys.server, SHA256_SIZE }, out);
	wipe(&keys, sizeof(keys));
	if (failed != 0)
		buf_cut(out, before);
	return failed;
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
	bool equal = hash_equal(keys.stored, c->stored_key, SHA256_SIZE);
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
credential_scram_keys(
    const struct credential *c, uint8_t stored_key[SHA256_SIZE], uint8_t server_key[SHA256_SIZE])
{
	struct scram_keys keys;

	if (c->kind != CREDENTIAL_PLAIN) {
		memcpy(stored_key, c->stored_key, SHA256_SIZE);
		memcpy(server_key, c->server_key, SHA256_SIZE);
		return;
	}
	scram_keys(&keys, (struct span){ c->password, c->password_n }, c->salt, c->salt_n, c->iterations);
	memcpy(stored_key, keys.stored, SHA256_SIZE);
	memcpy(server_key, keys.server, SHA256_SIZE);
	wipe(&keys, sizeof(keys));
}

#include "scram.h"

#include <string.h>

#include "codec.h"

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

int
scram_take(struct span *text, char attribute, struct span *value)
{
	if (text->n < 2 || text->at[0] != attribute || text->at[1] != '=')
		return -1;
	struct span whole = span_until(*text, ',', text);
	*value = (struct span){ whole.at + 2, whole.n - 2 };
	return 0;
}

int
scram_skip(struct span *text)
{
	struct span value;

	return text->n > 0 && ascii_is_alnum(text->at[0]) ? scram_take(text, text->at[0], &value) : -1;
}

int
scram_take_digest(struct span *text, char attribute, uint8_t digest[SHA256_SIZE])
{
	struct span value;
	struct buf bytes;
	int result = -1;

	if (scram_take(text, attribute, &value) < 0)
		return -1;
	buf_init(&bytes, SHA256_SIZE);
	if (base64_decode(value, &bytes) == 0 && bytes.len == SHA256_SIZE) {
		memcpy(digest, bytes.data, SHA256_SIZE);
		result = 0;
	}
	buf_free(&bytes);
	return result;
}

bool
scram_nonce_valid(struct span nonce)
{
	return span_is_word(nonce) && memchr(nonce.at, ',', nonce.n) == NULL;
}

int
scram_name_encode(struct span name, struct buf *out)
{
	int failed = 0;

	for (size_t i = 0; i < name.n; i++)
		failed |= name.at[i] == ','   ? buf_add_string(out, "=2C")
			  : name.at[i] == '=' ? buf_add_string(out, "=3D")
					      : buf_add_char(out, name.at[i]);
	return failed;
}

int
scram_name_decode(struct span text, struct buf *out)
{
	int failed = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.at[i];

		if (c == '=') {
			struct span escape = span_slice(text, i + 1, i + 3);

			if (span_is_nocase(escape, "2C"))
				c = ',';
			else if (!span_is_nocase(escape, "3D"))
				return -1;
			i += 2;
		}
		failed |= buf_add_char(out, c);
	}
	return failed;
}

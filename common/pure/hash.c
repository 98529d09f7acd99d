#include "hash.h"

#include <string.h>

#include "buf.h"

/* FIPS 180-4 */

static const uint32_t sha256_k[64] = { 0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
	0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb,
	0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624,
	0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb,
	0xbef9a3f7, 0xc67178f2 };

static uint32_t
rotate_right(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static void
sha256_schedule(uint32_t w[64], const uint8_t *block)
{
	for (size_t i = 0; i < 16; i++, block += 4)
		w[i] =
		    (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 | block[3];
	for (size_t i = 16; i < 64; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];
		uint32_t s0 = rotate_right(a, 7) ^ rotate_right(a, 18) ^ a >> 3;
		uint32_t s1 = rotate_right(b, 17) ^ rotate_right(b, 19) ^ b >> 10;

		w[i] = w[i - 16] + s0 + w[i - 7] + s1;
	}
}

static void
sha256_block(uint32_t *state, const uint8_t *block)
{
	uint32_t w[64];
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t e = state[4], f = state[5], g = state[6], h = state[7];

	sha256_schedule(w, block);
	for (unsigned i = 0; i < 64; i++) {
		uint32_t s1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
		uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + sha256_k[i] + w[i];
		uint32_t s0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
		uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));

		h = g;
		g = f;
		f = e;
		e = d + t1;
		d = c;
		c = b;
		b = a;
		a = t1 + t2;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
	state[5] += f;
	state[6] += g;
	state[7] += h;
}

void
sha256_init(struct sha256 *s)
{
	static const struct sha256 start = { .state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
						 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 } };

	*s = start;
}

/* Of either hash, by its function for a block: MD5 uses but four words of the state. */
typedef void hash_block(uint32_t *state, const uint8_t *block);

static void
add(struct sha256 *s, hash_block *take, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	size_t have = s->length % SHA256_BLOCK;

	s->length += n;
	if (have > 0 && n >= SHA256_BLOCK - have) {
		memcpy(s->block + have, p, SHA256_BLOCK - have);
		take(s->state, s->block);
		p += SHA256_BLOCK - have;
		n -= SHA256_BLOCK - have;
		have = 0;
	}
	for (; have == 0 && n >= SHA256_BLOCK; n -= SHA256_BLOCK, p += SHA256_BLOCK)
		take(s->state, p);
	if (n > 0)
		memcpy(s->block + have, p, n);
}

/* A bit, zeros up to the last 8 bytes of a block, and there the length in bits, in the order of bytes that the hash has. */
static void
add_end(struct sha256 *s, hash_block *take, bool big)
{
	static const uint8_t padding[SHA256_BLOCK] = { 0x80 };
	uint64_t bits = s->length * 8;
	uint8_t length[8];

	for (unsigned i = 0; i < 8; i++)
		length[i] = (uint8_t)(bits >> 8 * (big ? 7 - i : i));
	add(s, take, padding, 1 + (119 - s->length % SHA256_BLOCK) % SHA256_BLOCK);
	add(s, take, length, sizeof(length));
}

void
sha256_add(struct sha256 *s, const void *bytes, size_t n)
{
	add(s, sha256_block, bytes, n);
}

void
sha256_end(struct sha256 *s, uint8_t digest[SHA256_SIZE])
{
	add_end(s, sha256_block, true);
	for (unsigned i = 0; i < SHA256_SIZE; i++)
		digest[i] = (uint8_t)(s->state[i / 4] >> 8 * (3 - i % 4));
}

void
sha256(const void *bytes, size_t n, uint8_t digest[SHA256_SIZE])
{
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, bytes, n);
	sha256_end(&s, digest);
	wipe(&s, sizeof(s));
}

/* RFC 2104: the states after the two padded keys, so that PBKDF2 pays for the key once. */
struct hmac {
	struct sha256 inner, outer;
};

static void
hmac_init(struct hmac *h, const void *key, size_t n)
{
	uint8_t pad[SHA256_BLOCK] = { 0 };

	if (n > SHA256_BLOCK)
		sha256(key, n, pad);
	else if (n > 0)
		memcpy(pad, key, n);
	for (unsigned i = 0; i < SHA256_BLOCK; i++)
		pad[i] ^= 0x36;
	sha256_init(&h->inner);
	sha256_add(&h->inner, pad, SHA256_BLOCK);
	for (unsigned i = 0; i < SHA256_BLOCK; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	sha256_init(&h->outer);
	sha256_add(&h->outer, pad, SHA256_BLOCK);
	wipe(pad, sizeof(pad));
}

/* Ends the two states in h. */
static void
hmac_end(struct hmac *h, uint8_t mac[SHA256_SIZE])
{
	sha256_end(&h->inner, mac);
	sha256_add(&h->outer, mac, SHA256_SIZE);
	sha256_end(&h->outer, mac);
}

void
hmac_sha256(const void *key, size_t key_n, const void *bytes, size_t n, uint8_t mac[SHA256_SIZE])
{
	struct hmac h;

	hmac_init(&h, key, key_n);
	sha256_add(&h.inner, bytes, n);
	hmac_end(&h, mac);
	wipe(&h, sizeof(h));
}

void
pbkdf2_sha256(const void *password, size_t password_n, const void *salt, size_t salt_n, unsigned iterations,
    uint8_t key[SHA256_SIZE])
{
	static const uint8_t first_block[4] = { 0, 0, 0, 1 };
	struct hmac keyed, h;
	uint8_t u[SHA256_SIZE];

	hmac_init(&keyed, password, password_n);
	h = keyed;
	sha256_add(&h.inner, salt, salt_n);
	sha256_add(&h.inner, first_block, sizeof(first_block));
	hmac_end(&h, u);
	memcpy(key, u, SHA256_SIZE);
	for (unsigned i = 1; i < iterations; i++) {
		h = keyed;
		sha256_add(&h.inner, u, SHA256_SIZE);
		hmac_end(&h, u);
		for (unsigned j = 0; j < SHA256_SIZE; j++)
			key[j] ^= u[j];
	}
	wipe(&keyed, sizeof(keyed));
	wipe(&h, sizeof(h));
	wipe(u, sizeof(u));
}

/* RFC 1321 */

static const uint32_t md5_t[64] = { 0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a,
	0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193,
	0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453,
	0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8,
	0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9,
	0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5,
	0x1fa27cf8, 0xc4ac5665, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92,
	0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235,
	0x2ad7d2bb, 0xeb86d391 };

/* One of the 64 steps: the function of b, c, d, and which word of the block goes in. */
static uint32_t
md5_mix(size_t i, uint32_t b, uint32_t c, uint32_t d, size_t *word)
{
	switch (i / 16) {
	case 0:
		*word = i;
		return (b & c) | (~b & d);
	case 1:
		*word = (5 * i + 1) % 16;
		return (d & b) | (~d & c);
	case 2:
		*word = (3 * i + 5) % 16;
		return b ^ c ^ d;
	default:
		*word = 7 * i % 16;
		return c ^ (b | ~d);
	}
}

static void
md5_block(uint32_t *state, const uint8_t *block)
{
	static const uint8_t turns[4][4] = { { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 },
		{ 6, 10, 15, 21 } };
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];

	for (size_t i = 0; i < 64; i++) {
		size_t word;
		uint32_t f = md5_mix(i, b, c, d, &word) + a + md5_t[i];
		const uint8_t *p = block + 4 * word;

		f += (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
		a = d;
		d = c;
		c = b;
		b += rotate_right(f, 32u - turns[i / 16][i % 4]);
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
}

void
md5(const void *first, size_t first_n, const void *second, size_t second_n, uint8_t digest[MD5_SIZE])
{
	struct sha256 s = { .state = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 } };

	add(&s, md5_block, first, first_n);
	add(&s, md5_block, second, second_n);
	add_end(&s, md5_block, false);
	for (unsigned i = 0; i < MD5_SIZE; i++)
		digest[i] = (uint8_t)(s.state[i / 4] >> 8 * (i % 4));
	wipe(&s, sizeof(s));
}

/* RFC 1950 9 */

enum { ADLER_BASE = 65521, ADLER_RUN = 5552 /* bytes whose sums cannot overflow 32 bits */ };

uint32_t
adler32(uint32_t sum, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint32_t a = sum & 0xffff, b = sum >> 16;

	while (n > 0) {
		size_t run = n < ADLER_RUN ? n : ADLER_RUN;
		for (n -= run; run > 0; run--) {
			a += *p++;
			b += a;
		}
		a %= ADLER_BASE;
		b %= ADLER_BASE;
	}
	return b << 16 | a;
}

uint32_t
adler32_combine(uint32_t sum_a, uint32_t sum_b, uint64_t length_b)
{
	uint64_t n = length_b % ADLER_BASE;
	uint64_t before = (sum_a & 0xffff) + ADLER_BASE - 1; /* less the 1 that sum_b began with */
	uint64_t a = before + (sum_b & 0xffff);
	uint64_t b = (sum_a >> 16) + (sum_b >> 16) + before * n;

	return (uint32_t)(b % ADLER_BASE << 16 | a % ADLER_BASE);
}

bool
hash_equal(const void *first, const void *second, size_t n)
{
	const volatile uint8_t *a = first, *b = second;
	uint8_t difference = 0;

	for (size_t i = 0; i < n; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

void
hash_hex(const uint8_t *bytes, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

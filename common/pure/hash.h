/*
 * hash: SHA-256 (FIPS 180-4), HMAC (RFC 2104), PBKDF2 (RFC 8018), MD5 (RFC 1321, for APOP alone), Adler-32 (RFC 1950).
 * Pure; never allocates, never fails.
 */
#ifndef HASH_H
#define HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32, SHA256_BLOCK = 64, MD5_SIZE = 16 };

struct sha256 {
	uint32_t state[8];
	uint64_t length; /* bytes so far */
	uint8_t block[SHA256_BLOCK];
};

void sha256_init(struct sha256 *);
void sha256_add(struct sha256 *, const void *, size_t);
void sha256_end(struct sha256 *, uint8_t digest[SHA256_SIZE]);
void sha256(const void *, size_t, uint8_t digest[SHA256_SIZE]);

void hmac_sha256(const void *key, size_t key_n, const void *bytes, size_t n, uint8_t mac[SHA256_SIZE]);

/* One block of output, as SCRAM's Hi() wants it. */
void pbkdf2_sha256(const void *password, size_t password_n, const void *salt, size_t salt_n,
    unsigned iterations, uint8_t key[SHA256_SIZE]);

void md5(const void *first, size_t first_n, const void *second, size_t second_n, uint8_t digest[MD5_SIZE]);

/* Adler-32: start with 1; of a and b, one behind the other, from the two sums and b's length. */
uint32_t adler32(uint32_t sum, const void *, size_t);
uint32_t adler32_combine(uint32_t sum_a, uint32_t sum_b, uint64_t length_b);

/* Does not tell by its time where two secrets differ. */
bool hash_equal(const void *, const void *, size_t);

/* 2n lower-case digits and a NUL. */
void hash_hex(const uint8_t *, size_t n, char *out);

#endif

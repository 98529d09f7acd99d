/*
 * scram: what both sides of SCRAM-SHA-256 (RFC 5802, 7677) and the verifiers in `accounts` have in common. Pure.
 */
#ifndef SCRAM_H
#define SCRAM_H

#include "hash.h"
#include "buf.h"

struct scram_keys {
	uint8_t client[SHA256_SIZE]; /* ClientKey */
	uint8_t stored[SHA256_SIZE]; /* StoredKey, its hash */
	uint8_t server[SHA256_SIZE]; /* ServerKey */
};

/* RFC 5802 3. The caller wipes them. */
void scram_keys(
    struct scram_keys *, struct span password, const uint8_t *salt, size_t salt_n, unsigned iterations);

/* Take "x=value" and the comma behind it off the front of text, which has at == NULL after the last. -1, and text as it was: it is another. */
int scram_take(struct span *text, char attribute, struct span *value);

/* Take off any attribute: for the extensions that are ignored. -1 where there is none. */
int scram_skip(struct span *text);

/* Decode a value of base64 that has exactly SHA256_SIZE bytes. */
int scram_take_digest(struct span *text, char attribute, uint8_t digest[SHA256_SIZE]);

/* Printable, without a comma, not empty. */
bool scram_nonce_valid(struct span);

/* A saslname: comma and equals sign as =2C and =3D. */
int scram_name_encode(struct span name, struct buf *out);
int scram_name_decode(struct span text, struct buf *out);

#endif

/*
 * credential: what stands behind the colon in `accounts`, and the checking of a password against it. Pure.
 *
 *	{SCRAM-SHA-256}4096,SALT,STOREDKEY,SERVERKEY	RFC 5802 3, base64 fields, the form Dovecot writes
 *	{PLAIN}secret					for APOP, which needs the password itself
 */
#ifndef CREDENTIAL_H
#define CREDENTIAL_H

#include "hash.h"
#include "buf.h"

enum {
	CREDENTIAL_SALT = 64,	  /* most bytes of a salt that is read; 16 are written */
	CREDENTIAL_PASSWORD = 255 /* most bytes of a password */
};

enum credential_kind { CREDENTIAL_NONE, CREDENTIAL_SCRAM, CREDENTIAL_PLAIN };

struct credential {
	enum credential_kind kind;
	unsigned iterations;
	size_t salt_n;
	uint8_t salt[CREDENTIAL_SALT];
	uint8_t stored_key[SHA256_SIZE];
	uint8_t server_key[SHA256_SIZE];
	size_t password_n;
	char password[CREDENTIAL_PASSWORD + 1]; /* {PLAIN} alone */
};

/* 0, or -1: malformed, or a scheme that is not known. Iterations from 4096 to 10,000,000. */
int credential_parse(struct span, struct credential *);

/* The text of a SCRAM verifier for a password (1 to CREDENTIAL_PASSWORD bytes, no NUL, CR or LF). -1: no such password, or out is full. */
int credential_make(
    struct span password, const uint8_t *salt, size_t salt_n, unsigned iterations, struct buf *out);

/*
 * For a user who does not exist: kind CREDENTIAL_NONE, with a salt that is always the same for the same name and secret, so that
 * the dialogue looks and lasts like a real one's. No password matches it.
 */
void credential_decoy(struct span user, struct span secret, struct credential *);

/* Does the password match? Takes the time of PBKDF2 for a decoy, too. */
bool credential_verify(const struct credential *, struct span password);

/* RFC 1939 7: digest = MD5(banner, password) in lower-case hex. False for anything but a {PLAIN} credential. */
bool credential_verify_apop(const struct credential *, struct span banner, struct span digest);

/* The keys that SCRAM works with: those of the verifier, or made from a {PLAIN} password and the salt that stands in the struct. */
void credential_scram_keys(
    const struct credential *, uint8_t stored_key[SHA256_SIZE], uint8_t server_key[SHA256_SIZE]);

#endif

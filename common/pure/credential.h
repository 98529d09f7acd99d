/*
 * credential: what stands in `accounts`: a user's name; and behind the colon this, with the checking of a password against it. Pure.
 *
 *	{SCRAM-SHA-256}4096,SALT,STOREDKEY,SERVERKEY	RFC 5802 3, base64 fields, the form Dovecot writes
 *	{PLAIN}secret					for APOP, which needs the password itself
 *
 * SASLprep (RFC 4013) is the identity for ASCII; other passwords pass unchanged, too.
 */
#ifndef CREDENTIAL_H
#define CREDENTIAL_H

#include "hash.h"
#include "buf.h"

enum {
	CREDENTIAL_SALT = 64,	      /* most bytes of a salt that is read */
	CREDENTIAL_SALT_WRITTEN = 16, /* bytes of one that is made */
	CREDENTIAL_PASSWORD = 255,    /* most bytes of a password */
	CREDENTIAL_ITERATIONS = 4096  /* RFC 7677 4: the least that is taken; what is written */
};

/*
 * A user's name: 1 to 64 of a-z 0-9 . _ -, not starting with . or -. `local` may be in any case and carry a "+tag"; the name goes to
 * out in lower case. False where it is none.
 */
enum { ACCOUNT_NAME = 64 };
bool account_name(struct span local, char out[ACCOUNT_NAME + 1]);

struct scram_keys {
	uint8_t client[SHA256_SIZE]; /* ClientKey */
	uint8_t stored[SHA256_SIZE]; /* StoredKey, its hash */
	uint8_t server[SHA256_SIZE]; /* ServerKey */
};

enum credential_kind { CREDENTIAL_NONE, CREDENTIAL_SCRAM, CREDENTIAL_PLAIN };

struct credential {
	enum credential_kind kind;
	unsigned iterations;
	size_t salt_n;
	uint8_t salt[CREDENTIAL_SALT];
	struct scram_keys keys; /* {SCRAM-SHA-256} alone, without the ClientKey */
	size_t password_n;
	char password[CREDENTIAL_PASSWORD + 1]; /* {PLAIN} alone */
};

/* 0, or -1: malformed, or a scheme that is not known. Iterations from 4096 to 10,000,000. {PLAIN} has no salt yet: credential_salt. */
int credential_parse(struct span, struct credential *);

/* Is this the text of a {PLAIN} credential? */
bool credential_is_plain(struct span);

/* May it be a password: 1 to CREDENTIAL_PASSWORD bytes, no NUL, CR or LF? */
bool credential_password_valid(struct span password);

/* The text of a SCRAM verifier. -1: no password, no such salt (1 to CREDENTIAL_SALT bytes) or count, or out is full. */
int credential_make(
    struct span password, const uint8_t *salt, size_t salt_n, unsigned iterations, struct buf *out);

/*
 * Set a {PLAIN} credential's salt for SCRAM, always the same for the same name and secret. The secret must be one: a client is told the
 * salt before it proves anything, so a salt made from the password alone would let it try passwords in peace.
 */
void credential_salt(struct credential *, struct span user, struct span secret);

/*
 * For a user who does not exist: kind CREDENTIAL_NONE, with a salt that is always the same for the same name and secret, so that
 * the dialogue looks and lasts like a real one's. No password matches it.
 */
void credential_decoy(struct span user, struct span secret, struct credential *);

/* Does the password match? Takes the time of PBKDF2 whenever it does not. */
bool credential_verify(const struct credential *, struct span password);

/* RFC 1939 7: digest = MD5(banner, password) in lower-case hex. False for anything but a {PLAIN} credential. */
bool credential_verify_apop(const struct credential *, struct span banner, struct span digest);

/* Those of the verifier (without the ClientKey), or made from a {PLAIN} password and the salt that stands in the struct. The caller wipes them. */
void credential_scram_keys(const struct credential *, struct scram_keys *);

/* What both sides of SCRAM-SHA-256 (RFC 5802, 7677) and the verifiers have in common. */

/* RFC 5802 3. The caller wipes them. */
void scram_keys(
    struct scram_keys *, struct span password, const uint8_t *salt, size_t salt_n, unsigned iterations);
void scram_sign(const uint8_t key[SHA256_SIZE], struct span transcript, uint8_t signature[SHA256_SIZE]);

/* Take "x=value" and the comma behind it off the front of text, which has at == NULL after the last. -1, and text as it was: it is another. */
int scram_take(struct span *text, char attribute, struct span *value);

/* The same for base64 of least to most bytes. How many: 0 where it is none. */
size_t scram_take_bytes(struct span *text, char attribute, uint8_t *out, size_t least, size_t most);

/* Printable, without a comma, not empty. */
bool scram_nonce_valid(struct span);

#endif

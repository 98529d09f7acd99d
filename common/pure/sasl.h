/*
 * sasl: PLAIN (RFC 4616), LOGIN, SCRAM-SHA-256 (RFC 5802, 7677), both sides. Pure: messages in and out are the decoded ones, the
 * protocol around them does the base64.
 */
#ifndef SASL_H
#define SASL_H

#include "credential.h"

enum {
	SASL_NONCE = 18,      /* random bytes a side */
	SASL_NONCE_TEXT = 36, /* most characters made of them */
	SASL_USER = 64,	      /* longest name of a user */
	SASL_MESSAGE = 2048,  /* longest message that is taken */
	SASL_TRANSCRIPT = 4 * SASL_MESSAGE
};

enum sasl_mechanism { SASL_PLAIN, SASL_LOGIN, SASL_SCRAM_SHA_256 };
extern const char *const sasl_names[];

/* Without regard to case; -1 where it is not one of ours. */
int sasl_mechanism(struct span name);

enum sasl_status {
	SASL_CHALLENGE, /* out is to be sent, and the peer's answer given to the next step */
	SASL_LOOKUP,	/* server: `user` is now known; call sasl_server_credential */
	SASL_OK,
	SASL_DENIED,   /* wrong password, or no such user */
	SASL_UNPROVEN, /* client: the server does not prove that it knows the password */
	SASL_MALFORMED
};

struct sasl_server {
	enum sasl_mechanism mechanism;
	int step;
	char user[SASL_USER +
		  1]; /* lower case; the "+tag" is not removed; "" where it is too long: nobody's */
	char nonce[SASL_NONCE_TEXT + 1]; /* our part; a test may set it after init */
	struct buf secret;		 /* the password, or SCRAM's transcript; wiped when freed */
	size_t bare_at;	 /* where client-first-message-bare begins in it, after the gs2-header */
	size_t first_at; /* and server-first-message */
	struct credential credential;
};

/* Base64: what both sides make of fresh random bytes. */
void sasl_nonce(const uint8_t random[SASL_NONCE], char nonce[SASL_NONCE_TEXT + 1]);

/* random: SASL_NONCE fresh random bytes. */
void sasl_server_init(struct sasl_server *, enum sasl_mechanism, const uint8_t random[SASL_NONCE]);
void sasl_server_free(struct sasl_server *);

/* The prompt before the client's first message, if it sent none with its command: "" for PLAIN and SCRAM, "Username:" for LOGIN. */
const char *sasl_server_prompt(const struct sasl_server *);

/* One message of the client. out is cleared first; it should have room for SASL_MESSAGE + 256 bytes. */
enum sasl_status sasl_server_step(struct sasl_server *, struct span message, struct buf *out);

/* After SASL_LOOKUP: the user's credential, or a decoy. Goes on as a step does. */
enum sasl_status sasl_server_credential(struct sasl_server *, const struct credential *, struct buf *out);

struct sasl_client {
	enum sasl_mechanism mechanism;
	int step;
	struct span user, password; /* the caller's; they must outlive this */
	char nonce[SASL_NONCE_TEXT + 1];
	struct buf transcript; /* AuthMessage (RFC 5802 3) */
	uint8_t server_signature[SHA256_SIZE];
};

void sasl_client_init(struct sasl_client *, enum sasl_mechanism, struct span user, struct span password,
    const uint8_t random[SASL_NONCE]);
void sasl_client_free(struct sasl_client *);

/*
 * A challenge of the server; an empty one first, for the message that may go with the command itself: SASL_CHALLENGE with the answer in out (it may be empty), SASL_UNPROVEN, SASL_MALFORMED (also for a nonce that is not ours, and more than 1,000,000 or less than 4096 iterations).
 */
enum sasl_status sasl_client_step(struct sasl_client *, struct span challenge, struct buf *out);

/* When the server says success: may it be believed? For SCRAM only after it proved that it knows the password. */
bool sasl_client_verified(const struct sasl_client *);

/*
 * The whole dialogue of AUTH, in SMTP (RFC 4954) as in POP3 (RFC 5034). SASL_OK; SASL_DENIED: exchange had it; SASL_UNPROVEN; SASL_MALFORMED: the
 * challenges make no sense, or do not end.
 */
struct sasl_login {
	size_t longest; /* bytes of a command: within them the first message goes along */
	/*
	 * A line goes out, `shown` wherever it can be seen, and the server's answer comes: SASL_CHALLENGE, with its text; SASL_OK; or SASL_DENIED
	 * for anything else, which context remembers.
	 */
	enum sasl_status (*exchange)(
	    void *context, const char *shown, struct span line, struct span *challenge);
	void *context;
};
enum sasl_status sasl_client_login(struct sasl_client *, const struct sasl_login *);

#endif

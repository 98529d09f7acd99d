/*
 * sasl: a login by PLAIN (RFC 4616), LOGIN or SCRAM-SHA-256 (RFC 5802, 7677) in base64 lines, as SMTP (RFC 4954) and POP3 (RFC 5034)
 * have it; both sides. Pure.
 */
#ifndef SASL_H
#define SASL_H

#include "credential.h"

enum {
	SASL_NONCE = 18,		  /* random bytes a side */
	SASL_NONCE_TEXT = 2 * SASL_NONCE, /* characters made of them */
	SASL_USER = 64,			  /* longest name of a user */
	SASL_MESSAGE = 2048,		  /* longest message that is taken, decoded */
	SASL_TRANSCRIPT = 4 * SASL_MESSAGE
};

enum sasl_mechanism { SASL_PLAIN, SASL_LOGIN, SASL_SCRAM_SHA_256 };
extern const char *const sasl_names[];

/* Without regard to case; -1 where it is not one of ours. */
int sasl_mechanism(struct span name);

/* The server's side: what a login is checked against. The first argument of each is the context. */
struct exchange_accounts {
	/* SASL_NONCE bytes that nobody can guess. 0, or -1. */
	int (*random)(void *, uint8_t *nonce);

	/*
	 * Whose login is that (any bytes of a peer), and what is that user's credential: a decoy for one that does not exist. user has room
	 * for SASL_USER characters and a NUL. 0, or -1 where accounts can't be read now.
	 */
	int (*credential)(void *, struct span login, char *user, struct credential *);
};

struct exchange {
	const struct exchange_accounts *accounts;
	void *context;
	const char *prompt; /* what stands before a challenge: "334 " */
	bool under_way;	    /* the next line is the client's answer to one */
	enum sasl_mechanism mechanism;
	int step;
	char login[SASL_USER +
		   1]; /* what the peer calls itself, in lower case; "" where it is too long: nobody's */
	char user[SASL_USER + 1];	 /* after EXCHANGE_OK: who it is */
	char nonce[SASL_NONCE_TEXT + 1]; /* our part; a test may set it after exchange_begin */
	struct buf transcript;		 /* SCRAM's; wiped when freed */
	size_t bare_at;	 /* where client-first-message-bare begins in it, after the gs2-header */
	size_t first_at; /* and server-first-message */
	struct credential credential;
};

enum exchange_result {
	EXCHANGE_MORE, /* a challenge, a whole line, was added to out */
	EXCHANGE_OK,
	EXCHANGE_DENIED,     /* wrong password, or no such user */
	EXCHANGE_UNABLE,     /* accounts cannot be read now */
	EXCHANGE_CANCELLED,  /* by the client: "*" */
	EXCHANGE_BAD_BASE64, /* and what else the client says wrong */
	EXCHANGE_BAD_ANSWER
};

/* All pointers are the caller's and must outlive it. */
void exchange_init(struct exchange *, const struct exchange_accounts *, void *context, const char *prompt);

/* initial: the initial response as it came, "=" for one of no bytes; without any, at is NULL. */
enum exchange_result
exchange_begin(struct exchange *, enum sasl_mechanism, struct span initial, struct buf *out);
enum exchange_result exchange_answer(struct exchange *, struct span line, struct buf *out);

/* Break it off, if one is under way, and forget its secrets. */
void exchange_end(struct exchange *);

/* The client's side. */
enum sasl_status {
	SASL_CHALLENGE,
	SASL_OK,
	SASL_DENIED,
	SASL_UNPROVEN, /* the server does not prove that it knows the password: it can't be believed */
	SASL_MALFORMED /* also a nonce that is not ours, more than 1,000,000 or less than 4096 iterations, a challenge too many */
};

struct sasl_client {
	enum sasl_mechanism mechanism;
	int step;
	struct span user, password;	 /* the caller's; they must outlive this */
	char nonce[SASL_NONCE_TEXT + 1]; /* a test may set it after init */
	struct buf transcript;		 /* AuthMessage (RFC 5802 3) */
	uint8_t server_signature[SHA256_SIZE];
};

/* random: SASL_NONCE fresh random bytes. */
void sasl_client_init(struct sasl_client *, enum sasl_mechanism, struct span user, struct span password,
    const uint8_t random[SASL_NONCE]);
void sasl_client_free(struct sasl_client *);

/* A challenge of the server, decoded; an empty one first. SASL_CHALLENGE with the answer in out (it may be empty), SASL_UNPROVEN, SASL_MALFORMED. */
enum sasl_status sasl_client_step(struct sasl_client *, struct span challenge, struct buf *out);

/* When the server says success: may it be believed? For SCRAM only after it proved that it knows the password. */
bool sasl_client_verified(const struct sasl_client *);

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

/* The whole dialogue of AUTH. Never SASL_CHALLENGE; SASL_DENIED: exchange had it. */
enum sasl_status sasl_client_login(struct sasl_client *, const struct sasl_login *);

#endif

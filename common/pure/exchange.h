/*
 * exchange: a login by SASL in base64 lines, the server's side, as SMTP (RFC 4954) and POP3 (RFC 5034) have it. Pure.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include "sasl.h"

/* What a login is checked against. The first argument of each is the context. */
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
	struct sasl_server sasl;
	char user[SASL_USER + 1]; /* after EXCHANGE_OK: who it is */
};

enum exchange_result {
	EXCHANGE_MORE, /* a challenge, a whole line, was added to out */
	EXCHANGE_OK,
	EXCHANGE_DENIED,     /* of sasl.user: what the peer calls itself */
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

#endif

/*
 * session: the server's side of POP3 (RFC 1939, 2449, 3206, 5034, 6856) as a machine that turns bytes into bytes. Pure: of
 * accounts, mail and logs it knows what struct pop3_backend tells it.
 */
#ifndef SESSION_H
#define SESSION_H

#include "line.h"
#include "protocol.h"
#include "sasl.h"

/* How a maildrop answered, as the response codes of RFC 2449 8.1 and RFC 3206 4 tell it. */
enum drop_status {
	DROP_OK,
	DROP_IN_USE, /* another session has it */
	DROP_TEMP,   /* try again later */
	DROP_PERM    /* somebody must repair something first */
};

/* An event for the log. What is NULL or empty has no meaning for it. */
struct note {
	const char *event;
	struct span user; /* as the peer wrote it */
	const char *method, *uidl, *reason;
	const char *counted; /* what there are `number` of */
	uint64_t number;
};

/* The first argument of each is the context given to session_init. Messages are numbered from 0. */
struct pop3_backend {
	/* SASL_NONCE bytes that nobody can guess. 0, or -1. */
	int (*random)(void *, uint8_t *nonce);

	/*
	 * Whose login is that (any bytes of a peer), and what is that user's credential: a decoy for one that does not exist. user has room
	 * for SASL_USER characters and a NUL. 0, or -1 where accounts can't be read now.
	 */
	int (*credential)(void *, struct span login, char *user, struct credential *);

	/*
	 * The maildrop of a user who has logged in; close it in every case. Where the status isn't DROP_OK, here and below, a
	 * sentence that says why is added to reason.
	 */
	enum drop_status (*open)(void *, const char *user, struct buf *reason);
	void (*close)(void *); /* also one that is closed */

	size_t (*count)(void *);
	uint64_t (*octets)(void *, size_t message); /* what RETR sends, dots not stuffed */
	const char *(*uidl)(void *, size_t message);
	uint64_t (*total)(void *); /* octets of all messages */

	/* One message at a time. lines of the body, -1 for all. read adds CRLF lines with dots stuffed, `limit` bytes or somewhat more. */
	enum drop_status (*read_begin)(void *, size_t message, long lines, struct buf *reason);
	enum drop_status (*read)(void *, size_t limit, struct buf *out, bool *done, struct buf *reason);

	/* All or none, durably. */
	enum drop_status (*expunge)(
	    void *, bool (*deleted)(const void *, size_t message), const void *, struct buf *reason);

	void (*log)(void *, const struct note *);
};

struct session_settings {
	const char *hostname;  /* for the greeting */
	const char *timestamp; /* <…@…>, RFC 1939 7: APOP is offered; NULL: it is not */
	bool cleartext;	       /* a password may cross this connection as it is */
};

enum session_state {
	AUTHORIZATION = 1,
	TRANSACTION = 2
}; /* RFC 1939 3; a set of them in the command table */

struct session {
	const struct pop3_backend *backend;
	void *context;
	struct session_settings settings;
	enum session_state state;
	struct line line;
	int errors;

	struct buf login; /* of USER, until PASS */
	bool exchanging;  /* lines are answers to challenges of sasl */
	struct sasl_server sasl;
	char user[SASL_USER + 1];

	uint8_t *marks; /* a bit a message that is deleted; NULL while none is */
	size_t deleted; /* messages and octets, in all */
	uint64_t deleted_octets;

	/* The multi-line reply that is under way: what says more of it, NULL where there is none, and where that is. */
	enum event (*more)(struct session *, struct buf *);
	void (*item)(struct session *, size_t message, struct buf *);
	size_t message;
};

/* All pointers are the caller's and must outlive the session. session_free closes the maildrop; nothing is deleted. */
void
session_init(struct session *, const struct pop3_backend *, void *context, const struct session_settings *);
void session_free(struct session *);

extern const struct protocol session_protocol;

#endif

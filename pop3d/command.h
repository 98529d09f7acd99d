/*
 * command: what the commands of POP3 work on and answer with: the session, the argument, an -ERR. Pure. auth.h and transaction.h
 * have the commands, session.h has the table of them.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include "backend.h"
#include "line.h"
#include "protocol.h"

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
	const struct backend *backend;
	void *context;
	struct session_settings settings;
	enum session_state state;
	struct line line;
	int errors;

	struct buf login; /* of USER, until PASS */
	struct exchange exchange;
	char user[SASL_USER + 1];

	uint8_t *marks; /* a bit a message that is deleted; NULL while none is */
	size_t deleted; /* messages and octets, in all */
	uint64_t deleted_octets;

	/* The multi-line reply that is under way: what says more of it, NULL where there is none, and where that is. */
	enum event (*more)(struct session *, struct buf *);
	void (*item)(struct session *, size_t message, struct buf *);
	size_t message;
};

struct argument {
	struct span text; /* all that follows the word and a blank */
	size_t message;	  /* from 0; where the command needs MESSAGE */
	long lines;	  /* where it needs LINES */
};

/* A command: appends its reply, and says what comes next. */
typedef enum event command(struct session *, const struct argument *, struct buf *out);

/* "-ERR …". The session ends where there were too many errors; else it goes on. */
enum event command_refuse(struct session *, const char *text, struct buf *out);

/* The same for what the backend (whose status isn't BACKEND_OK) gives a reason for. */
enum event command_refuse_status(
    struct session *, enum backend_status, const char *what, struct buf *reason, struct buf *out);

/* The s of messages, where there isn't one. */
const char *command_plural(size_t messages);

/* For the log: the event with the user of this session; the rest is the caller's to fill in. */
struct backend_note command_note(const struct session *, const char *event);

#endif

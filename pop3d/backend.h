/*
 * backend: what the session asks for: accounts, mail and the log, behind functions. Pure. mailboxes.h answers from a mail root, the
 * unit tests from memory.
 */
#ifndef BACKEND_H
#define BACKEND_H

#include "sasl.h"

/* How a maildrop answered, as the response codes of RFC 2449 8.1 and RFC 3206 4 tell it. */
enum backend_status {
	BACKEND_OK,
	BACKEND_IN_USE, /* another session has it */
	BACKEND_TEMP,	/* try again later */
	BACKEND_PERM	/* somebody must repair something first */
};

/* An event for the log. What is NULL or empty has no meaning for it. */
struct backend_note {
	const char *event;
	struct span user; /* as the peer wrote it */
	const char *method, *uidl, *reason;
	const char *counted; /* what there are `number` of */
	uint64_t number;
};

/* The first argument of each is the context that the session was given. Messages are numbered from 0. */
struct backend {
	struct exchange_accounts accounts;

	/*
	 * The maildrop of a user who has logged in; close it in every case. Where the status isn't BACKEND_OK, here and below, a
	 * sentence that says why is added to reason.
	 */
	enum backend_status (*open)(void *, const char *user, struct buf *reason);
	void (*close)(void *); /* also one that is closed */

	size_t (*count)(void *);
	uint64_t (*octets)(void *, size_t message); /* what RETR sends, dots not stuffed */
	const char *(*uidl)(void *, size_t message);
	uint64_t (*total)(void *); /* octets of all messages */

	/* One message at a time. lines of the body, -1 for all. read adds CRLF lines with dots stuffed, `limit` bytes or somewhat more. */
	enum backend_status (*read_begin)(void *, size_t message, long lines, struct buf *reason);
	enum backend_status (*read)(void *, size_t limit, struct buf *out, bool *done, struct buf *reason);

	/* All or none, durably. */
	enum backend_status (*expunge)(
	    void *, bool (*deleted)(const void *, size_t message), const void *, struct buf *reason);

	void (*log)(void *, const struct backend_note *);
};

#endif

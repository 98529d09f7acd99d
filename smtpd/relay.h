/*
 * relay: one conversation with one next hop (RFC 5321 5.1): its addresses one after the other, then message after message over the one
 * connection. Blocks; runs in a worker of the runner.
 */
#ifndef RELAY_H
#define RELAY_H

#include "config.h"
#include "kept.h"
#include "queue.h"
#include "smtp_client.h"

/* Where the mail for a domain goes today: of the file `routes`, else of the DNS. */
struct relay_target {
	struct span domain; /* of the recipients */
	int root;	    /* descriptor of the mail root */
	const struct kept *routes;
	const struct config *config;

	/* Is told each step, as by struct rcpt_rules. May be NULL. */
	void (*tell)(void *context, struct span what, const char *is, struct span whom);
	void *context;
};

enum relay_verdict { RELAY_DONE, RELAY_LATER, RELAY_FAILED };

/* What a try came to for one recipient. Zeroed before its first use; free the reply. */
struct relay_result {
	enum relay_verdict verdict;
	bool told;		  /* RELAY_DONE: the next hop took over RFC 3461's duties */
	char status[8];		  /* RFC 3463, "4.4.1"; of the reply where that has one */
	char uidl[MBOX_UIDL + 1]; /* of a delivery to a mailbox here */
	char host[256];		  /* who said so: the remote server's name; empty: we did */
	struct buf reply;	  /* the reply verbatim, its lines parted by LF, or what was wrong in words */
};

struct relay; /* a session with a next hop */

/*
 * Find the next hop and open a session with it. NULL: there is none now, and *result says what that means for every recipient of the
 * domain: RELAY_LATER, or RELAY_FAILED (NXDOMAIN, null MX, a loop). *busy: the host has as many connections of ours as it should; nothing
 * was tried.
 */
struct relay *relay_open(const struct relay_target *, struct relay_result *result, bool *busy);

enum relay_session {
	RELAY_STANDS,
	RELAY_OVER,
	RELAY_STALE /* it was over before this: the server had ended it since the last message; nothing was tried */
};

/* Send it to n of its recipients, who are of this destination; results: n of them. What became of the session. */
enum relay_session
relay_send(struct relay *, struct queue_entry *, const size_t *which, size_t n, struct relay_result *results);

/* QUIT, and free. */
void relay_close(struct relay *);

#endif

/*
 * delivery: what the session's transactions come to: the recipients of an envelope, the spooled content, and the one promise behind
 * the 250, that each of their mailboxes, or else the queue, has it for good. Touches the mail root alone.
 */
#ifndef DELIVERY_H
#define DELIVERY_H

#include "aliases.h"
#include "bounds.h"
#include "maildrop.h"
#include "queue_message.h"
#include "rcpt.h"
#include "server.h"
#include "session.h"
#include "spool.h"

/* Mailboxes open at once, three descriptors each. More than so many users get a message by way of the queue, which costs one sync. */
enum { DELIVERY_OPEN = 32 };

/* A user here (queued.mailbox), or an address elsewhere. */
struct recipient {
	struct queue_recipient queued; /* as the queue would have it */
	struct buf text;	       /* what that points into */
	char user[ACCOUNT_NAME + 1];
	size_t drop; /* which of the mailboxes that are open */
	bool waits;  /* gets it by way of the queue */
};

struct delivery {
	const struct config *config;
	const struct session_info *info;
	struct kept *aliases;
	int root; /* descriptor of the mail root */
	int wake; /* as wake_runner */
	struct recipient *to;
	size_t n, here; /* all of them; the users */
	struct maildrop
	    *drops; /* `open` of them, at most DELIVERY_OPEN: of the first users, or of earlier ones */
	size_t open;
	struct spool spool;
	struct buf sole;  /* the path of the RCPT, as long as there is one alone */
	char answer[128]; /* the text of the last 250 */

	/* As in struct rcpt_rules; NULL after delivery_init. */
	void (*tell)(void *context, struct span what, const char *is, struct span whom);
};

/* All of them stay the caller's. */
void delivery_init(
    struct delivery *, const struct config *, const struct session_info *, struct kept *, int root, int wake);
void delivery_free(struct delivery *);

/* What is said of a mailbox. */
struct reply delivery_reply(enum maildrop_status);

/* Its world is a struct delivery. */
extern const struct backend delivery_backend;

#endif

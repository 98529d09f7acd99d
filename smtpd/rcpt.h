/*
 * rcpt: who gets what is sent to an address: local domains, aliases, accounts, and who is elsewhere. What is wrong with an
 * alias is logged, unless each step is told.
 */
#ifndef RCPT_H
#define RCPT_H

#include "account.h"
#include "address.h"
#include "config.h"
#include "kept.h"
#include "net.h"
#include "queue_message.h"
#include "session.h"

struct rcpt_rules {
	const struct config *config;
	const struct peer *here; /* our end of the connection: its address literal is local */
	int root;		 /* descriptor of the mail root */
	struct kept *aliases;	 /* read afresh */
	bool trusted;		 /* who asks may send elsewhere */

	/* Is told each step: `what` (of a peer, or of the postmaster), what is so with it, and with whom (or empty). May be NULL. */
	void (*tell)(void *context, struct span what, const char *is, struct span whom);
	void *context;
};

enum { ALIASES_TEXT = 1024 * 1024 }; /* bytes of the file `aliases`: some 20,000 of them */

/* As kept_refresh, for that file; that it cannot be read is logged, and so is what is malformed in it. 0 or -1. */
int rcpt_refresh(struct kept *aliases, int root);

/* One address leads to so many aliases, users and addresses elsewhere at most. */
enum { RCPT_STEPS = 1000 };

/* Who gets a copy: a user here (queued.mailbox), or an address elsewhere. */
struct recipient {
	struct queue_recipient queued; /* as the queue would have it */
	struct buf text;	       /* what that points into */
	char user[ACCOUNT_NAME + 1];   /* in lower case; "" elsewhere */

	/* For delivery.c. */
	size_t drop; /* which of the mailboxes that are open */
	bool waits;  /* gets it by way of the queue */
};

/* Each once. A zeroed one is empty. */
struct rcpt_list {
	struct recipient *to;
	size_t n;
};

/* Only the first n are left. */
void rcpt_list_cut(struct rcpt_list *, size_t n);

/*
 * The reply to RCPT; with a 2xx, all who get a copy are in the list, behind those who were there. An address elsewhere that an alias of ours
 * leads to has an owner: owner-ALIAS@…, if there is that alias, else "postmaster".
 */
struct reply
rcpt_resolve(const struct rcpt_rules *, const struct path *, const struct dsn_request *, struct rcpt_list *);

#endif

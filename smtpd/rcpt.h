/*
 * rcpt: who gets what is sent to an address: local domains, aliases, accounts, and who is elsewhere. What is wrong with an alias is logged, unless each step is told.
 */
#ifndef RCPT_H
#define RCPT_H

#include "account.h"
#include "address.h"
#include "config.h"
#include "net.h"
#include "session.h"

struct rcpt_rules {
	const struct config *config;
	const struct peer *here; /* our end of the connection: its address literal is local */
	int root;		 /* descriptor of the mail root */
	struct span aliases;	 /* the text: alias.h */
	bool trusted;		 /* who asks may send elsewhere */

	/* Is told each step: `what` (of a peer, or of the postmaster), what is so with it, and with whom (or empty). May be NULL. */
	void (*tell)(void *context, struct span what, const char *is, struct span whom);
	void *context;
};

/* One address leads to so many aliases, users and addresses elsewhere at most. */
enum { RCPT_STEPS = 1000 };

/* What an address comes to. */
struct rcpt_list {
	struct buf users;   /* each once, in lower case, with a NUL behind each */
	struct buf foreign; /* addresses elsewhere, each once: address, NUL, owner, NUL */
};

void rcpt_list_init(struct rcpt_list *);
void rcpt_list_free(struct rcpt_list *);

/*
 * The next of the addresses elsewhere: *rest is that of `foreign` at the start. owner: who is told in the sender's place that it failed, as an
 * alias of ours led there: owner-ALIAS@…, if there is that alias, else "postmaster"; empty: the sender is. False: that was all.
 */
bool rcpt_next_foreign(struct span *rest, struct span *address, struct span *owner);

/* The reply to RCPT; with a 2xx, who gets a copy (the list is emptied first). */
struct reply rcpt_resolve(const struct rcpt_rules *, const struct path *, struct rcpt_list *);

#endif

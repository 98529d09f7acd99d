/*
 * rcpt: who gets what is sent to an address: local domains, aliases, accounts. What is wrong with an alias is logged.
 */
#ifndef RCPT_H
#define RCPT_H

#include "account.h"
#include "address.h"
#include "config.h"
#include "net.h"
#include "reply.h"

struct rcpt_rules {
	const struct config *config;
	const struct peer *here; /* our end of the connection: its address literal is local */
	int root;		 /* descriptor of the mail root */
	struct span aliases;	 /* the text: alias.h */
};

/* One address leads to so many aliases and users at most. */
enum { RCPT_STEPS = 1000 };

/* Users, each once, in lower case, with a NUL behind each. */
enum { RCPT_USERS = RCPT_STEPS * (ACCOUNT_NAME + 1) };

/* The reply to RCPT; with a 2xx, users are those who get a copy (it is emptied first). */
struct reply rcpt_resolve(const struct rcpt_rules *, const struct path *, struct buf *users);

#endif

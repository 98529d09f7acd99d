/*
 * delivery: what the session's transactions come to: the users of an envelope, the spooled content, and the one promise behind
 * the 250, that each of their mailboxes has it for good. Touches the mail root alone.
 */
#ifndef DELIVERY_H
#define DELIVERY_H

#include "aliases.h"
#include "bounds.h"
#include "maildrop.h"
#include "rcpt.h"
#include "server.h"
#include "session.h"
#include "spool.h"

/* Mailboxes open at once, three descriptors each. */
enum { DELIVERY_OPEN = 32 };

struct addressee {
	char user[ACCOUNT_NAME + 1];
	char domain[SMTP_DOMAIN + 1]; /* of the RCPT, for Delivered-To */
};

struct delivery {
	const struct config *config;
	const struct session_info *info;
	struct aliases *aliases;
	int root; /* descriptor of the mail root */
	struct addressee *to;
	size_t n;
	struct maildrop
	    *drops; /* `open` of them, at most DELIVERY_OPEN: of the first addressees, or of earlier ones */
	size_t open;
	struct spool spool;
	struct buf sole;  /* the path of the RCPT, as long as there is one alone */
	char answer[128]; /* the text of the last 250 */

	/* As in struct rcpt_rules; NULL after delivery_init. */
	void (*tell)(void *context, struct span what, const char *is, struct span whom);
};

/* The four stay the caller's. */
void delivery_init(
    struct delivery *, const struct config *, const struct session_info *, struct aliases *, int root);
void delivery_free(struct delivery *);

/* Its world is a struct delivery. */
extern const struct backend delivery_backend;

#endif

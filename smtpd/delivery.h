/*
 * delivery: what the session's transactions come to: the recipients of an envelope, the spooled content, and the one promise behind
 * the 250, that each of their mailboxes, or else the queue, has it for good. Touches the mail root alone.
 */
#ifndef DELIVERY_H
#define DELIVERY_H

#include "bounds.h"
#include "maildrop.h"
#include "rcpt.h"
#include "server.h"

/* Mailboxes open at once, three descriptors each. More than so many users get a message by way of the queue, which costs one sync. */
enum { DELIVERY_OPEN = 32 };

struct delivery {
	const struct config *config;
	const struct session_info *info;
	struct kept *aliases;
	int root; /* descriptor of the mail root */
	int wake; /* as queue_wake */
	struct rcpt_list list;
	size_t here; /* how many of them are users */
	struct maildrop
	    *drops; /* `open` of them, at most DELIVERY_OPEN + 1: of the first users, or of earlier ones */
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

/* Is there a place for so many bytes for recipient i? What is broken is refused here, at RCPT, not after the message. */
struct reply delivery_try(struct delivery *, size_t i, uint64_t bytes);

/* Only the first n recipients are left. */
void delivery_cut(struct delivery *, size_t n);

/* For struct backend; the world is a struct delivery. */
void delivery_add(void *world, struct span content);
struct reply delivery_finish(void *world, const struct envelope *);
void delivery_forget(void *world);

/* What is said of a mailbox. */
struct reply delivery_reply(enum maildrop_status);

#endif

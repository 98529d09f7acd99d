/*
 * bounce: what a sender is told about the mail that went through the queue: a delivery status notification (RFC 3464) is a report
 * (RFC 6522) that has a text for people, fields for programs, and the message it is about or its header; where that one was sent with
 * SMTPUTF8, in the forms of RFC 6533. What a peer or a sender wrote is bounded, folded, and cannot be taken for ours.
 */
#ifndef BOUNCE_H
#define BOUNCE_H

#include "queue_message.h"

enum {
	BOUNCE_PIECE = 256 * 1024, /* most bytes of a piece, but for the original */
	BOUNCE_ORIGINAL =
	    128 * 1024 /* of a header or a message that goes back; of a larger one the header does */
};

enum bounce_action { BOUNCE_FAILED, BOUNCE_DELAYED, BOUNCE_RELAYED, BOUNCE_DELIVERED };

/* Whether, by NOTIFY and by the kind of message, anybody is told of this, and who: empty for nobody, else local@domain or "postmaster". */
struct span bounce_to(const struct queue_message *, const struct queue_recipient *, enum bounce_action);

/* A recipient to be told about. */
struct bounce_recipient {
	const struct queue_recipient *recipient;
	const char *status; /* RFC 3463 */
	const char *host;   /* who said `recipient->reply`, a host's name or address; "": we did */
};

struct bounce_notice {
	const char *hostname;
	const char *id; /* of the notice itself; the boundary is made of it */
	int64_t now;	/* seconds since 1970 */
	int zone;	/* minutes east */
	int64_t expires;
	struct span to; /* local@domain, or "postmaster" */
	enum bounce_action action;
	const struct queue_message *about;
	const struct bounce_recipient *recipients;
	size_t recipients_n;
};

/* A piece, which is to be cleared. What it lacks for want of memory it says (failed). */
typedef void bounce_put(void *context, struct buf *piece);

/* The whole notice, CRLF lines, piece by piece. original: the message it is about, all or the first of it. Pure. */
void bounce_text(const struct bounce_notice *, struct span original, bool all, bounce_put *, void *context);

/* The same about an entry of the queue, into a spool that is then finished. It needs what the original needs: utf8, eight_bit. 0, or -1 with errno. */
struct queue_entry;
struct spool;
int bounce_write(const struct bounce_notice *, struct queue_entry *, struct spool *body);

#endif

/*
 * bounce_text: the pieces of a delivery status notification (RFC 3464): a report (RFC 6522) that has a text for people, fields for
 * programs, and the message it is about or its header; where that one was sent with SMTPUTF8, in the forms of RFC 6533. Pure. CRLF line ends.
 * What a peer or a sender wrote is bounded, folded, and cannot be taken for ours.
 */
#ifndef BOUNCE_TEXT_H
#define BOUNCE_TEXT_H

#include "queue_message.h"

enum {
	BOUNCE_PIECE = 256 * 1024, /* bytes that each function adds at the most, but for the original */
	BOUNCE_ORIGINAL =
	    128 * 1024 /* a header, or a whole message, that goes back; of a larger one the header */
};

enum bounce_action { BOUNCE_FAILED, BOUNCE_DELAYED, BOUNCE_RELAYED, BOUNCE_DELIVERED };

/* A recipient to be told about. */
struct bounce_recipient {
	const struct queue_recipient *recipient;
	enum bounce_action action;
	const char *status; /* RFC 3463 */
	const char *host;   /* who said `recipient->reply`; "": we did */
};

/* Whether, by NOTIFY and by the kind of message, anybody is told of this, and who: empty for nobody, else local@domain or "postmaster". */
struct span bounce_to(const struct queue_message *, const struct queue_recipient *, enum bounce_action);

struct bounce_notice {
	const char *hostname;
	const char *id; /* of the notice itself; the boundary is made of it */
	int64_t now;	/* seconds since 1970 */
	int zone;	/* minutes east */
	int64_t expires;
	struct span to; /* local@domain, or "postmaster" */
	const struct queue_message *about;
	struct span subject; /* as it stands in its header; empty: none */
};

/* The header of the notice, and the beginning of its text. worst: the first of the actions that there is. eight_bit: the original has some. */
void
bounce_text_begin(const struct bounce_notice *, enum bounce_action worst, bool eight_bit, struct buf *out);

/* The line that goes before the recipients with this action; one of these recipients; the end of the text. */
void bounce_text_action(const struct bounce_notice *, enum bounce_action, struct buf *out);
void bounce_text_recipient(const struct bounce_recipient *, struct buf *out);
void bounce_text_end(const struct bounce_notice *, bool whole, struct buf *out);

/* message/delivery-status: the fields of the message, which begin the part, and those of a recipient. */
void bounce_text_message_fields(const struct bounce_notice *, struct buf *out);
void
bounce_text_recipient_fields(const struct bounce_notice *, const struct bounce_recipient *, struct buf *out);

/* May the message go back as it is: whole, with no line that is too long, no NUL, no bare CR or LF, and nothing that could be taken for our boundary? */
bool bounce_text_is_plain(const struct bounce_notice *, struct span original);

/* The last part: the original, whole if `whole` (it must be plain), or its header, and the end of the report. */
void bounce_text_original(const struct bounce_notice *, struct span original, bool whole, struct buf *out);

#endif

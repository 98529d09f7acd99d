/*
 * reply: what an SMTP server answers (RFC 5321 4.2), with its enhanced status code (RFC 3463). Pure.
 */
#ifndef REPLY_H
#define REPLY_H

#include "protocol.h"

struct session;

struct reply {
	int code;	    /* 220 to 555; 0: none, nothing is wrong */
	const char *status; /* "2.1.0"; NULL for a reply that has none */
	const char *text;   /* one line of printable ASCII, a literal unless who gives it says otherwise */
};

/* Append it to out; a refusal is logged, and counted where the peer is to blame. EVENT_INPUT. */
enum event reply_say(struct session *, struct reply, struct buf *out);

/* The same without log and count, for what is said often. */
enum event reply_repeat(struct reply, struct buf *out);

#endif

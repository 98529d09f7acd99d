/*
 * trace: the header fields that a server puts before a message (RFC 5321 4.4), as they are stored: LF line ends. Pure.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stdint.h>

#include "buf.h"

enum { TRACE_FIELDS = 8 * 1024 }; /* bytes: more than all three fields together ever have */

struct trace {
	struct span helo;     /* from a peer; what could break the field is replaced */
	const char *client;   /* an address literal, or a word in its place */
	const char *hostname; /* ours */
	const char *with;     /* ESMTP, … */
	const char *id;
	struct span recipient; /* of a path; empty: not told */
	int64_t now;	       /* seconds since 1970 */
	int zone;	       /* minutes east */
};

/* Received. 0, or -1 where out is full. */
int trace_received(const struct trace *, struct buf *out);

/* What a mail program has left out (RFC 6409 8). 0, or -1 where out is full. */
int trace_date(const struct trace *, struct buf *out);
int trace_message_id(const struct trace *, struct buf *out);

/* Return-Path (empty: the null one) and Delivered-To. 0, or -1 where out is full. */
int trace_delivered(struct span sender, struct span user, struct span domain, struct buf *out);

#endif

/*
 * hops: counts the Received: fields of a message while it streams by (RFC 5321 6.3), fed at any cut. Pure.
 */
#ifndef HOPS_H
#define HOPS_H

#include "span.h"

enum hops_place {
	HOPS_NAME, /* zeroed = at the start of the message */
	HOPS_LINE, /* the rest of a line */
	HOPS_BODY  /* nothing behind the header counts */
};

struct hops {
	enum hops_place place;
	size_t matched; /* characters of the line that are so far those of the name */
	int received;	/* fields seen so far */
};

/* content: the next CRLF lines, or any part of them. */
void hops_push(struct hops *, struct span content);

#endif

/*
 * header: which fields a message has, seen while it streams by, fed at any cut. Pure.
 */
#ifndef HEADER_H
#define HEADER_H

#include "span.h"

enum header_place {
	HEADER_NAME, /* zeroed = at the start of the message */
	HEADER_LINE, /* the rest of a line */
	HEADER_BODY  /* nothing behind the header counts */
};

struct header {
	enum header_place place;
	char name[sizeof "message-id"]; /* of the line so far, in lower case */
	size_t n;
	bool blank; /* behind it */

	int received; /* fields so far; RFC 5321 6.3: loops are found by counting them */
	bool date, message_id;
};

/* content: the next CRLF lines, or any part of them. */
void header_push(struct header *, struct span content);

#endif

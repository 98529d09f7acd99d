/*
 * message: RFC 5322 header fields; with date.h and words.h all that stands in them. Pure. Takes LF and CRLF line ends alike.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "buf.h"
#include "date.h"
#include "words.h"

struct field {
	struct span name;  /* without the colon */
	struct span value; /* folded as it stands behind the colon, the last line end not included */
	struct span whole; /* with its line end */
};

/* The next field of a header. True while there is one; at the empty line or the end: false, and *rest is the body. A line that is no field
 * ends the header as the empty line does; but the From_ line of an mbox, which strays into many a header, is passed over. */
bool field_next(struct span *rest, struct field *);

/* The first field of that name in the header at the start of message. */
bool field_find(struct span message, const char *name, struct field *);

#endif

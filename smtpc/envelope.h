/*
 * envelope: who gets the message, each once, and how their addresses look in the header. Pure.
 */
#ifndef ENVELOPE_H
#define ENVELOPE_H

#include "address.h"

struct envelope {
	char **recipients; /* local@domain */
	size_t n;
	bool utf8; /* one of them has bytes above 0x7f */
};

void envelope_free(struct envelope *);

/*
 * All addresses of an RFC 5322 list. They go to the envelope, unless they are there (local parts the same, domains without regard to case), and, where
 * field is not NULL, behind what stands in it, as the value of a header field whose name takes `column` characters. How many they are (0: *reason says
 * so), or -1 with a sentence in *reason.
 */
int
envelope_add_list(struct envelope *, struct span list, size_t column, struct buf *field, const char **reason);

/* The one address of a text, and the whole as a header field has it (field may be NULL). 0, or -1 with a sentence in *reason. */
int
envelope_one(struct span text, size_t column, struct buf *address, struct buf *field, const char **reason);

#endif

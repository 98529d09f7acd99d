/*
 * draft: the text that comes from standard input, of any size.
 */
#ifndef DRAFT_H
#define DRAFT_H

#include "content.h"
#include "scratch.h"

struct draft {
	struct scratch text;
	struct content content; /* what it is like */
};

void draft_init(struct draft *);
void draft_free(struct draft *);

/* More of it; the end. 0, or -1 with errno. */
int draft_add(struct draft *, struct span);
int draft_finish(struct draft *);

enum draft_input {
	DRAFT_AS_IS,   /* to the end of the file, byte by byte as it is */
	DRAFT_MESSAGE, /* to the end of the file, with CRLF line ends */
	DRAFT_DOT      /* the same, or to a line of a single dot */
};

/* All that fd has. 0; 1: a DRAFT_DOT ended without a dot; or -1 with errno: text.error, where it was not the input that failed. */
int draft_read(struct draft *, int fd, enum draft_input);

#endif

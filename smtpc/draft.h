/*
 * draft: the text that comes from standard input, of any size: in memory, past SPOOL_MEMORY (bounds.h) in an unlinked temporary file
 * in $TMPDIR.
 */
#ifndef DRAFT_H
#define DRAFT_H

#include <sys/types.h>

#include "content.h"

struct draft {
	struct buf memory; /* all of it while file is -1, else what is not written yet */
	int file;
	struct content content;
	bool unwritten; /* what failed was the file, not the input */
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

/* All that fd has. 0; 1: a DRAFT_DOT ended without a dot; or -1 with errno. */
int draft_read(struct draft *, int fd, enum draft_input);

/* At most n bytes of the finished draft, from an offset. How many, or -1 with errno. */
ssize_t draft_at(const struct draft *, uint64_t offset, char *bytes, size_t n);

#endif

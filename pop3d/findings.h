/*
 * findings: what is wrong with a mailbox, in words, a line each, and counted.
 */
#ifndef FINDINGS_H
#define FINDINGS_H

#include <stdio.h>

#include "checkup.h"

struct findings {
	const char *name; /* of the mailbox; stands before each line */
	bool repairing;	  /* say what is done about it, too */
	size_t wrong;	  /* all that is to be repaired */
	size_t messages, torn, stale;
	size_t rewritten; /* messages by a mail reader */
	size_t dead;	  /* expunged, and not cut out yet */
	uint64_t unquoted;
	struct buf text;
};

void findings_init(struct findings *, const char *name);
void findings_free(struct findings *);

/* A line, which is nothing wrong; something wrong, and what is done about it. */
void findings_say(struct findings *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void findings_wrong(struct findings *, const char *what, const char *done);

/* A part of the mailbox, as inspect and repair_mailbox give it to a struct findings; 0. Locks and redo file; the line with the counts. */
int findings_add(void *findings, const struct inspect_part *);
void findings_surroundings(struct findings *, const struct checkup *);
void findings_sum_up(struct findings *);

/* 0, or -1 with errno. */
int findings_print(struct findings *, FILE *);

#endif

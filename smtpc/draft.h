/*
 * draft: the text that comes from standard input, of any size.
 */
#ifndef DRAFT_H
#define DRAFT_H

#include "body.h"
#include "scratch.h"

struct draft {
	struct scratch given, lines; /* as it came; the same with CRLF line ends */
	struct span text;	     /* the lines; what is no text, as it came */
	struct content content;	     /* what it is like */
	bool dot;		     /* it ended with a line of a single dot */
};

/*
 * Read it up to its end or, where that ends it, to a line of a single dot. -1, or an exit status after a line on standard error. Free with draft_free,
 * which takes a zeroed one, too.
 */
int draft_read(struct draft *, bool to_dot);
void draft_free(struct draft *);

/* Standard input cannot be read: an exit status, and why on standard error. */
int draft_unread(void);

#endif

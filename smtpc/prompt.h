/*
 * prompt: the questions of smtpc on a terminal: From, To, Subject, and the text to a line of a single dot.
 */
#ifndef PROMPT_H
#define PROMPT_H

#include "draft.h"
#include "envelope.h"

/* What names a message, asked for or given. */
struct names {
	struct buf sender;	 /* the address */
	struct buf from, to, cc; /* values of fields */
	struct buf subject;	 /* UTF-8 */
};

void names_init(struct names *);
void names_free(struct names *);

/*
 * Asks on standard error, reads standard input. An address that is malformed is asked for again. fallback: who is offered as sender, NULL
 * for nobody. 0; 1: Ctrl-D, nothing is to be sent; -1 with errno.
 */
int prompt(const char *fallback, struct names *, struct envelope *, struct draft *);

#endif

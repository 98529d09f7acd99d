/*
 * prompt: the questions of smtpc on a terminal: From, To, Subject, and the text to a line of a single dot.
 */
#ifndef PROMPT_H
#define PROMPT_H

#include "draft.h"
#include "envelope.h"

struct prompted {
	struct buf sender;  /* the address */
	struct buf from;    /* the value of From */
	struct buf to;	    /* the value of To */
	struct buf subject; /* UTF-8 */
};

/*
 * Asks on standard error, reads standard input. An address that is malformed is asked for again. fallback: who is offered as sender, NULL
 * for nobody. 0; 1: Ctrl-D, nothing is to be sent; -1 with errno. Free the bufs in every case.
 */
int prompt(const char *fallback, struct prompted *, struct envelope *, struct draft *);
void prompted_free(struct prompted *);

#endif

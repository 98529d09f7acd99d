/*
 * prompt: the questions of smtpc on a terminal: From, To, Subject, and the text to a line of a single dot.
 */
#ifndef PROMPT_H
#define PROMPT_H

#include "letter.h"

/*
 * Asks on standard error, reads standard input. An address that is malformed is asked for again. -1; EXITS_DONE after Ctrl-D: nothing is to be
 * sent; or another exit status.
 */
int prompt(struct letter *);

#endif

/*
 * terminal: asking a person for a secret.
 */
#ifndef TERMINAL_H
#define TERMINAL_H

#include "buf.h"

/*
 * One line from fd, without its end, in secret, which is cleared first. On a terminal it is asked for with prompt, without echo; a signal
 * that ends or stops the process finds the terminal as it was before, and a process that goes on asks again. From anything else it is just
 * read. 0; -1 with errno, EMSGSIZE for a line longer than secret may be, 0 for the end of the input before any byte.
 */
int terminal_secret(int fd, const char *prompt, struct buf *secret);

#endif

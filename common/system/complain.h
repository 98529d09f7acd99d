/*
 * complain: the one line on standard error by which a program says why it ends.
 */
#ifndef COMPLAIN_H
#define COMPLAIN_H

/* What stands before each line, and a colon. The string is the caller's, and lasts. */
void complain_as(const char *program);

/* The line, without its end. Returns status, for `return complain(EXITS_USAGE, …)`. */
int complain(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

/*
 * mailbox: `pop3d mailbox [check | repair] NAME...`.
 */
#ifndef MAILBOX_H
#define MAILBOX_H

/*
 * root: the path of the mail root. argv: what follows the word `mailbox`, argc words. What is found, and done, goes to standard output, a
 * line each; check changes nothing. Returns the exit status: EX_OK where all is well (or was repaired), EX_DATAERR where something is
 * wrong, EX_NOINPUT where there is no such mailbox, EX_TEMPFAIL where it is in use, EX_CANTCREAT where it can't be written, EX_USAGE.
 */
int mailbox_command(const char *root, int argc, char **argv);

#endif

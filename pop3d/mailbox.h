/*
 * mailbox: `pop3d mailbox [check | repair] NAME...`.
 */
#ifndef MAILBOX_H
#define MAILBOX_H

/*
 * root: the path of the mail root. argv: what follows the word `mailbox`, argc words. What is found, and done, goes to standard output, a
 * line each; check changes nothing. Returns the exit status: EXITS_DONE where all is well (or was repaired), EXITS_REFUSED where something is
 * wrong, EXITS_NO_INPUT where there is no such mailbox, EXITS_LATER where it is in use, EXITS_CANNOT_CREATE where it can't be written, EXITS_USAGE.
 */
int mailbox_command(const char *root, int argc, char **argv);

#endif

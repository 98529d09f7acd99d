/*
 * subcommand: `pop3d user [list | add NAME | passwd NAME | remove NAME]` (user.c), `pop3d mailbox [check | repair] NAME...` (mailbox.c).
 */
#ifndef SUBCOMMAND_H
#define SUBCOMMAND_H

/*
 * root: the path of the mail root. argv: what follows the word `user` or `mailbox`, argc words. What is found, and done, goes to standard
 * output, a line each; what is wrong with the command to standard error, in one. The exit status is returned.
 */

/*
 * add makes the root where it is missing. A password is asked for twice on a terminal, else it is one line of standard input. EXITS_USAGE for
 * a malformed command or NAME, EXITS_REFUSED for a NAME that is there already, or is not, and for no password, EXITS_NO_INPUT where the
 * accounts cannot be read, EXITS_CANNOT_CREATE where they cannot be written.
 */
int user_command(const char *root, int argc, char **argv);

/*
 * check changes nothing. EXITS_DONE where all is well (or was repaired), EXITS_REFUSED where something is wrong, EXITS_NO_INPUT where there is
 * no such mailbox, EXITS_LATER where it is in use, EXITS_CANNOT_CREATE where it can't be written, EXITS_USAGE.
 */
int mailbox_command(const char *root, int argc, char **argv);

#endif

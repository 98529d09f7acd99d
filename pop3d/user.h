/*
 * user: `pop3d user [list | add NAME | passwd NAME | remove NAME]`.
 */
#ifndef USER_H
#define USER_H

/*
 * root: the path of the mail root; add makes it where it is missing. argv: what follows the word `user`, argc words, none for list.
 * A password is asked for twice on a terminal, else it is one line of standard input. Returns the exit status; what is wrong has been
 * said in one line on standard error: EXITS_USAGE for a malformed command or NAME, EXITS_REFUSED for a NAME that is there already, or is not,
 * and for no password, EXITS_NO_INPUT where the accounts cannot be read, EXITS_CANNOT_CREATE where they cannot be written.
 */
int user_command(const char *root, int argc, char **argv);

#endif

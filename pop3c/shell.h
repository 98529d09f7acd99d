/*
 * shell: the session of a person at a terminal: the list, then a mail's number, or a letter.
 */
#ifndef SHELL_H
#define SHELL_H

#include "pop3_client.h"

/* After the login. What is marked is deleted only when the person leaves; an interrupt deletes nothing. The exit status. */
int shell_run(struct pop3_client *, int stop_fd);

#endif

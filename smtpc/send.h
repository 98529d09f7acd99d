/*
 * send: the message to the server, and what came of it to whoever asked.
 */
#ifndef SEND_H
#define SEND_H

#include "letter.h"

/*
 * user, password: who logs in; nobody where user is empty. Returns the exit status; `sent: REPLY` is on standard output, what went wrong on
 * standard error.
 */
int send_letter(const struct options *, struct letter *, struct span user, struct span password);

#endif

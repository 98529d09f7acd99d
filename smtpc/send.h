/*
 * send: the message to the server, and what came of it to whoever asked.
 */
#ifndef SEND_H
#define SEND_H

#include "body.h"
#include "envelope.h"
#include "options.h"

struct letter {
	const char *sender; /* local@domain, or "" */
	const struct envelope *envelope;
	struct body *body;
	struct span user, password; /* who logs in; nobody where user is empty */
	const char *host;	    /* ours, see identity.h */
	bool eight_bit, utf8;	    /* as in struct smtp_message */
};

/* Returns the exit status; `sent: REPLY` is on standard output, what went wrong on standard error. */
int send_letter(const struct options *, const struct letter *);

#endif

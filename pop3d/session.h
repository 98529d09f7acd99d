/*
 * session: the server's side of POP3 (RFC 1939, 2449, 3206, 5034, 6856) as a machine that turns bytes into bytes. Pure: of
 * accounts, mail and logs it knows what its backend tells it.
 */
#ifndef SESSION_H
#define SESSION_H

#include "command.h"

/* All pointers are the caller's and must outlive the session. session_free closes the maildrop; nothing is deleted. */
void session_init(struct session *, const struct backend *, void *context, const struct session_settings *);
void session_free(struct session *);

extern const struct protocol session_protocol;

#endif

/*
 * auth: AUTH, RFC 4954: who is it? Pure.
 */
#ifndef AUTH_H
#define AUTH_H

#include "session.h"

/* The command, whose argument may hold a secret, and in PHASE_AUTH the lines behind it. */
enum event auth_begin(struct session *, struct span argument, struct buf *out);
enum event auth_input(struct session *, struct span bytes, size_t *used, struct buf *out);

/* The user has logged in. */
void auth_log_in(struct session *, const char *user);

/* The mechanisms that are allowed here, as EHLO names them. */
const char *auth_mechanisms(const struct session *);

#endif

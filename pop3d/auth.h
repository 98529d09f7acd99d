/*
 * auth: the AUTHORIZATION state: who is it? USER and PASS, APOP (RFC 1939 7), AUTH (RFC 5034). Pure.
 */
#ifndef AUTH_H
#define AUTH_H

#include "command.h"

command auth_user, auth_pass, auth_apop, auth_auth;

/* A line while s->exchange is under way. */
enum event auth_answer(struct session *, struct span line, struct buf *out);

/* The SASL mechanisms that are allowed here, each between `before` and `after`. */
void auth_mechanisms(const struct session *, const char *before, const char *after, struct buf *out);

#endif

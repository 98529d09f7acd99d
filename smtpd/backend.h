/*
 * backend: what the session of a client knows of the world: who may log in, under which names they send, who gets what is sent; and the
 * log. Its world is a struct delivery, which brings the mail to them.
 */
#ifndef BACKEND_H
#define BACKEND_H

#include "delivery.h"

/* What the connection is to the session. */
struct session_config backend_settings(const struct config *, const struct session_info *);

extern const struct backend backend;

#endif

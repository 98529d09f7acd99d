/*
 * sender: who sends: the logins of a session. What struct backend wants; the world is a struct delivery.
 */
#ifndef SENDER_H
#define SENDER_H

#include "session.h"

int sender_credential(void *world, struct span login, char *user, struct credential *);

/* For the log. */
void sender_login(void *world, bool right, struct span user, const char *method);

#endif

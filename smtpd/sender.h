/*
 * sender: who sends: the logins of a session, and whose name they send under. What struct backend wants; the world is a struct delivery.
 */
#ifndef SENDER_H
#define SENDER_H

#include "session.h"

int sender_credential(void *world, struct span login, char *user, struct credential *);

/* Is the address, which may be the null one, among those that lead to the user's mailbox? Code 0: it is, or sender-check is off. */
struct reply sender_check(void *world, const struct envelope *, const struct path *);

/* For the log. */
void sender_login(void *world, bool right, struct span user, const char *method);

#endif

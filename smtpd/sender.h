/*
 * sender: who sends: the logins of a session, and whose name they send under. What struct backend wants; the world is a struct delivery.
 */
#ifndef SENDER_H
#define SENDER_H

#include "delivery.h"

/* What the connection is to the session; and for rcpt_resolve, good until the aliases are refreshed. */
struct session_config sender_settings(const struct config *, const struct session_info *);
struct rcpt_rules sender_rules(const struct delivery *, bool trusted);

int sender_credential(void *world, struct span login, char *user, struct credential *);

/* Is the address, which may be the null one, among those that lead to the user's mailbox? Code 0: it is, or sender-check is off. */
struct reply sender_check(void *world, const struct envelope *, const struct path *);

/* For the log. */
void sender_login(void *world, bool right, struct span user, const char *method);
void sender_refused(void *world, const char *word, struct span argument, const struct reply *);

#endif

/*
 * account_login: what the daemons check a login against: the accounts of a mail root.
 */
#ifndef ACCOUNT_LOGIN_H
#define ACCOUNT_LOGIN_H

#include "config.h"
#include "sasl.h"

/* As struct exchange_accounts wants them. The name may be a whole address, if its domain is local. Failures are logged. */
int account_login_random(void *context, uint8_t *nonce);
int
account_login_credential(int root, const struct config *, struct span login, char *user, struct credential *);

#endif

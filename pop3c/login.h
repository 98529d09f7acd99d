/*
 * login: proves who we are, by the safest way that the server knows: SCRAM-SHA-256 (RFC 5034, 7677), APOP, SASL PLAIN, USER and PASS.
 */
#ifndef LOGIN_H
#define LOGIN_H

#include "pop3_client.h"

/* Without a secure channel, does a login send the password itself? Known once CAPA was asked. */
bool login_reveals(const struct pop3_client *);

/*
 * Log in. A way that the server turns out not to have (-ERR without a challenge and without [AUTH]) is followed by the next one; a password
 * that was refused is not tried again in a weaker way.
 */
enum pop3_status login_user(struct pop3_client *, struct span user, struct span password);

#endif

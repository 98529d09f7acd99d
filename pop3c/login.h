/*
 * login: proves who we are, by the safest way that the server knows: SCRAM-SHA-256 (RFC 5034, 7677), APOP, SASL PLAIN, USER and PASS.
 */
#ifndef LOGIN_H
#define LOGIN_H

#include "pop3_client.h"

/*
 * Log in. A SCRAM that the server turns out not to have is followed by the next way; a password that was refused is never tried again in a
 * weaker way. warn_of, if not NULL, is the name of a server that a password is sent to readable only with a warning.
 */
enum pop3_status
login_user(struct pop3_client *, struct span user, struct span password, const char *warn_of);

#endif

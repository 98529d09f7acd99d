/*
 * smtp_auth: logging in on the sending side of SMTP (RFC 4954), by the safest way that the server knows: SCRAM-SHA-256 (RFC 7677), PLAIN, LOGIN.
 */
#ifndef SMTP_AUTH_H
#define SMTP_AUTH_H

#include "smtp_client.h"

/* Has the server no way but one that sends the password readable? Then who has neither TLS nor loopback may not want it. */
bool smtp_auth_is_readable(const struct smtp_client *);

/*
 * After smtp_client_open. A password that was refused is never tried again in a weaker way. SMTP_DENIED where the server does not take it, does not
 * prove that it knows it, or has no way that we know.
 */
enum smtp_outcome smtp_client_auth(struct smtp_client *, struct span user, struct span password);

#endif

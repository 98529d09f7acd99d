/*
 * explain: `smtpd explain [-f FROM] [-a CLIENT-ADDR] [-u AUTH-USER] RCPT...`: what would become of mail, step by step, told by the session
 * and the delivery that a client speaks to. Sends nothing.
 */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include "daemon.h"
#include "kept.h"

/*
 * argv: argc words from the word `explain` on. Each RCPT is the only one of a session of its own. Returns the exit status: that of the worst
 * answer: EXITS_DONE for a 2xx, EXITS_LATER for a 4xx, EXITS_REFUSED for a 5xx.
 */
int explain_command(struct daemon *, struct kept *, int argc, char **argv);

/* Print the steps to the next hop for an address elsewhere, whose domain this is, and what would come of mail for it now. */
void explain_next_hop(const struct config *, int root, struct span address, struct span domain);

#endif

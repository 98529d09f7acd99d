/*
 * explain: `smtpd explain [-f FROM] [-a CLIENT-ADDR] [-u AUTH-USER] RCPT...`: what would become of mail, step by step, told by the session
 * and the delivery that a client speaks to. Sends nothing.
 */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include "aliases.h"
#include "daemon.h"

/*
 * argv: argc words from the word `explain` on. Each RCPT is the only one of a session of its own. Returns the exit status: that of the worst
 * answer: EXITS_DONE for a 2xx, EXITS_LATER for a 4xx, EXITS_REFUSED for a 5xx.
 */
int explain_command(struct daemon *, struct aliases *, int argc, char **argv);

#endif

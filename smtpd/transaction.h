/*
 * transaction: the one way out of a mail transaction (RFC 5321 3.3), for RSET, EHLO, a refused MAIL, and content good or bad. Pure.
 */
#ifndef TRANSACTION_H
#define TRANSACTION_H

#include "session.h"

/* Forget it; harmless without one. */
void transaction_reset(struct session *);

#endif

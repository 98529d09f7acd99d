/*
 * transaction: the TRANSACTION and UPDATE states (RFC 1939 5 and 6). Pure. Only transaction_quit deletes anything; whatever else
 * ends a session forgets the marks.
 */
#ifndef TRANSACTION_H
#define TRANSACTION_H

#include "command.h"

command transaction_stat, transaction_list, transaction_uidl, transaction_retr, transaction_top,
    transaction_dele, transaction_rset, transaction_quit;

/* Is it there, and not deleted? */
bool transaction_has(struct session *, size_t message);

#endif

/*
 * recover: what a crash may leave at the end of a mailbox.
 */
#ifndef RECOVER_H
#define RECOVER_H

#include "maildrop.h"

/*
 * The mailbox is locked; everything before `known` is known to be whole messages. Looks at the last message behind it; what a crash tore is
 * moved to mbox.torn. Sets open_end.
 */
enum maildrop_status recover_tail(struct maildrop *, off_t known);

/* Set open_end by the last bytes of the mailbox. */
enum maildrop_status recover_open_end(struct maildrop *);

/* Append bytes from..to of a file to the mailbox's mbox.torn, durably. 0, or -1 with errno. */
int recover_keep(const struct maildrop *, int source, off_t from, off_t to, const char *why);

#endif

/*
 * identity: who sends and from where, as far as the system knows.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include "buf.h"

/* gethostname(2) where it is a domain with a dot, else "localhost". */
void identity_host(struct buf *out);

/* user@host of who runs this. 0, or -1: the system knows no such name. */
int identity_address(const char *host, struct buf *out);

#endif

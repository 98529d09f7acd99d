/*
 * handover: those of a message's recipients who get it by way of the queue: who is elsewhere, and who can't have it in the mailbox now.
 */
#ifndef HANDOVER_H
#define HANDOVER_H

#include "delivery.h"
#include "queue.h"

/* Somebody elsewhere. An address twice is one. 0, or -1 with ENOMEM. */
int handover_add(struct delivery *, struct span address, struct span owner, const struct dsn_request *);

/* Only the first n are left. */
void handover_cut(struct delivery *, size_t n);

/* What was asked for a user, for as long as the addressee lives. 0, or -1 with ENOMEM. */
int handover_keep(const struct dsn_request *, struct addressee *);

/* Store it for them, and for each addressee that `waits`. trace: as in queue_add. 0, or -1 with errno. */
int handover_queue(struct delivery *, const struct envelope *, const struct letter *, struct span trace);

#endif

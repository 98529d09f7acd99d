/*
 * handover: those of a message's recipients who get it by way of the queue: who is elsewhere, and who can't have it in the mailbox now.
 */
#ifndef HANDOVER_H
#define HANDOVER_H

#include "delivery.h"

/* Store it for each recipient that `waits`. trace: as in queue_add. 0, or -1 with errno. */
int handover_queue(struct delivery *, const struct envelope *, const struct letter *, struct span trace);

#endif

/*
 * local: what is in the queue goes into mailboxes here.
 */
#ifndef LOCAL_H
#define LOCAL_H

#include "relay.h"
#include "worker.h"

struct local {
	const struct worker *worker;
	struct queue_entry *entry;
	struct spool body; /* of the entry, once it is read */
	bool filled;
};

void local_begin(struct local *, const struct worker *, struct queue_entry *);
void local_end(struct local *);

/*
 * Deliver to recipient i, which is claimed. By today's aliases it may be many, or elsewhere: then each of those becomes a recipient of a new
 * entry, and false says that this is recorded. True: the result is to be reported.
 */
bool local_deliver(struct local *, size_t i, struct relay_result *);

#endif

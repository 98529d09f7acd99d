/*
 * local: what is in the queue goes into mailboxes here.
 */
#ifndef LOCAL_H
#define LOCAL_H

#include "queue.h"
#include "runner.h"

/*
 * Deliver to n recipients, who are claimed. Each is recorded before the next, so that who dies between them makes no copies. True: nothing of
 * the entry waits any more.
 */
bool local_deliver(const struct runner_settings *, struct queue_entry *, const size_t *which, size_t n);

#endif

/*
 * worker: a process that takes entries of the queue to one destination, one after the other over one connection, as the runner hands them out.
 */
#ifndef WORKER_H
#define WORKER_H

#include "kept.h"
#include "runner.h"
#include "unique.h"

/* What the runner hands out: those recipients of an entry that are due by `next`. */
struct order {
	int64_t next;
	char id[UNIQUE_ID + 1];
};

/* What it hears, a byte each. */
enum {
	WORKER_ANSWERED = 'a',	/* the host did */
	WORKER_UNREACHED = 'u', /* or did not */
	WORKER_OVER = 'o',	/* the order is carried out, and nothing of the entry waits any more; */
	WORKER_LOOK = 'l',	/* or something does */
	WORKER_BUSY = 'b',	/* there is no room for a connection more now */
	WORKER_ENDS = 'e'	/* it takes no more; an order that it has not answered to is as new */
};

struct worker {
	const struct runner_settings *settings;
	struct kept *routes;
	int runner; /* a socket: orders come in, and what it hears goes out */
	const char *destination;
	bool more; /* others have a session there: that it gets none is no failure of a message */
};

/* Do it. It ends when it has heard nothing for a while, or is to. */
void worker_run(const struct worker *);

#endif

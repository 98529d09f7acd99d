/*
 * worker: a process that takes entries of the queue to one destination, one after the other over one connection.
 */
#ifndef WORKER_H
#define WORKER_H

#include "aliases.h"
#include "bounds.h"
#include "config.h"
#include "queue.h"
#include "schedule.h"

/* What it tells the runner, a byte each. */
enum {
	WORKER_ANSWERED = 'a', /* the host did */
	WORKER_HANDLED = 'h'   /* the next of its entries was recorded, or is none of ours */
};

struct worker {
	const struct config *config;
	struct aliases *aliases;
	int root; /* descriptor of the mail root */
	int wake; /* as wake_runner */
	int stop; /* readable when it is time to end */
	int tell; /* the runner reads from it */
	const struct batch *batch;
};

/* Do it. It ends early when it is time to. */
void worker_run(const struct worker *);

#endif

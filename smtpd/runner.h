/*
 * runner: the process that takes what is in the queue to where it is to go: it knows what is due, and forks workers (worker.h).
 */
#ifndef RUNNER_H
#define RUNNER_H

#include "config.h"
#include "kept.h"

struct runner_settings {
	const struct config *config;
	struct kept *aliases;
	int root;    /* descriptor of the mail root */
	int wake[2]; /* a pipe, whose ends do not block */
	int stop;    /* readable when it is time to end */

	/* On SIGHUP. It may change what config points to. */
	int (*reload)(void *context);
	void *context;
};

/* Run until `stop`; then workers have SERVER_GRACE seconds (bounds.h) for the transaction they are in. Returns the exit status. */
int runner_run(const struct runner_settings *);

#endif

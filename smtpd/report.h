/*
 * report: what a try came to goes into the queue, into the log, and, in a notice, to whoever is to be told.
 */
#ifndef REPORT_H
#define REPORT_H

#include "relay.h"
#include "runner.h"

struct report {
	const struct runner_settings *settings;
	struct queue_entry *entry;
	bool local;	     /* a try at mailboxes of ours */
	const size_t *which; /* recipients, claimed */
	size_t n;
	const struct relay_result *results; /* of each, or one of all: */
	bool same;
	int64_t now; /* filled in */
};

/*
 * 1: nothing of the entry waits any more, it is gone; 0: something does; -1: something could not be recorded, which is logged, and what was not
 * will be tried again.
 */
int report(struct report *);

enum {
	REPORT_TRIES =
	    5, /* before a message may expire: a clock that jumps, or a week of downtime, expires nothing */
	REPORT_JITTER =
	    600 /* seconds over which hourly tries are spread, so that what came at once is not tried at once for ever */
};

/* Seconds from the n-th failed try (from 1) to the next one. dice: any number. */
int64_t report_delay(int n, uint32_t dice);

/* Is a message that came at `created` and was tried in vain n times given up now? lifetime: seconds. */
bool report_expires(int64_t created, int64_t lifetime, int n, int64_t now);

#endif

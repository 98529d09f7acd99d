/*
 * report: what a try came to goes into the queue, into the log, and, in a notice, to whoever is to be told.
 */
#ifndef REPORT_H
#define REPORT_H

#include "config.h"
#include "relay.h"

struct report {
	const struct config *config;
	int wake; /* as wake_runner */
	struct queue_entry *entry;
	bool local; /* a try at mailboxes of ours */
	int64_t now;
	const size_t *which; /* recipients, claimed */
	const struct relay_result *results;
	size_t n;
};

/* 0, or -1: something could not be recorded, which is logged; what was not will be tried again. */
int report(const struct report *);

#endif

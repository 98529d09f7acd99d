/*
 * crew: the runner's workers, as processes: who gets which entry, by the schedule.
 */
#ifndef CREW_H
#define CREW_H

#include <sys/types.h>

#include "kept.h"
#include "runner.h"
#include "schedule.h"

enum { CREW_WINDOW = 4 }; /* orders on their way to a worker: it need not wait for the next one */

/* A worker. */
struct hand {
	pid_t pid; /* 0: none */
	int orders, ear;
	struct host *host;
	struct wait *given[CREW_WINDOW]; /* its orders, the first in work; NULL: another has it now */
	size_t n;
	int64_t since, closed;	  /* when it began with the first; no other before */
	bool answered, unreached; /* the host */
	bool ends;		  /* it gets no more */
	bool ended;		  /* by us */
};

struct crew {
	const struct runner_settings *settings;
	int stop;
	struct kept routes;
	struct schedule schedule;
	struct hand hands[SCHEDULE_WORKERS];

	int64_t busy; /* when a host had no room for a connection more */

	/* A worker has had it, and something of the entry waits: return it to the schedule, or drop it. When it is due again; INT64_MAX: never. */
	int64_t (*look)(void *context, struct wait *);
	void *context;
};

/* Hand out what is due. */
void crew_feed(struct crew *);

/* What a worker says, or that it has ended. */
void crew_hear(struct crew *, struct hand *);

/* They end when they have done what they were given; for who comes then there are others. */
void crew_dismiss(struct crew *);

/* The same, in a hurry: they have been told to stop. */
void crew_end(struct crew *);

#endif

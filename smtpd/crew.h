/*
 * crew: the runner's workers, as processes: who gets which entry, by the schedule.
 */
#ifndef CREW_H
#define CREW_H

#include <sys/types.h>

#include "kept.h"
#include "runner.h"
#include "schedule.h"

/* A worker. */
struct hand {
	pid_t pid;  /* 0: none */
	int socket; /* to it */
	struct host *host;
	struct wait *given;	  /* what it is at; NULL: it waits for more */
	int64_t closed;		  /* no other to that host before */
	bool answered, unreached; /* the host */
	bool ends;		  /* it gets no more */
	bool killed;		  /* by us */
};

struct crew {
	const struct runner_settings *settings;
	int stop;
	struct kept routes;
	struct schedule schedule;
	struct hand hands[SCHEDULE_WORKERS];
	int64_t flushed; /* what was tried before is due */
	int64_t crowded; /* when a host had no room for a connection more */
};

/*
 * Read an entry, and keep in mind where it is to go. tried: what a worker has had of it, which is returned to the schedule or dropped; NULL:
 * nothing. When that is due again; INT64_MAX: never.
 */
int64_t crew_load(struct crew *, const char *id, struct wait *tried);

/* Hand out what is due. */
void crew_feed(struct crew *);

/* What a worker says, or that it has ended. */
void crew_hear(struct crew *, struct hand *);

/* They end when they have done what they were given; for who comes then there are others. */
void crew_dismiss(struct crew *);

/* They have been told to stop, but those that no host has answered yet may wait for long, with nothing to finish. Or all. */
void crew_kill(struct crew *, bool all);

#endif

/*
 * schedule: what the runner has in mind: which entry is to go where and when, and how many workers may be on their way there. Knows no file, no
 * clock, no process.
 */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap.h"
#include "span.h"
#include "unique.h"

enum {
	SCHEDULE_WAITS =
	    500000, /* most pairs of entry and destination in memory, some 150 bytes each; what is beyond stays on the disk */
	SCHEDULE_WORKERS = 20,	 /* at once */
	SCHEDULE_STRANGERS = 10, /* of them to hosts that have not answered yet, which may cost much time */
	SCHEDULE_HOST = 4,	 /* to one host, once it has answered */
	SCHEDULE_BATCH = 100,	 /* most messages of one connection, */
	SCHEDULE_LEAST = 10,	 /* and so many before another connection is opened, */
	SCHEDULE_TURN =
	    1 /* or seconds that fewer wait for the worker that is there: a process and a connection cost more than a message */
};

/* An entry that is known. */
struct known {
	char id[UNIQUE_ID + 1];
	size_t waits;
	uint64_t serial;
};

/* An entry that waits for a destination. */
struct wait {
	struct heap_item item; /* in host->waits, by when it is to be tried */
	struct known *known;
	struct host *host;
	int64_t next; /* when its file says it is to be tried */
};

/* A destination: a domain; "" is here. */
struct host {
	struct heap_item
	    item; /* in the schedule, by when its first may be tried; in none where nobody may start */
	struct heap waits;
	int64_t closed; /* not before: it was not reached */
	int workers;
	bool answered;
	uint64_t last; /* serial of the entry that was added last */
	struct host *following, *previous;
	char domain[];
};

/* Zeroed at the start. */
struct schedule {
	void *known, *hosts;		/* trees of tsearch(3) */
	struct host *first;		/* of all */
	struct heap friends, strangers; /* hosts that have answered, and others */
	size_t waits;
	int workers, to_strangers;
	uint64_t serial;
};

/* What a worker is given. */
struct batch {
	struct host *host;
	struct wait **waits;
	size_t n;
	bool stranger;
};

bool schedule_knows(const struct schedule *, const char *id);

/*
 * An entry waits for a domain, to be tried at `due`. For each domain of an entry once; more in one go are one. 0, or -1: there is no room, and
 * it is not known.
 */
int schedule_add(struct schedule *, const char *id, const char *domain, int64_t next, int64_t due);

/* It cannot be read: known, so that it is not looked at again and again. */
void schedule_shun(struct schedule *, const char *id);

/* When there is something to do next; INT64_MAX: nothing is known of. */
int64_t schedule_next(const struct schedule *);

/* Take what one worker is to do now. False: nothing. */
bool schedule_take(struct schedule *, int64_t now, struct batch *);

/* The host has answered: others may go there, with what is too much for one. */
void schedule_answered(struct schedule *, struct batch *);

/* A wait of a batch: back it goes, or it is over. */
void schedule_return(struct schedule *, struct wait *, int64_t next, int64_t due);
void schedule_drop(struct schedule *, struct wait *);

/* The worker is gone, its waits have been returned or dropped. closed: no try before that, 0 for none. */
void schedule_end(struct schedule *, struct batch *, int64_t closed);

/* All is due. */
void schedule_flush(struct schedule *, int64_t now);

#endif

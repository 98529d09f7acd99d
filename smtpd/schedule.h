/*
 * schedule: what the runner has in mind: which entry is to go where and when, and how many workers are on their way there. Knows no file, no
 * clock, no process.
 */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unique.h"

enum {
	SCHEDULE_WAITS =
	    500000, /* most pairs of entry and destination in memory, some 150 bytes each; what is beyond stays on the disk */
	SCHEDULE_WORKERS = 20,	 /* at once */
	SCHEDULE_STRANGERS = 10, /* of them to hosts that have not answered yet, which may cost much time */
	SCHEDULE_LONG =
	    10, /* another one to a host that has answered, where more messages than so many wait for each that is there, */
	SCHEDULE_TURN =
	    2 /* or one for so many seconds: a process and a connection cost more than a message */
};

/* An entry that is to go to a host. */
struct wait {
	struct wait *following;
	struct host *host; /* NULL: nowhere, it cannot be read */
	int64_t due;
	bool taken;   /* a worker has it */
	bool flushed; /* to be tried whatever time its file says */
	bool stalled; /* not to be, before it is due */
	char id[UNIQUE_ID + 1];
};

struct waits {
	struct wait *first, **end;
};

/* A destination. */
struct host {
	struct host *following, *previous;
	struct waits due, later; /* by the order in which they came */
	int64_t earliest;	 /* of those that came later */
	size_t waiting;		 /* of both */
	int64_t closed;		 /* no other worker before */
	int workers;
	bool answered;
	char name[]; /* "" is here */
};

/* Zeroed at the start. */
struct schedule {
	void *waits, *hosts; /* trees of tsearch(3) */
	struct host *first;  /* of all */
	size_t waiting;
	int workers;
};

/* Is anything known of an entry? */
bool schedule_knows(const struct schedule *, const char *id);

/*
 * An entry waits for a destination, to be tried at `due`. Where that is known the earlier one counts, and it changes nothing where a worker has
 * it or it is stalled. NULL: there is no room.
 */
struct wait *schedule_add(struct schedule *, const char *id, const char *destination, int64_t due);

/* It cannot be read: known, so that it is not looked at again and again. */
void schedule_shun(struct schedule *, const char *id);

/* Where a worker more is to go first, if one is free, and when that may be; NULL, INT64_MAX: nowhere by waiting alone. */
struct host *schedule_next(const struct schedule *, int64_t *when);

/* A worker goes there. The host stays until it has ended. */
void schedule_begin(struct schedule *, struct host *);

/* What is due there, for a worker: to be returned or dropped before that ends. NULL: nothing. */
struct wait *schedule_take(struct host *, int64_t now);
void schedule_return(struct wait *, int64_t due, bool stalled);
void schedule_drop(struct schedule *, struct wait *);

/* A worker is gone. */
void schedule_end(struct schedule *, struct host *);

/* All is due. */
void schedule_flush(struct schedule *, int64_t now);

#endif

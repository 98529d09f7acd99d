#include "schedule.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"

/* By id and host; one without a host is like all of its id. */
static int
compare_waits(const void *a, const void *b)
{
	const struct wait *left = a, *right = b;
	int order = strcmp(left->id, right->id);

	if (order != 0 || left->host == NULL || right->host == NULL)
		return order;
	return ((uintptr_t)left->host > (uintptr_t)right->host) -
	       ((uintptr_t)left->host < (uintptr_t)right->host);
}

static int
compare_hosts(const void *a, const void *b)
{
	return strcmp(((const struct host *)a)->name, ((const struct host *)b)->name);
}

static struct wait *
find_wait(const struct schedule *s, const char *id, struct host *host)
{
	struct wait key = { .host = host };

	memcpy(key.id, id, sizeof key.id);
	void *node = tfind(&key, &s->waits, compare_waits);
	return node == NULL ? NULL : *(struct wait **)node;
}

bool
schedule_knows(const struct schedule *s, const char *id)
{
	return find_wait(s, id, NULL) != NULL;
}

static struct wait *
make_wait(struct schedule *s, const char *id, struct host *host)
{
	struct wait *wait = malloc(sizeof *wait);

	if (wait == NULL)
		return NULL;
	*wait = (struct wait){ .host = host };
	memcpy(wait->id, id, sizeof wait->id);
	if (tsearch(wait, &s->waits, compare_waits) == NULL) {
		free(wait);
		return NULL;
	}
	s->waiting++;
	return wait;
}

void
schedule_drop(struct schedule *s, struct wait *wait)
{
	tdelete(wait, &s->waits, compare_waits);
	s->waiting--;
	free(wait);
}

/* The host of that name, made where there is none. */
static struct host *
want_host(struct schedule *s, const char *name)
{
	size_t n = strlen(name) + 1;
	struct host *fresh = malloc(sizeof *fresh + n);

	if (fresh == NULL)
		return NULL;
	*fresh = (struct host){ .following = s->first, .earliest = INT64_MAX, .answered = n == 1 };
	fresh->due.end = &fresh->due.first;
	fresh->later.end = &fresh->later.first;
	memcpy(fresh->name, name, n);
	struct host **node = tsearch(fresh, &s->hosts, compare_hosts);
	if (node == NULL || *node != fresh) {
		free(fresh);
		return node == NULL ? NULL : *node;
	}
	if (s->first != NULL)
		s->first->previous = fresh;
	s->first = fresh;
	return fresh;
}

/* It goes where nothing is left of it. */
static void
release_host(struct schedule *s, struct host *host)
{
	if (host->waiting > 0 || host->workers > 0)
		return;
	tdelete(host, &s->hosts, compare_hosts);
	if (host->following != NULL)
		host->following->previous = host->previous;
	*(host->previous == NULL ? &s->first : &host->previous->following) = host->following;
	free(host);
}

static void
append(struct waits *waits, struct wait *wait)
{
	wait->following = NULL;
	*waits->end = wait;
	waits->end = &wait->following;
}

static void
set_due(struct wait *wait, int64_t due)
{
	wait->due = due;
	if (due < wait->host->earliest)
		wait->host->earliest = due;
}

void
schedule_return(struct wait *wait, int64_t due, bool stalled)
{
	wait->taken = false;
	wait->stalled = stalled;
	wait->host->waiting++;
	append(&wait->host->later, wait);
	set_due(wait, due);
}

struct wait *
schedule_add(struct schedule *s, const char *id, const char *destination, int64_t due)
{
	struct host *host = want_host(s, destination);
	struct wait *wait = host == NULL ? NULL : find_wait(s, id, host);

	if (wait != NULL) {
		if (!wait->taken && !wait->stalled && due < wait->due)
			set_due(wait, due);
		return wait;
	}
	if (host != NULL && s->waiting < SCHEDULE_WAITS)
		wait = make_wait(s, id, host);
	if (wait != NULL)
		schedule_return(wait, due, false);
	else if (host != NULL)
		release_host(s, host);
	return wait;
}

void
schedule_shun(struct schedule *s, const char *id)
{
	if (!schedule_knows(s, id))
		(void)make_wait(s, id, NULL);
}

/* When there may be a worker more. */
static int64_t
start_of(const struct host *host)
{
	int64_t start = host->due.first != NULL ? host->due.first->due : host->earliest;

	if (start == INT64_MAX || host->workers >= (host->answered ? HOST_CONNECTIONS : 1))
		return INT64_MAX;
	if (host->workers > 0 && host->waiting <= (size_t)SCHEDULE_LONG * (size_t)host->workers)
		start += SCHEDULE_TURN;
	return start > host->closed ? start : host->closed;
}

struct host *
schedule_next(const struct schedule *s, int64_t *when)
{
	struct host *next = NULL;
	int strangers = 0;

	for (const struct host *host = s->first; host != NULL; host = host->following)
		strangers += host->workers > 0 && !host->answered;
	*when = INT64_MAX;
	for (struct host *host = s->first; host != NULL; host = host->following) {
		if (!host->answered && strangers >= SCHEDULE_STRANGERS)
			continue;
		int64_t start = start_of(host);
		if (start < *when) {
			*when = start;
			next = host;
		}
	}
	return next;
}

void
schedule_begin(struct schedule *s, struct host *host)
{
	s->workers++;
	host->workers++;
}

/* What has become due since then. */
static void
sort_out(struct host *host, int64_t now)
{
	struct wait *wait = host->later.first;

	if (host->earliest > now)
		return;
	host->earliest = INT64_MAX;
	host->later = (struct waits){ .end = &host->later.first };
	for (struct wait *following; wait != NULL; wait = following) {
		following = wait->following;
		append(wait->due <= now ? &host->due : &host->later, wait);
		if (wait->due > now)
			set_due(wait, wait->due);
	}
}

struct wait *
schedule_take(struct host *host, int64_t now)
{
	sort_out(host, now);
	struct wait *wait = host->due.first;
	if (wait == NULL)
		return NULL;
	host->due.first = wait->following;
	if (wait->following == NULL)
		host->due.end = &host->due.first;
	host->waiting--;
	wait->taken = true;
	return wait;
}

void
schedule_end(struct schedule *s, struct host *host)
{
	s->workers--;
	host->workers--;
	release_host(s, host);
}

void
schedule_flush(struct schedule *s, int64_t now)
{
	for (struct host *host = s->first; host != NULL; host = host->following) {
		host->closed = 0;
		sort_out(host, INT64_MAX);
		for (struct wait *wait = host->due.first; wait != NULL; wait = wait->following) {
			wait->due = now;
			wait->flushed = true;
			wait->stalled = false;
		}
	}
}

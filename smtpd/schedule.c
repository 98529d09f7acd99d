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
	struct host *fresh = calloc(1, sizeof *fresh + n);

	if (fresh == NULL)
		return NULL;
	memcpy(fresh->name, name, n);
	struct host **node = tsearch(fresh, &s->hosts, compare_hosts);
	if (node == NULL || *node != fresh) {
		free(fresh);
		return node == NULL ? NULL : *node;
	}
	fresh->answered = n == 1;
	fresh->following = s->first;
	if (s->first != NULL)
		s->first->previous = fresh;
	s->first = fresh;
	return fresh;
}

static void
free_host(struct schedule *s, struct host *host)
{
	tdelete(host, &s->hosts, compare_hosts);
	if (host->following != NULL)
		host->following->previous = host->previous;
	*(host->previous == NULL ? &s->first : &host->previous->following) = host->following;
	free(host->waits.items);
	free(host);
}

/* Put it where it belongs, now that something about it has changed; it goes where nothing is left of it. */
static void
place_host(struct schedule *s, struct host *host)
{
	const struct heap_item *first = heap_first(&host->waits);
	struct heap *belongs = host->answered ? &s->friends : &s->strangers;

	if (first == NULL && host->workers == 0) {
		heap_take(belongs, &host->item);
		free_host(s, host);
		return;
	}
	if (first == NULL || host->workers >= (host->answered ? HOST_CONNECTIONS : 1)) {
		heap_take(belongs, &host->item);
		return;
	}
	int64_t key = first->key;
	if (host->workers > 0 && host->waits.n <= (size_t)SCHEDULE_LONG * (size_t)host->workers)
		key += SCHEDULE_TURN;
	/* Where there is no memory it is tried again with the next change. */
	(void)heap_put(belongs, &host->item, key > host->closed ? key : host->closed);
}

static void
change_host(struct schedule *s, struct host *host, int workers, bool answered)
{
	heap_take(host->answered ? &s->friends : &s->strangers, &host->item);
	s->to_strangers -= host->workers > 0 && !host->answered;
	s->workers += workers;
	host->workers += workers;
	host->answered = answered;
	s->to_strangers += host->workers > 0 && !host->answered;
	place_host(s, host);
}

static int
put_wait(struct schedule *s, struct wait *wait, int64_t next, int64_t due)
{
	struct host *host = wait->host;
	int result = heap_put(&host->waits, &wait->item, due);

	wait->next = next;
	if (result < 0)
		schedule_drop(s, wait);
	place_host(s, host);
	return result;
}

int
schedule_add(struct schedule *s, const char *id, const char *destination, int64_t next, int64_t due)
{
	struct host *host = want_host(s, destination);

	if (host == NULL)
		return -1;
	struct wait *wait = find_wait(s, id, host);
	bool fresh = wait == NULL;
	if (fresh && s->waiting < SCHEDULE_WAITS)
		wait = make_wait(s, id, host);
	if (wait == NULL) {
		place_host(s, host);
		return -1;
	}
	if (fresh)
		return put_wait(s, wait, next, due) < 0 ? -1 : 1;
	bool waits = wait->item.place != 0;
	if (waits && due < wait->item.key)
		return put_wait(s, wait, next, due);
	if (waits && due == wait->item.key && next > wait->next)
		wait->next = next;
	return 0;
}

void
schedule_shun(struct schedule *s, const char *id)
{
	if (!schedule_knows(s, id))
		(void)make_wait(s, id, NULL);
}

static struct host *
first_host(const struct schedule *s)
{
	struct heap_item *friend = heap_first(&s->friends);
	struct heap_item *stranger = s->to_strangers < SCHEDULE_STRANGERS ? heap_first(&s->strangers) : NULL;

	if (friend == NULL || (stranger != NULL && stranger->key < friend->key))
		friend = stranger;
	/* It is the first member. */
	return (struct host *)friend;
}

int64_t
schedule_next(const struct schedule *s)
{
	const struct host *host = s->workers < SCHEDULE_WORKERS ? first_host(s) : NULL;

	return host == NULL ? INT64_MAX : host->item.key;
}

struct host *
schedule_host(const struct schedule *s, int64_t now)
{
	struct host *host = first_host(s);

	return host == NULL || host->item.key > now ? NULL : host;
}

void
schedule_begin(struct schedule *s, struct host *host)
{
	change_host(s, host, 1, host->answered);
}

struct wait *
schedule_take(struct schedule *s, struct host *host, int64_t now)
{
	struct heap_item *first = heap_first(&host->waits);

	if (first == NULL || first->key > now)
		return NULL;
	heap_take(&host->waits, first);
	place_host(s, host);
	return (struct wait *)first;
}

void
schedule_return(struct schedule *s, struct wait *wait, int64_t next, int64_t due)
{
	(void)put_wait(s, wait, next, due);
}

void
schedule_answered(struct schedule *s, struct host *host, bool answered)
{
	host->closed = 0;
	change_host(s, host, 0, answered);
}

void
schedule_end(struct schedule *s, struct host *host, int64_t closed)
{
	if (closed > host->closed)
		host->closed = closed;
	change_host(s, host, -1, host->answered);
}

void
schedule_flush(struct schedule *s, int64_t now)
{
	for (struct host *host = s->first, *following; host != NULL; host = following) {
		following = host->following;
		host->closed = 0;
		/* All have the same key then, in any order. */
		for (size_t i = 0; i < host->waits.n; i++)
			host->waits.items[i]->key = now;
		place_host(s, host);
	}
}

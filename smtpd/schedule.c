#include "schedule.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static int
compare_known(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->id, ((const struct known *)b)->id);
}

static int
compare_hosts(const void *a, const void *b)
{
	return strcmp(((const struct host *)a)->domain, ((const struct host *)b)->domain);
}

static struct known *
find_known(const struct schedule *s, const char *id)
{
	struct known key;

	memcpy(key.id, id, sizeof key.id);
	void *node = tfind(&key, &s->known, compare_known);
	return node == NULL ? NULL : *(struct known **)node;
}

bool
schedule_knows(const struct schedule *s, const char *id)
{
	return find_known(s, id) != NULL;
}

static struct known *
make_known(struct schedule *s, const char *id)
{
	struct known *known = calloc(1, sizeof *known);

	if (known == NULL)
		return NULL;
	memcpy(known->id, id, sizeof known->id);
	known->serial = ++s->serial;
	if (tsearch(known, &s->known, compare_known) != NULL)
		return known;
	free(known);
	return NULL;
}

static void
forget_known(struct schedule *s, struct known *known)
{
	if (known->waits > 0)
		return;
	tdelete(known, &s->known, compare_known);
	free(known);
}

static struct host *
find_host(const struct schedule *s, const struct host *key)
{
	void *node = tfind(key, &s->hosts, compare_hosts);

	return node == NULL ? NULL : *(struct host **)node;
}

/* The host of that domain, made where there is none. */
static struct host *
want_host(struct schedule *s, const char *domain)
{
	size_t n = strlen(domain) + 1;
	struct host *fresh = calloc(1, sizeof *fresh + n);

	if (fresh == NULL)
		return NULL;
	memcpy(fresh->domain, domain, n);
	struct host *host = find_host(s, fresh);
	if (host != NULL || tsearch(fresh, &s->hosts, compare_hosts) == NULL) {
		free(fresh);
		return host;
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

/* Put it where it belongs, now that something about it has changed. */
static void
move_host(struct schedule *s, struct host *host)
{
	const struct heap_item *first = heap_first(&host->waits);
	struct heap *belongs = host->answered ? &s->friends : &s->strangers;

	if (host->workers >= (host->answered ? SCHEDULE_HOST : 1) || first == NULL) {
		heap_take(belongs, &host->item);
		return;
	}
	int64_t key = first->key > host->closed ? first->key : host->closed;
	if (host->workers > 0 && host->waits.n < SCHEDULE_LEAST)
		key += SCHEDULE_TURN;
	/* Where there is no memory it is tried again with the next change. */
	(void)heap_put(belongs, &host->item, key);
}

/* The same, and it goes where nothing is left of it. */
static void
place_host(struct schedule *s, struct host *host)
{
	move_host(s, host);
	if (host->waits.n == 0 && host->workers == 0)
		free_host(s, host);
}

static void
set_answered(struct schedule *s, struct host *host, bool answered)
{
	heap_take(host->answered ? &s->friends : &s->strangers, &host->item);
	host->answered = answered;
}

/* A new wait, which counts once it is put into its host's heap. */
static int
add_wait(struct schedule *s, struct known *known, struct host *host, int64_t next, int64_t due)
{
	struct wait *wait = calloc(1, sizeof *wait);

	if (wait == NULL)
		return -1;
	*wait = (struct wait){ .known = known, .host = host, .next = next };
	if (heap_put(&host->waits, &wait->item, due) < 0) {
		free(wait);
		return -1;
	}
	known->waits++;
	s->waits++;
	host->last = known->serial;
	return 0;
}

int
schedule_add(struct schedule *s, const char *id, const char *domain, int64_t next, int64_t due)
{
	struct known *known = find_known(s, id);
	int result = -1;

	if (known == NULL && s->waits < SCHEDULE_WAITS)
		known = make_known(s, id);
	struct host *host = known == NULL ? NULL : want_host(s, domain);
	if (host != NULL) {
		result = host->last == known->serial ? 0 : add_wait(s, known, host, next, due);
		place_host(s, host);
	}
	if (known != NULL)
		forget_known(s, known);
	return result;
}

void
schedule_shun(struct schedule *s, const char *id)
{
	struct known *known = schedule_knows(s, id) ? NULL : make_known(s, id);

	if (known != NULL)
		known->waits = 1;
}

static struct host *
first_host(const struct schedule *s)
{
	struct heap_item *friend = heap_first(&s->friends);
	struct heap_item *stranger = s->to_strangers < SCHEDULE_STRANGERS ? heap_first(&s->strangers) : NULL;

	if (s->workers == SCHEDULE_WORKERS)
		return NULL;
	if (friend == NULL || (stranger != NULL && stranger->key < friend->key))
		friend = stranger;
	/* It is the first member. */
	return (struct host *)friend;
}

int64_t
schedule_next(const struct schedule *s)
{
	const struct host *host = first_host(s);

	return host == NULL ? INT64_MAX : host->item.key;
}

/* How many messages are for one worker. A stranger's gets all, for it may have to say of all that nobody was there. */
static size_t
share(const struct host *host)
{
	size_t part = host->waits.n / (size_t)(SCHEDULE_HOST - host->workers);

	if (!host->answered)
		return SIZE_MAX;
	return part < SCHEDULE_LEAST ? SCHEDULE_LEAST : part > SCHEDULE_BATCH ? SCHEDULE_BATCH : part;
}

static bool
is_due(const struct host *host, int64_t now)
{
	const struct heap_item *first = heap_first(&host->waits);

	return first != NULL && first->key <= now;
}

static void
fill_batch(struct batch *batch, int64_t now)
{
	size_t most = share(batch->host), size = 0;

	while (batch->n < most && is_due(batch->host, now)) {
		if (batch->n == size) {
			size = size == 0 ? SCHEDULE_LEAST : 2 * size;
			struct wait **waits = realloc(batch->waits, size * sizeof(struct wait *));
			if (waits == NULL)
				return;
			batch->waits = waits;
		}
		struct heap_item *first = heap_first(&batch->host->waits);
		heap_take(&batch->host->waits, first);
		batch->waits[batch->n++] = (struct wait *)first;
	}
}

bool
schedule_take(struct schedule *s, int64_t now, struct batch *batch)
{
	struct host *host = first_host(s);

	*batch = (struct batch){ .host = NULL };
	if (host == NULL || host->item.key > now)
		return false;
	batch->host = host;
	fill_batch(batch, now);
	if (batch->n == 0) { /* no memory */
		batch->host = NULL;
		return false;
	}
	batch->stranger = !batch->host->answered;
	batch->host->workers++;
	s->workers++;
	s->to_strangers += batch->stranger;
	place_host(s, batch->host);
	return true;
}

/* It is no longer one to a stranger. */
static void
befriend(struct schedule *s, struct batch *batch)
{
	s->to_strangers -= batch->stranger;
	batch->stranger = false;
}

void
schedule_answered(struct schedule *s, struct batch *batch)
{
	befriend(s, batch);
	set_answered(s, batch->host, true);
	batch->host->closed = 0;
	while (batch->n > SCHEDULE_BATCH) {
		struct wait *wait = batch->waits[--batch->n];
		schedule_return(s, wait, wait->next, wait->item.key);
	}
	place_host(s, batch->host);
}

void
schedule_return(struct schedule *s, struct wait *wait, int64_t next, int64_t due)
{
	wait->next = next;
	if (heap_put(&wait->host->waits, &wait->item, due) < 0)
		schedule_drop(s, wait);
}

void
schedule_drop(struct schedule *s, struct wait *wait)
{
	wait->known->waits--;
	s->waits--;
	forget_known(s, wait->known);
	free(wait);
}

void
schedule_end(struct schedule *s, struct batch *batch, int64_t closed)
{
	struct host *host = batch->host;

	if (closed > 0 && host->domain[0] != '\0')
		set_answered(s, host, false);
	host->closed = closed > 0 ? closed : host->closed;
	befriend(s, batch);
	s->workers--;
	host->workers--;
	place_host(s, host);
	free(batch->waits);
	*batch = (struct batch){ .host = NULL };
}

void
schedule_flush(struct schedule *s, int64_t now)
{
	for (struct host *host = s->first; host != NULL; host = host->following) {
		host->closed = 0;
		/* All have the same key then, in any order. */
		for (size_t i = 0; i < host->waits.n; i++)
			host->waits.items[i]->key = now;
		move_host(s, host);
	}
}

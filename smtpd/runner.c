#include "runner.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crew.h"
#include "destination.h"
#include "exits.h"
#include "log.h"
#include "queue.h"
#include "routes.h"
#include "wake.h"

/*
 * Entries are known by their names, from the pipe or by looking through queue/ once a minute: what is there counts, other machines' runners and
 * sessions write there, too. What is in memory is bounded by SCHEDULE_WAITS; it all can be read again.
 */

enum {
	SCAN = 60,	/* seconds */
	FLUSH_LOOK = 2, /* seconds between two looks whether all is to be tried */
	STALLED =
	    60, /* seconds before what did not get any further (another runner has it, it can't be recorded) is looked at again */
	LOAD = 100,	     /* entries that are read before anything else is looked at */
	PIPEFUL = 32 * 1024, /* bytes waiting in a pipe after which something may not have found room in it */
	LINE = UNIQUE_ID + 1
};

struct runner {
	struct crew crew;
	struct buf names; /* of entries to be read */
	int64_t scanned, flushed, looked;
	char line[LINE]; /* half of one out of the pipe */
	size_t line_n, backlog;
};

static volatile sig_atomic_t got_hup;
static int hup_wake;

static void
on_hup(int signal)
{
	int error = errno;

	(void)signal;
	got_hup = 1;
	ssize_t n = write(hup_wake, "\n", 1);
	(void)n;
	errno = error;
}

static enum queue_status
finish(struct queue_entry *entry)
{
	if (queue_finish(entry) == 0)
		return QUEUE_OK;
	log_failure("queue-failed", "id", entry->message.id);
	return QUEUE_BROKEN;
}

/*
 * Read an entry, and keep in mind where it is to go. tried: what a worker has had of it; NULL: nothing. When the rest of that is due; INT64_MAX:
 * nothing is left.
 */
static int64_t
load(struct runner *r, const char *id, struct wait *tried)
{
	struct schedule *s = &r->crew.schedule;
	char destination[DESTINATION];
	struct queue_entry entry;
	int64_t now = queue_now(), next = INT64_MAX;
	bool waits = false;

	enum queue_status status = queue_open(r->crew.settings->root, id, &entry);
	(void)kept_refresh(&r->crew.routes, r->crew.settings->root, "routes");
	for (size_t i = 0; status == QUEUE_OK && i < entry.message.recipients_n; i++) {
		const struct queue_recipient *to = &entry.message.recipients[i];
		if (to->state != QUEUE_WAITING)
			continue;
		waits = true;
		destination_of(r->crew.settings->config, buf_span(&r->crew.routes.text), to, destination);
		bool due = to->tried < r->flushed || to->next < now;
		if (tried != NULL && strcmp(destination, tried->host->name) == 0) {
			next = to->next < next ? to->next : next;
			continue;
		}
		int added = schedule_add(s, id, destination, to->next, due ? now : to->next);
		/* It was due there, and is to go here by now. */
		if (added > 0 && tried != NULL && to->next <= tried->next)
			added = schedule_add(s, id, destination, to->next, now);
		if (added < 0)
			break;
	}
	if (status == QUEUE_OK && !waits)
		status = finish(&entry);
	if (status == QUEUE_BROKEN)
		schedule_shun(s, id);
	queue_close(&entry);
	if (tried == NULL)
		return INT64_MAX;
	if (next < INT64_MAX)
		schedule_return(s, tried, next, next > tried->next ? next : now + STALLED);
	else
		schedule_drop(s, tried);
	return next;
}

static int64_t
look(void *context, struct wait *tried)
{
	return load(context, tried->id, tried);
}

static void
note_name(const char *id, void *context)
{
	struct runner *r = context;

	if (!schedule_knows(&r->crew.schedule, id))
		buf_add(&r->names, id, UNIQUE_ID);
}

static void
scan(struct runner *r)
{
	r->scanned = queue_now();
	buf_clear(&r->names);
	queue_clean(r->crew.settings->root);
	if (queue_list(r->crew.settings->root, note_name, r) < 0)
		log_failure("queue-failed", NULL, NULL);
}

static void
load_some(struct runner *r)
{
	char id[UNIQUE_ID + 1] = "";

	for (int i = 0; i < LOAD && r->names.len > 0; i++) {
		memcpy(id, r->names.data + r->names.len - UNIQUE_ID, UNIQUE_ID);
		buf_cut(&r->names, r->names.len - UNIQUE_ID);
		if (!schedule_knows(&r->crew.schedule, id))
			(void)load(r, id, NULL);
	}
}

static void
look_at_flush(struct runner *r, int64_t now)
{
	if (now == r->looked)
		return;
	r->looked = now;
	int64_t flushed = wake_flushed(r->crew.settings->root);
	if (flushed != r->flushed)
		schedule_flush(&r->crew.schedule, now);
	r->flushed = flushed;
}

/* What sessions and workers wrote into the pipe: ids, each a line. */
static void
read_wake(struct runner *r)
{
	char bytes[128 * LINE];
	ssize_t n = read(r->crew.settings->wake[0], bytes, sizeof bytes);

	for (ssize_t i = 0; i < n; i++) {
		if (bytes[i] != '\n') {
			r->line[r->line_n] = bytes[i];
			r->line_n += r->line_n < LINE - 1;
			continue;
		}
		r->line[r->line_n] = '\0';
		r->line_n = 0;
		if (queue_is_id(r->line) && !schedule_knows(&r->crew.schedule, r->line))
			(void)load(r, r->line, NULL);
	}
	r->backlog = n == (ssize_t)sizeof bytes ? r->backlog + (size_t)n : 0;
	if (r->backlog >= PIPEFUL)
		r->scanned = 0;
}

/* Milliseconds until there is something to do. */
static int
patience(const struct runner *r)
{
	int64_t now = queue_now();
	int64_t most = r->crew.schedule.workers > 0 ? 1 : r->crew.schedule.waiting > 0 ? FLUSH_LOOK : SCAN;
	int64_t next = schedule_next(&r->crew.schedule), left = r->scanned + SCAN - now;

	if (r->names.len > 0 || next <= now || left <= 0)
		return 0;
	if (next - now < left)
		left = next - now;
	return (int)(left < most ? left : most) * 1000;
}

/* False: it is time to end. */
static bool
wait_for(struct runner *r, int timeout)
{
	struct pollfd fds[2 + SCHEDULE_WORKERS] = {
		{ .fd = r->crew.stop, .events = POLLIN },
		{ .fd = r->crew.settings->wake[0], .events = POLLIN },
	};

	for (int i = 0; i < SCHEDULE_WORKERS; i++)
		fds[2 + i] = (struct pollfd){ .fd = r->crew.hands[i].pid == 0 ? -1 : r->crew.hands[i].ear,
			.events = POLLIN };
	if (poll(fds, 2 + SCHEDULE_WORKERS, timeout) <= 0)
		return true;
	for (int i = 0; i < SCHEDULE_WORKERS; i++)
		if (fds[2 + i].revents != 0)
			crew_hear(&r->crew, &r->crew.hands[i]);
	if (fds[1].revents != 0)
		read_wake(r);
	return fds[0].revents == 0;
}

int
runner_run(const struct runner_settings *settings, int stop)
{
	struct runner r = { .crew = { .settings = settings, .stop = stop, .look = look, .context = &r } };
	struct sigaction action = { .sa_handler = on_hup, .sa_flags = SA_RESTART };

	hup_wake = settings->wake[1];
	sigemptyset(&action.sa_mask);
	sigaction(SIGHUP, &action, NULL);
	r.flushed = wake_flushed(settings->root);
	kept_init(&r.crew.routes, ROUTES_TEXT);
	buf_init(&r.names, (size_t)SCHEDULE_WAITS * UNIQUE_ID);
	do {
		int64_t now = queue_now();
		if (got_hup) {
			got_hup = 0;
			(void)settings->reload(settings->context);
			crew_dismiss(&r.crew);
		}
		look_at_flush(&r, now);
		if (r.names.len == 0 && (now >= r.scanned + SCAN || now < r.scanned))
			scan(&r);
		load_some(&r);
		crew_feed(&r.crew);
	} while (wait_for(&r, patience(&r)));
	crew_end(&r.crew);
	kept_free(&r.crew.routes);
	buf_free(&r.names);
	return EXITS_DONE;
}

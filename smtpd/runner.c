#include "runner.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "conn.h"
#include "crew.h"
#include "exits.h"
#include "log.h"
#include "queue.h"
#include "routes.h"

/*
 * Entries are known by their names, from the pipe or by looking through queue/ once a minute: what is there counts, other machines' runners and
 * sessions write there, too. What is in memory is bounded by SCHEDULE_WAITS; it all can be read again.
 */

enum {
	SCAN = 60,	     /* seconds */
	FLUSH_LOOK = 2,	     /* seconds between two looks whether all is to be tried */
	LOAD = 100,	     /* entries that are read before anything else is looked at */
	PIPEFUL = 32 * 1024, /* bytes waiting in a pipe after which something may not have found room in it */
	NAME = UNIQUE_ID + 1 /* bytes of an id with its NUL, as they come through the pipe */
};

struct runner {
	struct crew crew;
	struct buf names; /* of entries to be read */
	int64_t scanned, looked;
	size_t backlog;
	bool stopping;
};

static volatile sig_atomic_t got_hup;
static int hup_wake;

static void
on_hup(int signal)
{
	static const char nothing[NAME];
	int error = errno;

	(void)signal;
	got_hup = 1;
	queue_wake(hup_wake, nothing);
	errno = error;
}

static void
note_name(const char *id, void *context)
{
	struct runner *r = context;

	if (!schedule_knows(&r->crew.schedule, id))
		buf_add(&r->names, id, NAME);
}

static void
scan(struct runner *r)
{
	r->scanned = queue_now();
	buf_clear(&r->names);
	if (queue_list(r->crew.settings->root, true, note_name, r) < 0)
		log_failure("queue-failed", NULL, NULL);
}

static void
load(struct runner *r, const char *id)
{
	if (!schedule_knows(&r->crew.schedule, id))
		(void)crew_load(&r->crew, id, NULL);
}

static void
load_some(struct runner *r)
{
	for (int i = 0; i < LOAD && r->names.len > 0; i++) {
		buf_cut(&r->names, r->names.len - NAME);
		load(r, r->names.data + r->names.len);
	}
}

static void
look_at_flush(struct runner *r, int64_t now)
{
	if (now == r->looked)
		return;
	r->looked = now;
	int64_t flushed = queue_flushed(r->crew.settings->root);
	if (flushed != r->crew.flushed)
		schedule_flush(&r->crew.schedule, now);
	r->crew.flushed = flushed;
}

/* What sessions and workers wrote into the pipe, each a whole id. */
static void
read_wake(struct runner *r)
{
	char bytes[128 * NAME];
	ssize_t n = read(r->crew.settings->wake[0], bytes, sizeof bytes);

	for (ssize_t i = 0; i + NAME <= n; i += NAME)
		if (queue_is_id(bytes + i))
			load(r, bytes + i);
	r->backlog = n == (ssize_t)sizeof bytes ? r->backlog + (size_t)n : 0;
	if (r->backlog >= PIPEFUL)
		r->scanned = 0;
}

/* Milliseconds until there is something to do. */
static int
patience(const struct runner *r)
{
	const struct schedule *s = &r->crew.schedule;
	int64_t now = queue_now(), left = r->scanned + SCAN - now, next = INT64_MAX;
	int64_t most = s->workers > 0 ? 1 : s->waiting > 0 ? FLUSH_LOOK : SCAN;

	if (s->workers < SCHEDULE_WORKERS)
		(void)schedule_next(s, &next);
	if (r->names.len > 0 || next <= now || left <= 0)
		return 0;
	if (next - now < left)
		left = next - now;
	return (int)(left < most ? left : most) * 1000;
}

static void
wait_for(struct runner *r, int timeout)
{
	struct hand *hands = r->crew.hands;
	struct pollfd fds[2 + SCHEDULE_WORKERS] = {
		{ .fd = r->stopping ? -1 : r->crew.stop, .events = POLLIN },
		{ .fd = r->crew.settings->wake[0], .events = POLLIN },
	};

	for (int i = 0; i < SCHEDULE_WORKERS; i++)
		fds[2 + i] = (struct pollfd){ hands[i].pid == 0 ? -1 : hands[i].socket, POLLIN, 0 };
	if (poll(fds, 2 + SCHEDULE_WORKERS, timeout) <= 0)
		return;
	for (int i = 0; i < SCHEDULE_WORKERS; i++)
		if (fds[2 + i].revents != 0)
			crew_hear(&r->crew, &hands[i]);
	if (fds[1].revents != 0)
		read_wake(r);
	r->stopping |= fds[0].revents != 0;
}

static void
end(struct runner *r)
{
	int64_t deadline = conn_now() + (int64_t)SERVER_GRACE * 1000, left;

	/* Who was answered just now has said so. */
	wait_for(r, 0);
	crew_kill(&r->crew, false);
	while (r->crew.schedule.workers > 0 && (left = deadline - conn_now()) > 0)
		wait_for(r, (int)left);
	crew_kill(&r->crew, true);
	kept_free(&r->crew.routes);
	buf_free(&r->names);
}

int
runner_run(const struct runner_settings *settings, int stop)
{
	struct runner r = { .crew = { .settings = settings, .stop = stop } };
	struct sigaction action = { .sa_handler = on_hup, .sa_flags = SA_RESTART };

	hup_wake = settings->wake[1];
	sigemptyset(&action.sa_mask);
	sigaction(SIGHUP, &action, NULL);
	r.crew.flushed = queue_flushed(settings->root);
	kept_init(&r.crew.routes, ROUTES_TEXT);
	buf_init(&r.names, (size_t)SCHEDULE_WAITS * NAME);
	while (!r.stopping) {
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
		wait_for(&r, patience(&r));
	}
	end(&r);
	return EXITS_DONE;
}

#include "runner.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "conn.h"
#include "destination.h"
#include "exits.h"
#include "log.h"
#include "queue.h"
#include "schedule.h"
#include "wake.h"
#include "worker.h"

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

/* A worker. */
struct hand {
	pid_t pid; /* 0: none */
	int ear;   /* what it tells */
	struct batch batch;
	size_t handled;
	bool answered;
	bool ended; /* by us */
};

struct runner {
	const struct runner_settings *settings;
	int stop;
	struct schedule schedule;
	struct hand hands[SCHEDULE_WORKERS];
	struct buf names; /* of entries to be read */
	int64_t scanned, flushed;
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
	log_begin_error("queue-failed");
	log_text("id", entry->message.id);
	log_errno(errno);
	log_end();
	return QUEUE_BROKEN;
}

/* Read an entry, and keep in mind where it is to go. */
static void
load(struct runner *r, const char *id)
{
	char destination[SMTP_DOMAIN + 1];
	struct queue_entry entry;
	bool waits = false;

	if (schedule_knows(&r->schedule, id))
		return;
	enum queue_status status = queue_open(r->settings->root, id, &entry);
	for (size_t i = 0; status == QUEUE_OK && i < entry.message.recipients_n; i++) {
		const struct queue_recipient *to = &entry.message.recipients[i];
		if (to->state != QUEUE_WAITING)
			continue;
		waits = true;
		destination_of(r->settings->config, to, destination);
		bool flushed = to->tried < r->flushed;
		if (schedule_add(&r->schedule, id, destination, to->next, flushed ? queue_now() : to->next) <
		    0)
			break;
	}
	if (status == QUEUE_OK && !waits)
		status = finish(&entry);
	if (status == QUEUE_BROKEN)
		schedule_shun(&r->schedule, id);
	queue_close(&entry);
}

static void
note_name(const char *id, void *context)
{
	struct runner *r = context;

	if (!schedule_knows(&r->schedule, id))
		buf_add(&r->names, id, UNIQUE_ID);
}

static void
scan(struct runner *r)
{
	r->scanned = queue_now();
	buf_clear(&r->names);
	queue_clean(r->settings->root);
	if (queue_list(r->settings->root, note_name, r) == 0)
		return;
	log_begin_error("queue-failed");
	log_errno(errno);
	log_end();
}

static void
load_some(struct runner *r)
{
	char id[UNIQUE_ID + 1] = "";

	for (int i = 0; i < LOAD && r->names.len > 0; i++) {
		memcpy(id, r->names.data + r->names.len - UNIQUE_ID, UNIQUE_ID);
		buf_cut(&r->names, r->names.len - UNIQUE_ID);
		load(r, id);
	}
}

static void
look_at_flush(struct runner *r)
{
	int64_t flushed = wake_flushed(r->settings->root);

	if (flushed != r->flushed)
		schedule_flush(&r->schedule, queue_now());
	r->flushed = flushed;
}

_Noreturn static void
be_worker(const struct runner *r, const struct hand *own, int tell)
{
	const struct runner_settings *s = r->settings;
	const struct worker worker = {
		.config = s->config,
		.aliases = s->aliases,
		.root = s->root,
		.wake = s->wake[1],
		.stop = r->stop,
		.tell = tell,
		.batch = &own->batch,
	};

	signal(SIGHUP, SIG_IGN);
	close(s->wake[0]);
	for (int i = 0; i < SCHEDULE_WORKERS; i++)
		if (r->hands[i].pid != 0)
			close(r->hands[i].ear);
	worker_run(&worker);
	_exit(EXITS_DONE);
}

static int
start_worker(struct runner *r, struct hand *hand)
{
	int ends[2];

	if (pipe(ends) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		be_worker(r, hand, ends[1]);
	}
	close(ends[1]);
	if (pid < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) {
		close(ends[0]);
		return -1;
	}
	hand->pid = pid;
	hand->ear = ends[0];
	return 0;
}

/* What became of an entry that was in work. When it is due again; 0: no more. */
static int64_t
settle(struct runner *r, struct wait *wait)
{
	char destination[SMTP_DOMAIN + 1];
	struct queue_entry entry;
	int64_t next = INT64_MAX;
	bool waits = false;

	enum queue_status status = queue_open(r->settings->root, wait->known->id, &entry);
	for (size_t i = 0; status == QUEUE_OK && i < entry.message.recipients_n; i++) {
		const struct queue_recipient *to = &entry.message.recipients[i];
		if (to->state != QUEUE_WAITING)
			continue;
		waits = true;
		destination_of(r->settings->config, to, destination);
		if (to->next < next && strcmp(destination, wait->host->domain) == 0)
			next = to->next;
	}
	if (status == QUEUE_OK && !waits)
		(void)finish(&entry);
	queue_close(&entry);
	if (next == INT64_MAX) {
		schedule_drop(&r->schedule, wait);
		return 0;
	}
	int64_t due = next > wait->next ? next : queue_now() + STALLED;
	schedule_return(&r->schedule, wait, next, due);
	return due;
}

/* A worker is gone, or could not be started. */
static void
end_worker(struct runner *r, struct hand *hand)
{
	struct batch *batch = &hand->batch;
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < batch->n; i++) {
		struct wait *wait = batch->waits[i];
		int64_t due = wait->item.key;
		if (i < hand->handled) {
			due = settle(r, wait);
		} else {
			due = hand->handled == 0 ? queue_now() + STALLED : due;
			schedule_return(&r->schedule, wait, wait->next, due);
		}
		if (due > 0 && due < first)
			first = due;
	}
	bool unreached = !hand->answered && first != INT64_MAX;
	schedule_end(&r->schedule, batch, unreached ? first : 0);
	*hand = (struct hand){ .pid = 0 };
}

static void
start_workers(struct runner *r)
{
	for (int i = 0; i < SCHEDULE_WORKERS; i++) {
		struct hand *hand = &r->hands[i];
		if (hand->pid != 0)
			continue;
		if (!schedule_take(&r->schedule, queue_now(), &hand->batch))
			return;
		if (start_worker(r, hand) == 0)
			continue;
		log_begin_error("worker-failed");
		log_errno(errno);
		log_end();
		end_worker(r, hand);
		return;
	}
}

static void
reap(struct runner *r, struct hand *hand)
{
	int status = 0;

	close(hand->ear);
	while (waitpid(hand->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status) && !hand->ended) {
		log_begin_error("crashed");
		log_number("child", hand->pid);
		log_number("signal", WTERMSIG(status));
		log_end();
	}
	end_worker(r, hand);
}

static void
listen_to(struct runner *r, struct hand *hand)
{
	char bytes[512];
	ssize_t n = read(hand->ear, bytes, sizeof bytes);

	for (ssize_t i = 0; i < n; i++) {
		if (bytes[i] == WORKER_ANSWERED) {
			hand->answered = true;
			schedule_answered(&r->schedule, &hand->batch);
		} else if (hand->handled < hand->batch.n)
			hand->handled++;
	}
	if (n == 0)
		reap(r, hand);
}

/* What sessions and workers wrote into the pipe: ids, each a line. */
static void
read_wake(struct runner *r)
{
	char bytes[128 * LINE];
	ssize_t n = read(r->settings->wake[0], bytes, sizeof bytes);

	for (ssize_t i = 0; i < n; i++) {
		if (bytes[i] != '\n') {
			r->line[r->line_n] = bytes[i];
			r->line_n += r->line_n < LINE - 1;
			continue;
		}
		r->line[r->line_n] = '\0';
		r->line_n = 0;
		if (queue_is_id(r->line))
			load(r, r->line);
	}
	r->backlog = n == (ssize_t)sizeof bytes ? r->backlog + (size_t)n : 0;
	if (r->backlog >= PIPEFUL)
		r->scanned = 0;
}

/* Milliseconds until there is something to do. */
static int
patience(const struct runner *r)
{
	int64_t now = queue_now(), most = r->schedule.waits > 0 ? FLUSH_LOOK : SCAN;
	int64_t next = schedule_next(&r->schedule), left = r->scanned + SCAN - now;

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
		{ .fd = r->stop, .events = POLLIN },
		{ .fd = r->settings->wake[0], .events = POLLIN },
	};

	for (int i = 0; i < SCHEDULE_WORKERS; i++)
		fds[2 + i] =
		    (struct pollfd){ .fd = r->hands[i].pid == 0 ? -1 : r->hands[i].ear, .events = POLLIN };
	if (poll(fds, 2 + SCHEDULE_WORKERS, timeout) <= 0)
		return true;
	for (int i = 0; i < SCHEDULE_WORKERS; i++)
		if (fds[2 + i].revents != 0)
			listen_to(r, &r->hands[i]);
	if (fds[1].revents != 0)
		read_wake(r);
	return fds[0].revents == 0;
}

/* Who has not been answered yet has nothing to finish, and may wait for long. */
static void
end_unanswered(struct runner *r)
{
	for (int i = 0; i < SCHEDULE_WORKERS; i++) {
		struct hand *hand = &r->hands[i];
		struct pollfd ear = { .fd = hand->ear, .events = POLLIN };
		if (hand->pid != 0 && poll(&ear, 1, 0) > 0)
			listen_to(r, hand);
		if (hand->pid == 0 || hand->answered)
			continue;
		hand->ended = kill(hand->pid, SIGKILL) == 0;
		reap(r, hand);
	}
}

static void
end_workers(struct runner *r)
{
	int64_t deadline = conn_now() + (int64_t)SERVER_GRACE * 1000, left;

	end_unanswered(r);
	while (r->schedule.workers > 0 && (left = deadline - conn_now()) > 0)
		for (int i = 0; i < SCHEDULE_WORKERS; i++) {
			struct pollfd ear = { .fd = r->hands[i].ear, .events = POLLIN };
			if (r->hands[i].pid != 0 && poll(&ear, 1, (int)left) > 0)
				listen_to(r, &r->hands[i]);
		}
	for (int i = 0; i < SCHEDULE_WORKERS; i++)
		if (r->hands[i].pid != 0)
			kill(r->hands[i].pid, SIGKILL);
}

int
runner_run(const struct runner_settings *settings, int stop)
{
	struct runner r = { .settings = settings, .stop = stop };
	struct sigaction action = { .sa_handler = on_hup, .sa_flags = SA_RESTART };

	hup_wake = settings->wake[1];
	sigemptyset(&action.sa_mask);
	sigaction(SIGHUP, &action, NULL);
	r.flushed = wake_flushed(settings->root);
	buf_init(&r.names, (size_t)SCHEDULE_WAITS * UNIQUE_ID);
	do {
		int64_t now = queue_now();
		if (got_hup) {
			got_hup = 0;
			(void)settings->reload(settings->context);
		}
		look_at_flush(&r);
		if (r.names.len == 0 && (now >= r.scanned + SCAN || now < r.scanned))
			scan(&r);
		load_some(&r);
		start_workers(&r);
	} while (wait_for(&r, patience(&r)));
	end_workers(&r);
	buf_free(&r.names);
	return EXITS_DONE;
}

#include "runner.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "conn.h"
#include "exits.h"
#include "io.h"
#include "log.h"
#include "queue.h"
#include "routes.h"
#include "schedule.h"
#include "worker.h"

/*
 * Entries are known by their names, from the pipe or by looking through queue/ once a minute: what is there counts, other machines' runners and
 * sessions write there, too. What is in memory is bounded by SCHEDULE_WAITS; it all can be read again.
 */

enum {
	CROWDED = 2,  /* seconds before a connection more is tried for where there was no room */
	CRASHED = 60, /* seconds before what a worker died of is tried again, or a fork that failed */
	STALLED = 60, /* seconds before what got no further (another has it, no record of it) is looked at */
	SCAN = 60,    /* seconds */
	FLUSH_LOOK = 2,	     /* seconds between two looks whether all is to be tried */
	LOAD = 100,	     /* entries that are found before anything else is looked at */
	PIPEFUL = 32 * 1024, /* bytes waiting in a pipe after which something may not have found room in it */
	NAME = UNIQUE_ID + 1 /* bytes of an id with its NUL, as they come through the pipe */
};

/* A worker. */
struct hand {
	pid_t pid;  /* 0: none */
	int socket; /* to it */
	struct host *host;
	struct wait *given;	  /* what it is at; NULL: it waits for more */
	bool answered, unreached; /* the host */
	bool ends;		  /* it gets no more */
	bool killed;		  /* by us */
};

struct runner {
	const struct runner_settings *settings;
	bool stopping;
	struct kept routes;
	struct schedule schedule;
	struct hand hands[SCHEDULE_WORKERS];
	int64_t scanned; /* when queue/ was looked through, */
	int64_t looked;	 /* and queue/flush looked at */
	int64_t flushed; /* what was tried before is due */
	int64_t crowded; /* when a host had no room for a connection more */
	size_t loaded, backlog;
};

/*
 * Read an entry, and keep in mind where it is to go. tried: what a worker has had of it, which is returned to the schedule or dropped; NULL:
 * nothing. When that is due again; INT64_MAX: never.
 */
static int64_t
load(struct runner *r, const char *id, struct wait *tried)
{
	static const struct queue_outcome over = { .state = QUEUE_DONE };
	struct schedule *s = &r->schedule;
	char destination[ROUTES_DESTINATION];
	struct queue_entry entry;
	int64_t now = queue_now(), again = INT64_MAX;
	bool waits = false, at_once = tried != NULL && tried->flushed;

	if (tried != NULL)
		tried->flushed = false;
	(void)kept_refresh(&r->routes, r->settings->root, "routes");
	enum queue_status status = queue_open(r->settings->root, id, &entry);
	for (size_t i = 0; status == QUEUE_OK && i < entry.message.recipients_n; i++) {
		const struct queue_recipient *to = &entry.message.recipients[i];
		if (to->state != QUEUE_WAITING)
			continue;
		waits = true;
		routes_destination(r->settings->config, &r->routes, to, destination);
		bool flushed = to->tried < r->flushed;
		if (tried != NULL && strcmp(destination, tried->host->name) == 0) {
			again = to->next < again ? to->next : again;
			tried->flushed |= flushed;
			continue;
		}
		const size_t known = s->waiting;
		struct wait *wait = schedule_add(s, id, destination, to->next < now ? now : to->next);
		if (wait == NULL)
			break;
		/* What was to be tried at once is to be that also where it goes only now. */
		if (!flushed && !(at_once && s->waiting > known))
			continue;
		wait->flushed = true;
		(void)schedule_add(s, id, destination, now);
	}
	if (status == QUEUE_OK && !waits && queue_record(&entry, &over, NULL, 0, NULL) < 0) {
		log_failure("queue-failed", "id", id);
		status = QUEUE_BROKEN;
	}
	/* What the disk or the system could not do may be done when queue/ is looked through again. */
	if (status == QUEUE_BROKEN && errno == EBADMSG)
		schedule_shun(s, id);
	queue_close(&entry);
	bool stalled = tried != NULL && (again <= tried->due || tried->flushed);
	if (tried != NULL && again < INT64_MAX)
		schedule_return(tried, stalled ? now + STALLED : again, stalled);
	else if (tried != NULL)
		schedule_drop(s, tried);
	return again;
}

/* No more for it: it ends when it has done what it was given. */
static void
dismiss(struct hand *hand)
{
	if (hand->pid != 0)
		shutdown(hand->socket, SHUT_WR);
	hand->ends = true;
}

static void
feed(struct hand *hand)
{
	int64_t now = queue_now();
	struct order order = { .next = now };

	if (hand->ends || hand->given != NULL)
		return;
	hand->given = schedule_take(hand->host, now);
	if (hand->given != NULL) {
		if (hand->given->flushed)
			order.next = INT64_MAX;
		memcpy(order.id, hand->given->id, sizeof order.id);
		if (write(hand->socket, &order, sizeof order) == (ssize_t)sizeof order)
			return;
	}
	if (hand->given != NULL || !hand->answered)
		dismiss(hand);
}

static void
start_worker(struct runner *r, struct hand *hand, struct host *host)
{
	struct worker worker = {
		.settings = r->settings,
		.routes = &r->routes,
		.destination = host->name,
		.more = host->workers > 0,
	};
	int ends[2] = { -1, -1 };

	pid_t pid = socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 ? -1 : fork();
	if (pid == 0) {
		signal(SIGHUP, SIG_IGN);
		close(r->settings->wake[0]);
		close(ends[0]);
		/* That they hear when the runner has died. */
		for (int i = 0; i < SCHEDULE_WORKERS; i++)
			if (r->hands[i].pid != 0)
				close(r->hands[i].socket);
		worker.runner = ends[1];
		worker_run(&worker);
		_exit(EXITS_DONE);
	}
	if (pid < 0) {
		log_failure("worker-failed", NULL, NULL);
		host->closed = queue_now() + CRASHED;
		io_close(ends[0]);
	} else {
		*hand = (struct hand){ .pid = pid, .socket = ends[0], .host = host };
		schedule_begin(&r->schedule, host);
		feed(hand);
	}
	io_close(ends[1]);
}

/* Where all are taken, one that has nothing to do makes room. */
static struct hand *
free_hand(struct runner *r)
{
	struct hand *idle = NULL;

	for (struct hand *hand = r->hands; hand < r->hands + SCHEDULE_WORKERS; hand++) {
		if (hand->pid == 0)
			return hand;
		if (hand->given == NULL && !hand->ends)
			idle = hand;
	}
	if (idle != NULL)
		dismiss(idle);
	return NULL;
}

static void
feed_all(struct runner *r)
{
	int64_t now = queue_now(), when;
	struct host *host;
	struct hand *hand;

	for (int i = 0; i < SCHEDULE_WORKERS; i++)
		if (r->hands[i].pid != 0)
			feed(&r->hands[i]);
	while ((host = schedule_next(&r->schedule, &when)) != NULL && when <= now &&
	       (hand = free_hand(r)) != NULL)
		start_worker(r, hand, host);
}

/* What it has not answered to is as new, but what it died of. */
static void
take_back(struct hand *hand, bool died)
{
	if (hand->given != NULL)
		schedule_return(hand->given, died ? queue_now() + CRASHED : hand->given->due, died);
	hand->given = NULL;
}

static void
reap(struct runner *r, struct hand *hand)
{
	int status = 0;

	close(hand->socket);
	while (waitpid(hand->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status) && !hand->killed) {
		log_begin_error("crashed");
		log_number("child", hand->pid);
		log_number("signal", WTERMSIG(status));
		log_end();
	}
	take_back(hand, status != 0);
	schedule_end(&r->schedule, hand->host);
	*hand = (struct hand){ .pid = 0 };
}

/* It has carried out its order. */
static void
settle(struct runner *r, struct hand *hand, bool over)
{
	struct wait *wait = hand->given;
	struct host *host = hand->host;
	int64_t again = INT64_MAX;

	hand->given = NULL;
	if (over)
		schedule_drop(&r->schedule, wait);
	else
		again = load(r, wait->id, wait);
	if (hand->unreached && again < INT64_MAX && (host->closed <= queue_now() || again < host->closed))
		host->closed = again;
	feed(hand);
}

static void
hear(struct runner *r, struct hand *hand, char what)
{
	struct host *host = hand->host;
	int64_t now = queue_now();

	switch (what) {
	case WORKER_ANSWERED:
		hand->answered = host->answered = true;
		host->closed = 0;
		break;
	case WORKER_UNREACHED:
		hand->unreached = true;
		host->answered = false;
		break;
	case WORKER_BUSY:
		r->crowded = now;
		break;
	case WORKER_ENDS:
		/* It had its share: who waits for the same host by another name may be next. */
		if (hand->given != NULL && now <= r->crowded + CROWDED)
			host->closed = now + CROWDED;
		dismiss(hand);
		take_back(hand, false);
		break;
	default:
		if (hand->given != NULL)
			settle(r, hand, what == WORKER_OVER);
	}
}

static void
hear_all(struct runner *r, struct hand *hand)
{
	char bytes[16];
	ssize_t n = read(hand->socket, bytes, sizeof bytes);

	for (ssize_t i = 0; i < n; i++)
		hear(r, hand, bytes[i]);
	if (n == 0 || (n < 0 && errno != EINTR))
		reap(r, hand);
}

static void
kill_workers(struct runner *r, bool all)
{
	for (struct hand *hand = r->hands; hand < r->hands + SCHEDULE_WORKERS; hand++)
		if (hand->pid != 0 && (all || !hand->answered))
			hand->killed = kill(hand->pid, SIGKILL) == 0;
}

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
look_at_flush(struct runner *r, int64_t now)
{
	if (now == r->looked)
		return;
	r->looked = now;
	int64_t flushed = queue_flushed(r->settings->root);
	if (flushed != r->flushed)
		schedule_flush(&r->schedule, now);
	r->flushed = flushed;
}

/* What sessions and workers wrote into the pipe, each a whole id. */
static void
read_wake(struct runner *r)
{
	char bytes[128 * NAME];
	ssize_t n = read(r->settings->wake[0], bytes, sizeof bytes);

	for (ssize_t i = 0; i + NAME <= n; i += NAME)
		if (queue_is_id(bytes + i) && !schedule_knows(&r->schedule, bytes + i))
			(void)load(r, bytes + i, NULL);
	r->backlog = n == (ssize_t)sizeof bytes ? r->backlog + (size_t)n : 0;
	if (r->backlog >= PIPEFUL)
		r->scanned = 0;
}

/* Milliseconds until there is something to do. */
static int
patience(const struct runner *r)
{
	const struct schedule *s = &r->schedule;
	int64_t now = queue_now(), left = r->scanned + SCAN - now, next = INT64_MAX;
	int64_t most = s->workers > 0 ? 1 : s->waiting > 0 ? FLUSH_LOOK : SCAN;

	if (s->workers < SCHEDULE_WORKERS)
		(void)schedule_next(s, &next);
	if (next <= now || left <= 0)
		return 0;
	if (next - now < left)
		left = next - now;
	return (int)(left < most ? left : most) * 1000;
}

static void
wait_for(struct runner *r, int timeout)
{
	struct hand *hands = r->hands;
	struct pollfd fds[2 + SCHEDULE_WORKERS] = {
		{ .fd = r->stopping ? -1 : r->settings->stop, .events = POLLIN },
		{ .fd = r->settings->wake[0], .events = POLLIN },
	};

	for (int i = 0; i < SCHEDULE_WORKERS; i++)
		fds[2 + i] = (struct pollfd){ hands[i].pid == 0 ? -1 : hands[i].socket, POLLIN, 0 };
	if (poll(fds, 2 + SCHEDULE_WORKERS, timeout) <= 0)
		return;
	for (int i = 0; i < SCHEDULE_WORKERS; i++)
		if (fds[2 + i].revents != 0)
			hear_all(r, &hands[i]);
	if (fds[1].revents != 0)
		read_wake(r);
	r->stopping |= fds[0].revents != 0;
}

/* An entry that was found: there may be many, and what they have to do must not wait for the last of them. */
static void
find(const char *id, void *context)
{
	struct runner *r = context;

	if (r->stopping || schedule_knows(&r->schedule, id))
		return;
	(void)load(r, id, NULL);
	if (++r->loaded % LOAD == 0) {
		feed_all(r);
		wait_for(r, 0);
	}
}

static void
end(struct runner *r)
{
	int64_t deadline = conn_now() + (int64_t)SERVER_GRACE * 1000, left;

	wait_for(r, 0); /* who was answered just now has said so */
	kill_workers(r, false);
	while (r->schedule.workers > 0 && (left = deadline - conn_now()) > 0)
		wait_for(r, (int)left);
	kill_workers(r, true);
	kept_free(&r->routes);
}

int
runner_run(const struct runner_settings *settings)
{
	struct runner r = { .settings = settings };
	struct sigaction action = { .sa_handler = on_hup, .sa_flags = SA_RESTART };

	hup_wake = settings->wake[1];
	sigemptyset(&action.sa_mask);
	sigaction(SIGHUP, &action, NULL);
	r.flushed = queue_flushed(settings->root);
	kept_init(&r.routes, ROUTES_TEXT);
	while (!r.stopping) {
		int64_t now = queue_now();
		if (got_hup) {
			got_hup = 0;
			(void)settings->reload(settings->context);
			for (int i = 0; i < SCHEDULE_WORKERS; i++)
				dismiss(&r.hands[i]);
		}
		look_at_flush(&r, now);
		if (now >= r.scanned + SCAN || now < r.scanned) {
			r.scanned = now;
			if (queue_list(settings->root, true, find, &r) < 0)
				log_failure("queue-failed", NULL, NULL);
		}
		feed_all(&r);
		wait_for(&r, patience(&r));
	}
	end(&r);
	return EXITS_DONE;
}

#include "crew.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "destination.h"
#include "exits.h"
#include "log.h"
#include "queue.h"
#include "worker.h"

enum {
	CROWDED = 2, /* seconds before a connection more is tried for where there was no room */
	CRASHED =
	    60, /* seconds before what a worker died of is tried again, or another is forked where that failed */
	STALLED =
	    60 /* seconds before what did not get any further (another runner has it, it can't be recorded) is looked at again */
};

int64_t
crew_load(struct crew *crew, const char *id, struct wait *tried)
{
	static const struct queue_outcome over = { .state = QUEUE_DONE };
	struct schedule *s = &crew->schedule;
	char destination[DESTINATION];
	struct queue_entry entry;
	int64_t now = queue_now(), again = INT64_MAX;
	bool waits = false;

	if (tried != NULL)
		tried->flushed = false;
	enum queue_status status = queue_open(crew->settings->root, id, &entry);
	(void)kept_refresh(&crew->routes, crew->settings->root, "routes");
	for (size_t i = 0; status == QUEUE_OK && i < entry.message.recipients_n; i++) {
		const struct queue_recipient *to = &entry.message.recipients[i];
		if (to->state != QUEUE_WAITING)
			continue;
		waits = true;
		destination_of(crew->settings->config, buf_span(&crew->routes.text), to, destination);
		bool flushed = to->tried < crew->flushed;
		if (tried != NULL && strcmp(destination, tried->host->name) == 0) {
			again = to->next < again ? to->next : again;
			tried->flushed |= flushed;
			continue;
		}
		struct wait *wait =
		    schedule_add(s, id, destination, flushed || to->next < now ? now : to->next);
		if (wait == NULL)
			break;
		wait->flushed |= flushed;
	}
	if (status == QUEUE_OK && !waits && queue_record(&entry, &over, NULL, 0, NULL) < 0) {
		log_failure("queue-failed", "id", id);
		status = QUEUE_BROKEN;
	}
	if (status == QUEUE_BROKEN)
		schedule_shun(s, id);
	queue_close(&entry);
	if (tried != NULL && again < INT64_MAX)
		schedule_return(tried, again > tried->due && !tried->flushed ? again : now + STALLED);
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

_Noreturn static void
be_worker(const struct crew *crew, const struct worker *worker)
{
	signal(SIGHUP, SIG_IGN);
	close(crew->settings->wake[0]);
	/* That they hear when the runner has died. */
	for (int i = 0; i < SCHEDULE_WORKERS; i++)
		if (crew->hands[i].pid != 0)
			close(crew->hands[i].socket);
	worker_run(worker);
	_exit(EXITS_DONE);
}

static int
start_worker(struct crew *crew, struct hand *hand, struct host *host)
{
	const struct runner_settings *s = crew->settings;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		return -1;
	const struct worker worker = {
		.config = s->config,
		.aliases = s->aliases,
		.routes = &crew->routes,
		.root = s->root,
		.wake = s->wake[1],
		.stop = crew->stop,
		.runner = ends[1],
		.destination = host->name,
		.more = host->workers > 0,
	};
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		be_worker(crew, &worker);
	}
	int error = errno;
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		errno = error;
		return -1;
	}
	*hand = (struct hand){ .pid = pid, .socket = ends[0], .host = host };
	return 0;
}

void
crew_dismiss(struct crew *crew)
{
	for (int i = 0; i < SCHEDULE_WORKERS; i++)
		dismiss(&crew->hands[i]);
}

/* Where all are taken, one that has nothing to do makes room. */
static struct hand *
free_hand(struct crew *crew)
{
	struct hand *idle = NULL;

	for (struct hand *hand = crew->hands; hand < crew->hands + SCHEDULE_WORKERS; hand++) {
		if (hand->pid == 0)
			return hand;
		if (hand->given == NULL && !hand->ends)
			idle = hand;
	}
	if (idle != NULL)
		dismiss(idle);
	return NULL;
}

void
crew_feed(struct crew *crew)
{
	int64_t now = queue_now(), when;
	struct host *host;
	struct hand *hand;

	for (int i = 0; i < SCHEDULE_WORKERS; i++)
		if (crew->hands[i].pid != 0)
			feed(&crew->hands[i]);
	while ((host = schedule_next(&crew->schedule, &when)) != NULL && when <= now &&
	       (hand = free_hand(crew)) != NULL) {
		int result = start_worker(crew, hand, host);
		schedule_begin(&crew->schedule, host);
		if (result == 0) {
			feed(hand);
			continue;
		}
		log_failure("worker-failed", NULL, NULL);
		schedule_end(&crew->schedule, host, now + CRASHED);
	}
}

/* What it has not answered to is as new, but what it died of. */
static void
take_back(struct hand *hand, bool died)
{
	if (hand->given != NULL)
		schedule_return(hand->given, died ? queue_now() + CRASHED : hand->given->due);
	hand->given = NULL;
}

static void
reap(struct crew *crew, struct hand *hand)
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
	hand->host->answered &= !hand->unreached;
	schedule_end(&crew->schedule, hand->host, hand->closed);
	*hand = (struct hand){ .pid = 0 };
}

/* It has carried out its order. */
static void
settle(struct crew *crew, struct hand *hand, bool over)
{
	struct wait *wait = hand->given;
	int64_t again = INT64_MAX;

	hand->given = NULL;
	if (over)
		schedule_drop(&crew->schedule, wait);
	else
		again = crew_load(crew, wait->id, wait);
	if (hand->unreached && again < INT64_MAX && (hand->closed == 0 || again < hand->closed))
		hand->closed = again;
	feed(hand);
}

static void
hear(struct crew *crew, struct hand *hand, char what)
{
	int64_t now = queue_now();

	switch (what) {
	case WORKER_ANSWERED:
		hand->answered = hand->host->answered = true;
		hand->host->closed = 0;
		break;
	case WORKER_UNREACHED:
		hand->unreached = true;
		break;
	case WORKER_BUSY:
		crew->crowded = now;
		break;
	case WORKER_ENDS:
		/* It had its share: who waits for the same host by another name may be next. */
		if (hand->given != NULL && now <= crew->crowded + CROWDED)
			hand->closed = now + CROWDED;
		dismiss(hand);
		take_back(hand, false);
		break;
	default:
		if (hand->given != NULL)
			settle(crew, hand, what == WORKER_OVER);
	}
}

void
crew_hear(struct crew *crew, struct hand *hand)
{
	char bytes[16];
	ssize_t n = read(hand->socket, bytes, sizeof bytes);

	for (ssize_t i = 0; i < n; i++)
		hear(crew, hand, bytes[i]);
	if (n == 0 || (n < 0 && errno != EINTR))
		reap(crew, hand);
}

void
crew_kill(struct crew *crew, bool all)
{
	for (struct hand *hand = crew->hands; hand < crew->hands + SCHEDULE_WORKERS; hand++)
		if (hand->pid != 0 && (all || !hand->answered))
			hand->killed = kill(hand->pid, SIGKILL) == 0;
}

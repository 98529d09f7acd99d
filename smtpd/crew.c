#include "crew.h"

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
#include "worker.h"

enum {
	BUSY = 2, /* seconds before a connection more is tried for where there was no room */
	CRASHED =
	    60, /* seconds before what a worker died of is tried again, or another is forked where that failed */
};

/* What it has not answered to is as new, but what it died of. */
static void
take_back(struct crew *crew, struct hand *hand, size_t from, bool died)
{
	for (size_t i = from; i < hand->n; i++) {
		struct wait *wait = hand->given[i];
		hand->given[i] = NULL;
		if (wait != NULL)
			schedule_return(&crew->schedule, wait, wait->next,
			    died && i == 0 ? queue_now() + CRASHED : wait->item.key);
	}
}

/* No more for it: it ends when it has done what it was given. */
static void
dismiss(struct hand *hand)
{
	if (hand->pid != 0 && !hand->ends)
		close(hand->orders);
	hand->ends = true;
}

static void
feed(struct crew *crew, struct hand *hand)
{
	int64_t now = queue_now();
	struct wait *wait;

	if (hand->n > 0 && now >= hand->since + SCHEDULE_TURN) {
		/* What stands behind a message that takes long may go by another. */
		if (hand->answered)
			take_back(crew, hand, 1, false);
		return;
	}
	while (!hand->ends && hand->n < CREW_WINDOW &&
	       (wait = schedule_take(&crew->schedule, hand->host, now)) != NULL) {
		struct order order = { .next = wait->next > now ? wait->next : now };
		memcpy(order.id, wait->id, sizeof order.id);
		if (hand->n == 0)
			hand->since = now;
		hand->given[hand->n++] = wait;
		if (write(hand->orders, &order, sizeof order) < 0)
			dismiss(hand);
	}
	if (hand->n == 0 && !hand->answered)
		dismiss(hand);
}

_Noreturn static void
be_worker(const struct crew *crew, const struct worker *worker)
{
	signal(SIGHUP, SIG_IGN);
	close(crew->settings->wake[0]);
	for (int i = 0; i < SCHEDULE_WORKERS; i++) {
		const struct hand *other = &crew->hands[i];
		if (other->pid == 0)
			continue;
		close(other->ear);
		if (!other->ends)
			close(other->orders);
	}
	worker_run(worker);
	_exit(EXITS_DONE);
}

static int
start_worker(struct crew *crew, struct hand *hand, struct host *host)
{
	const struct runner_settings *s = crew->settings;
	int orders[2], answers[2];

	if (io_pipe(orders) < 0)
		return -1;
	if (io_pipe(answers) < 0) {
		close(orders[0]);
		close(orders[1]);
		return -1;
	}
	const struct worker worker = {
		.config = s->config,
		.aliases = s->aliases,
		.routes = &crew->routes,
		.root = s->root,
		.wake = s->wake[1],
		.stop = crew->stop,
		.orders = orders[0],
		.ear = answers[1],
		.destination = host->name,
		.more = host->workers > 0,
	};
	pid_t pid = fork();
	if (pid == 0) {
		close(orders[1]);
		close(answers[0]);
		be_worker(crew, &worker);
	}
	int error = errno;
	close(orders[0]);
	close(answers[1]);
	if (pid < 0) {
		close(orders[1]);
		close(answers[0]);
		errno = error;
		return -1;
	}
	*hand = (struct hand){ .pid = pid, .orders = orders[1], .ear = answers[0], .host = host };
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
	for (int i = 0; i < SCHEDULE_WORKERS; i++)
		if (crew->hands[i].pid == 0)
			return &crew->hands[i];
	for (int i = 0; i < SCHEDULE_WORKERS; i++)
		if (crew->hands[i].n == 0 && !crew->hands[i].ends) {
			dismiss(&crew->hands[i]);
			break;
		}
	return NULL;
}

void
crew_feed(struct crew *crew)
{
	struct host *host;
	struct hand *hand;

	for (int i = 0; i < SCHEDULE_WORKERS; i++)
		if (crew->hands[i].pid != 0)
			feed(crew, &crew->hands[i]);
	while ((host = schedule_host(&crew->schedule, queue_now())) != NULL &&
	       (hand = free_hand(crew)) != NULL) {
		int result = start_worker(crew, hand, host);
		schedule_begin(&crew->schedule, host);
		if (result == 0) {
			feed(crew, hand);
			continue;
		}
		log_failure("worker-failed", NULL, NULL);
		schedule_end(&crew->schedule, host, queue_now() + CRASHED);
	}
}

static void
reap(struct crew *crew, struct hand *hand)
{
	int status = 0;

	dismiss(hand);
	close(hand->ear);
	while (waitpid(hand->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status) && !hand->ended) {
		log_begin_error("crashed");
		log_number("child", hand->pid);
		log_number("signal", WTERMSIG(status));
		log_end();
	}
	take_back(crew, hand, 0, status != 0);
	if (hand->unreached)
		schedule_answered(&crew->schedule, hand->host, false);
	schedule_end(&crew->schedule, hand->host, hand->closed);
	*hand = (struct hand){ .pid = 0 };
}

/* It has carried out the first of its orders. */
static void
settle(struct crew *crew, struct hand *hand, bool over)
{
	struct wait *wait = hand->given[0];

	hand->since = queue_now();
	hand->n--;
	for (size_t i = 0; i < hand->n; i++)
		hand->given[i] = hand->given[i + 1];
	if (wait != NULL && over)
		schedule_drop(&crew->schedule, wait);
	int64_t due = wait == NULL || over ? INT64_MAX : crew->look(crew->context, wait);
	if (hand->unreached && due < INT64_MAX && (hand->closed == 0 || due < hand->closed))
		hand->closed = due;
}

static void
hear(struct crew *crew, struct hand *hand, char what)
{
	switch (what) {
	case WORKER_ANSWERED:
		hand->answered = true;
		hand->since = queue_now();
		schedule_answered(&crew->schedule, hand->host, true);
		break;
	case WORKER_UNREACHED:
		hand->unreached = true;
		break;
	case WORKER_BUSY:
		crew->busy = queue_now();
		hand->closed = crew->busy + BUSY;
		break;
	case WORKER_ENDS:
		/* It had its share: who waits for the same host by another name may be next. */
		if (hand->n > 0 && queue_now() <= crew->busy + BUSY)
			hand->closed = queue_now() + BUSY;
		dismiss(hand);
		take_back(crew, hand, 0, false);
		hand->n = 0;
		break;
	default:
		if (hand->n > 0)
			settle(crew, hand, what == WORKER_OVER);
	}
}

void
crew_hear(struct crew *crew, struct hand *hand)
{
	char bytes[512];
	ssize_t n = read(hand->ear, bytes, sizeof bytes);

	for (ssize_t i = 0; i < n; i++)
		hear(crew, hand, bytes[i]);
	if (n == 0)
		reap(crew, hand);
}

/* Who has not been answered yet has nothing to finish, and may wait for long. */
static void
end_unanswered(struct crew *crew)
{
	for (int i = 0; i < SCHEDULE_WORKERS; i++) {
		struct hand *hand = &crew->hands[i];
		struct pollfd ear = { .fd = hand->ear, .events = POLLIN };
		if (hand->pid != 0 && poll(&ear, 1, 0) > 0)
			crew_hear(crew, hand);
		if (hand->pid == 0 || hand->answered)
			continue;
		hand->ended = kill(hand->pid, SIGKILL) == 0;
		reap(crew, hand);
	}
}

void
crew_end(struct crew *crew)
{
	int64_t deadline = conn_now() + (int64_t)SERVER_GRACE * 1000, left;

	end_unanswered(crew);
	while (crew->schedule.workers > 0 && (left = deadline - conn_now()) > 0)
		for (int i = 0; i < SCHEDULE_WORKERS; i++) {
			struct pollfd ear = { .fd = crew->hands[i].ear, .events = POLLIN };
			if (crew->hands[i].pid != 0 && poll(&ear, 1, (int)left) > 0)
				crew_hear(crew, &crew->hands[i]);
		}
	for (int i = 0; i < SCHEDULE_WORKERS; i++)
		if (crew->hands[i].pid != 0)
			kill(crew->hands[i].pid, SIGKILL);
}

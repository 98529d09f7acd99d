#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "destination.h"
#include "local.h"
#include "report.h"
#include "routes.h"

enum {
	IDLE = 2000, /* milliseconds that it waits for more: less than a server would */
	MOST = 100   /* entries of one session: some servers take no more */
};

/* What it does at one destination. */
struct session {
	const struct worker *worker;
	struct relay *relay; /* NULL: there is none yet, or none to be had: */
	bool unreached, over;
	struct relay_result result; /* why it was not reached, for every recipient */
};

/* An entry in work. */
struct work {
	const struct worker *worker;
	struct queue_entry *entry;
	size_t *which; /* recipients, claimed */
	struct relay_result *results;
	size_t n, others; /* others that wait */
	bool unrecorded;
};

/* As the runner knew it: who has been tried since then, by another runner, is none of ours. */
static bool
is_ours(const struct worker *worker, const struct order *order, const struct queue_recipient *r)
{
	char destination[DESTINATION];

	if (r->state != QUEUE_WAITING || r->next > order->next)
		return false;
	destination_of(worker->config, buf_span(&worker->routes->text), r, destination);
	return strcmp(destination, worker->destination) == 0;
}

static int
claim(struct work *work, const struct order *order)
{
	const struct queue_message *message = &work->entry->message;
	size_t claimed = 0;

	(void)kept_refresh(work->worker->routes, work->worker->root, "routes");
	work->which = malloc(message->recipients_n * sizeof *work->which);
	if (work->which == NULL)
		return -1;
	for (size_t i = 0; i < message->recipients_n; i++)
		if (is_ours(work->worker, order, &message->recipients[i]) && queue_claim(work->entry, i))
			work->which[claimed++] = i;
	if (claimed == 0 || queue_refresh(work->entry) != QUEUE_OK)
		return 0;
	for (size_t i = 0; i < claimed; i++)
		if (is_ours(work->worker, order, &message->recipients[work->which[i]]))
			work->which[work->n++] = work->which[i];
	for (size_t i = 0; i < message->recipients_n; i++)
		work->others += message->recipients[i].state == QUEUE_WAITING;
	work->others -= work->n;
	if (work->n == 0)
		return 0;
	work->results = calloc(work->n, sizeof *work->results);
	for (size_t i = 0; i < work->n && work->results != NULL; i++)
		buf_init(&work->results[i].reply, REPLY_TEXT);
	return work->results == NULL ? -1 : 0;
}

static void
end_work(struct work *work)
{
	for (size_t i = 0; i < work->n && work->results != NULL; i++)
		buf_free(&work->results[i].reply);
	free(work->results);
	free(work->which);
	queue_close(work->entry);
}

/* n of them, from first on. */
static void
report_work(struct work *work, bool local, size_t first, size_t n)
{
	const struct report r = {
		.config = work->worker->config,
		.wake = work->worker->wake,
		.entry = work->entry,
		.local = local,
		.now = queue_now(),
		.which = work->which + first,
		.results = work->results + first,
		.n = n,
	};

	if (report(&r) < 0)
		work->unrecorded = true;
}

static void
tell(const struct worker *worker, char what)
{
	/* Where the runner has died, the work is finished all the same. */
	while (write(worker->ear, &what, 1) < 0 && errno == EINTR)
		;
}

/* The same of all: the host was not reached. */
static void
copy_result(const struct work *work, const struct relay_result *result)
{
	for (size_t i = 0; i < work->n; i++) {
		struct relay_result *copy = &work->results[i];
		copy->verdict = result->verdict;
		memcpy(copy->status, result->status, sizeof copy->status);
		memcpy(copy->host, result->host, sizeof copy->host);
		buf_add_span(&copy->reply, buf_span(&result->reply));
	}
}

/* Nothing of the entry waits any more. */
static bool
is_over(const struct work *work)
{
	for (size_t i = 0; i < work->n; i++)
		if (work->results[i].verdict == RELAY_LATER)
			return false;
	return work->n > 0 && work->others == 0 && !work->unrecorded;
}

/* False: it is to end, and nothing was tried. */
static bool
open_session(struct session *session)
{
	const struct worker *worker = session->worker;
	const struct relay_target target = {
		.domain = span_of(worker->destination), .root = worker->root, .config = worker->config
	};

	session->relay = relay_open(&target, &session->result);
	session->unreached = session->relay == NULL;
	bool busy = session->unreached && (session->result.verdict == RELAY_BUSY || worker->more);
	tell(worker, busy ? WORKER_BUSY : session->unreached ? WORKER_UNREACHED : WORKER_ANSWERED);
	return !busy;
}

/* False: it was not tried. */
static bool
pass_on(struct session *session, struct work *work)
{
	if (session->unreached) {
		copy_result(work, &session->result);
	} else {
		enum relay_session state =
		    relay_send(session->relay, work->entry, work->which, work->n, work->results);
		session->over = state != RELAY_STANDS;
		if (state == RELAY_STALE)
			return false;
	}
	report_work(work, false, 0, work->n);
	return true;
}

/* Each is recorded before the next, so that who dies between them makes no copies. */
static void
deliver(struct work *work)
{
	struct local local;

	local_begin(&local, work->worker, work->entry);
	for (size_t i = 0; i < work->n; i++)
		if (local_deliver(&local, work->which[i], &work->results[i]))
			report_work(work, true, i, 1);
	local_end(&local);
}

/* False: it was not tried, and is as new. */
static bool
carry_out(struct session *session, const struct order *order)
{
	const struct worker *worker = session->worker;
	struct queue_entry entry;
	struct work work = { .worker = worker, .entry = &entry };
	bool remote = worker->destination[0] != '\0', tried = true;

	enum queue_status status = queue_open(worker->root, order->id, &entry);
	bool ours = status == QUEUE_OK && claim(&work, order) == 0 && work.n > 0;
	if (ours && remote && session->relay == NULL && !session->unreached) {
		/* That takes time. */
		end_work(&work);
		return open_session(session) && carry_out(session, order);
	}
	if (ours && remote)
		tried = pass_on(session, &work);
	else if (ours)
		deliver(&work);
	if (tried)
		tell(worker, status == QUEUE_GONE || is_over(&work) ? WORKER_OVER : WORKER_LOOK);
	end_work(&work);
	return tried;
}

/* False: there is none for a while, or it is time to end. */
static bool
next_order(const struct worker *worker, struct order *order)
{
	struct pollfd fds[] = {
		{ .fd = worker->orders, .events = POLLIN },
		{ .fd = worker->stop, .events = POLLIN },
	};

	return poll(fds, 2, IDLE) > 0 && fds[1].revents == 0 &&
	       read(worker->orders, order, sizeof *order) == (ssize_t)sizeof *order;
}

void
worker_run(const struct worker *worker)
{
	struct session session = { .worker = worker };
	struct order order;

	buf_init(&session.result.reply, REPLY_TEXT);
	if (worker->destination[0] == '\0')
		tell(worker, WORKER_ANSWERED);
	for (int left = MOST; left > 0 && !session.over && next_order(worker, &order);
	     left -= !session.unreached)
		if (!carry_out(&session, &order))
			break;
	tell(worker, WORKER_ENDS);
	if (session.relay != NULL)
		relay_close(session.relay);
	buf_free(&session.result.reply);
}

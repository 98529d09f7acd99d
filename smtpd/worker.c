#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	enum queue_status status;
	struct queue_entry entry;
	size_t *which; /* recipients, claimed */
	size_t n;
};

/* As the runner knew it: who has been tried since then, by another runner, is none of ours. */
static bool
is_ours(const struct worker *worker, const struct order *order, const struct queue_recipient *r)
{
	char destination[ROUTES_DESTINATION];

	if (r->state != QUEUE_WAITING || r->next > order->next)
		return false;
	routes_destination(worker->settings->config, worker->routes, r, destination);
	return strcmp(destination, worker->destination) == 0;
}

static bool
claim(struct work *work, const struct order *order)
{
	struct queue_message *message = &work->entry.message;
	size_t claimed = 0;

	(void)kept_refresh(work->worker->routes, work->worker->settings->root, "routes");
	work->which = malloc(message->recipients_n * sizeof *work->which);
	for (size_t i = 0; i < message->recipients_n && work->which != NULL; i++)
		if (is_ours(work->worker, order, &message->recipients[i]) && queue_claim(&work->entry, i))
			work->which[claimed++] = i;
	if (claimed == 0 || queue_refresh(&work->entry) != QUEUE_OK)
		return false;
	for (size_t i = 0; i < claimed; i++)
		if (is_ours(work->worker, order, &message->recipients[work->which[i]]))
			work->which[work->n++] = work->which[i];
	return work->n > 0;
}

/* True: some recipients are ours to try. close_work in any case. */
static bool
open_work(struct work *work, const struct worker *worker, const struct order *order)
{
	*work = (struct work){ .worker = worker };
	work->status = queue_open(worker->settings->root, order->id, &work->entry);
	return work->status == QUEUE_OK && claim(work, order);
}

static void
close_work(struct work *work)
{
	free(work->which);
	queue_close(&work->entry);
}

static void
tell(const struct worker *worker, char what)
{
	/* Where the runner has died, the work is finished all the same. */
	while (write(worker->runner, &what, 1) < 0 && errno == EINTR)
		;
}

/* False: it is to end, and nothing was tried. */
static bool
open_session(struct session *session, const char *domain)
{
	const struct worker *worker = session->worker;
	const struct relay_target target = { .domain = span_of(domain),
		.root = worker->settings->root,
		.routes = worker->routes,
		.config = worker->settings->config };
	bool busy;

	session->relay = relay_open(&target, &session->result, &busy);
	session->unreached = session->relay == NULL;
	busy |= session->unreached && worker->more;
	tell(worker, busy ? WORKER_BUSY : session->unreached ? WORKER_UNREACHED : WORKER_ANSWERED);
	return !busy;
}

/* False: it was not tried. */
static bool
pass_on(struct session *session, struct work *work, bool *over)
{
	struct report r = { .settings = work->worker->settings,
		.entry = &work->entry,
		.which = work->which,
		.n = work->n,
		.results = &session->result,
		.same = true };

	if (session->unreached) {
		*over = report(&r) > 0;
		return true;
	}
	struct relay_result *results = calloc(work->n, sizeof *results);
	if (results == NULL)
		return true;
	enum relay_session state = relay_send(session->relay, &work->entry, work->which, work->n, results);
	session->over = state != RELAY_STANDS;
	r.results = results;
	r.same = false;
	if (state != RELAY_STALE)
		*over = report(&r) > 0;
	for (size_t i = 0; i < work->n; i++)
		buf_free(&results[i].reply);
	free(results);
	return state != RELAY_STALE;
}

/* False: it was not tried, and is as new. */
static bool
carry_out(struct session *session, const struct order *order)
{
	const struct worker *worker = session->worker;
	const bool remote = worker->destination[0] != '\0';
	char domain[SMTP_DOMAIN + 1];
	bool tried = true, over = false;
	struct work work;

	bool ours = open_work(&work, worker, order);
	if (ours && remote && session->relay == NULL && !session->unreached) {
		routes_domain(
		    worker->settings->config, &work.entry.message.recipients[work.which[0]], domain);
		/* Nothing is claimed meanwhile: that takes time. */
		close_work(&work);
		if (!open_session(session, domain))
			return false;
		ours = open_work(&work, worker, order);
	}
	if (ours && remote)
		tried = pass_on(session, &work, &over);
	else if (ours)
		over = local_deliver(worker->settings, &work.entry, work.which, work.n);
	over |= work.status == QUEUE_GONE;
	close_work(&work);
	if (tried)
		tell(worker, over ? WORKER_OVER : WORKER_LOOK);
	return tried;
}

/* False: there is none for a while, or it is time to end. */
static bool
next_order(const struct worker *worker, struct order *order)
{
	struct pollfd fds[] = {
		{ .fd = worker->runner, .events = POLLIN },
		{ .fd = worker->settings->stop, .events = POLLIN },
	};

	return poll(fds, 2, IDLE) > 0 && fds[1].revents == 0 &&
	       read(worker->runner, order, sizeof *order) == (ssize_t)sizeof *order;
}

void
worker_run(const struct worker *worker)
{
	struct session session = { .worker = worker };
	struct order order;

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

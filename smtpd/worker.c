#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "destination.h"
#include "local.h"
#include "log.h"
#include "report.h"

/* An entry in work. */
struct work {
	const struct worker *worker;
	struct queue_entry *entry;
	size_t *which; /* recipients, claimed */
	struct relay_result *results;
	size_t n;
};

/* As the runner knew it: who has been tried since then, by another runner, is none of ours. */
static bool
is_ours(const struct worker *worker, const struct wait *wait, const struct queue_recipient *r)
{
	char destination[SMTP_DOMAIN + 1];

	if (r->state != QUEUE_WAITING || r->next > wait->next)
		return false;
	destination_of(worker->config, r, destination);
	return strcmp(destination, wait->host->domain) == 0;
}

static int
claim(struct work *work, const struct wait *wait)
{
	const struct queue_message *message = &work->entry->message;
	size_t claimed = 0;

	work->which = malloc(message->recipients_n * sizeof *work->which);
	if (work->which == NULL)
		return -1;
	for (size_t i = 0; i < message->recipients_n; i++)
		if (is_ours(work->worker, wait, &message->recipients[i]) && queue_claim(work->entry, i))
			work->which[claimed++] = i;
	if (claimed == 0 || queue_refresh(work->entry) != QUEUE_OK)
		return 0;
	for (size_t i = 0; i < claimed; i++)
		if (is_ours(work->worker, wait, &message->recipients[work->which[i]]))
			work->which[work->n++] = work->which[i];
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

	(void)report(&r);
}

static bool
is_to_stop(const struct worker *worker)
{
	struct pollfd stop = { .fd = worker->stop, .events = POLLIN };

	return poll(&stop, 1, 0) > 0;
}

static void
tell(const struct worker *worker, char what)
{
	/* Where the runner has died, the work is finished all the same. */
	while (write(worker->tell, &what, 1) < 0 && errno == EINTR)
		;
}

/* The same of all: the host was not reached. */
static void
copy_result(struct work *work, const struct relay_result *result)
{
	for (size_t i = 0; i < work->n; i++) {
		struct relay_result *copy = &work->results[i];
		copy->verdict = result->verdict;
		memcpy(copy->status, result->status, sizeof copy->status);
		memcpy(copy->host, result->host, sizeof copy->host);
		buf_add_span(&copy->reply, buf_span(&result->reply));
	}
}

/* Call `handle` for each entry, up to `most`, until it says that this is the end. */
static void
each_entry(
    const struct worker *worker, size_t most, bool (*handle)(struct work *, void *context), void *context)
{
	bool more = true;

	for (size_t i = 0; i < worker->batch->n && i < most && more && !is_to_stop(worker); i++) {
		const struct wait *wait = worker->batch->waits[i];
		struct queue_entry entry;
		struct work work = { .worker = worker, .entry = &entry };
		if (queue_open(worker->root, wait->known->id, &entry) == QUEUE_OK &&
		    claim(&work, wait) == 0 && work.n > 0)
			more = handle(&work, context);
		end_work(&work);
		tell(worker, WORKER_HANDLED);
	}
}

static bool
handle_unreached(struct work *work, void *context)
{
	copy_result(work, context);
	report_work(work, false, 0, work->n);
	return true;
}

static bool
handle_remote(struct work *work, void *context)
{
	bool alive = relay_send(context, work->entry, work->which, work->n, work->results);

	report_work(work, false, 0, work->n);
	return alive;
}

/* Each is recorded before the next, so that who dies between them makes no copies. */
static bool
handle_local(struct work *work, void *context)
{
	struct local local;

	local_begin(&local, context, work->entry);
	for (size_t i = 0; i < work->n; i++)
		if (local_deliver(&local, work->which[i], &work->results[i]))
			report_work(work, true, i, 1);
	local_end(&local);
	return true;
}

static void
run_remote(const struct worker *worker)
{
	struct relay_target target = {
		.domain = span_of(worker->batch->host->domain),
		.root = worker->root,
		.config = worker->config,
	};
	struct relay_result result = { .verdict = RELAY_LATER };

	buf_init(&result.reply, REPLY_TEXT);
	struct relay *relay = relay_open(&target, &result);
	if (relay == NULL) {
		each_entry(worker, SIZE_MAX, handle_unreached, &result);
	} else {
		tell(worker, WORKER_ANSWERED);
		each_entry(worker, SCHEDULE_BATCH, handle_remote, relay);
		relay_close(relay);
	}
	buf_free(&result.reply);
}

void
worker_run(const struct worker *worker)
{
	if (worker->batch->host->domain[0] != '\0') {
		run_remote(worker);
		return;
	}
	struct worker here = *worker;
	tell(worker, WORKER_ANSWERED);
	each_entry(worker, SIZE_MAX, handle_local, &here);
}

#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bounce.h"
#include "bounds.h"
#include "log.h"
#include "retry.h"
#include "wake.h"
#include "zone.h"

/* What comes of a result. */
struct fate {
	struct queue_recipient recipient; /* with its last reply */
	const struct relay_result *result;
	size_t which;
	enum queue_state state;
	bool expired;
	int64_t next;
	enum bounce_action action;
	struct span to; /* who is told of that; empty: nobody */
};

static int
failed(const struct report *r, const char *event)
{
	int error = errno;

	log_begin_error(event);
	log_text("id", r->entry->message.id);
	log_errno(error);
	log_end();
	return -1;
}

/* After a try that failed for now. */
static void
put_off(const struct report *r, struct fate *fate, uint32_t dice)
{
	const struct queue_message *message = &r->entry->message;
	int tries = fate->recipient.tries + 1;

	fate->expired = retry_is_over(message->created, r->config->queue_lifetime, tries, r->now);
	fate->state = fate->expired ? QUEUE_FAILED : QUEUE_WAITING;
	fate->action = fate->expired ? BOUNCE_FAILED : BOUNCE_DELAYED;
	fate->next = fate->expired ? 0 : r->now + retry_delay(tries, dice);
}

static struct fate
fate_of(const struct report *r, size_t i, uint32_t dice)
{
	const struct queue_message *message = &r->entry->message;
	const struct relay_result *result = &r->results[i];
	struct fate fate = { .result = result, .which = r->which[i] };
	bool tell = true;

	fate.recipient = message->recipients[fate.which];
	fate.recipient.reply = buf_span(&result->reply);
	switch (result->verdict) {
	case RELAY_DONE:
		fate.state = QUEUE_DONE;
		fate.action = r->local ? BOUNCE_DELIVERED : BOUNCE_RELAYED;
		tell = !result->told;
		break;
	case RELAY_FAILED:
		fate.state = QUEUE_FAILED;
		fate.action = BOUNCE_FAILED;
		break;
	case RELAY_LATER:
		put_off(r, &fate, dice);
		tell =
		    fate.expired || (r->now - message->created >= RETRY_DELAYED && !fate.recipient.delayed);
	}
	if (tell)
		fate.to = bounce_to(message, &fate.recipient, fate.action);
	return fate;
}

static void
log_fate(const struct report *r, const struct fate *fate)
{
	const char *event = fate->state == QUEUE_WAITING  ? "deferred"
			    : fate->expired		  ? "expired"
			    : fate->state == QUEUE_FAILED ? "failed"
			    : r->local			  ? "delivered"
							  : "relayed";

	log_begin(event);
	log_text("id", r->entry->message.id);
	log_span("from", r->entry->message.sender);
	log_span("to", fate->recipient.address);
	if (fate->result->host[0] != '\0')
		log_text("host", fate->result->host);
	if (fate->recipient.reply.n > 0)
		log_span("reply", fate->recipient.reply);
	if (fate->state == QUEUE_WAITING)
		log_number("seconds", (long long)(fate->next - r->now));
	log_end();
}

/* Some recipients with one fate. */
struct group {
	const struct report *report;
	const struct fate *fate; /* of the first */
	size_t *which;		 /* numbers of the recipients */
	struct bounce_recipient *told;
	size_t n;
};

static bool
wait_alike(const struct fate *a, const struct fate *b)
{
	return b->state == QUEUE_WAITING && a->next == b->next &&
	       span_equal(a->recipient.reply, b->recipient.reply);
}

static bool
are_told_alike(const struct fate *a, const struct fate *b)
{
	return b->to.n > 0 && a->action == b->action && span_equal(a->to, b->to);
}

static bool
are_over_alike(const struct fate *a, const struct fate *b)
{
	return b->to.n == 0 && b->state != QUEUE_WAITING && a->state == b->state;
}

/* "host: reply", as `queue list` shows it. */
static int
record_waiting(const struct group *group)
{
	const struct fate *fate = group->fate;
	struct queue_outcome outcome = { .tried = group->report->now, .next = fate->next };
	struct buf reply;

	buf_init(&reply, sizeof fate->result->host + REPLY_TEXT);
	if (fate->result->host[0] != '\0')
		buf_printf(&reply, "%s: ", fate->result->host);
	buf_add_span(&reply, fate->recipient.reply);
	outcome.reply = buf_span(&reply);
	int result = queue_record(group->report->entry, &outcome, group->which, group->n, NULL);
	buf_free(&reply);
	return result;
}

static int
record_over(const struct group *group)
{
	struct queue_outcome outcome = { .state = group->fate->state, .tried = group->report->now };

	return queue_record(group->report->entry, &outcome, group->which, group->n, NULL);
}

static int
draft_notice(const struct group *group, struct span to, const char *id, struct queue_draft *draft)
{
	const struct report *r = group->report;
	struct queue_entry *entry = r->entry;
	struct queue_recipient recipient = { .address = to };
	struct queue_message message = { .created = r->now, .trusted = true, .recipients = &recipient };
	struct bounce bounce = {
		.hostname = r->config->hostname,
		.id = id,
		.now = r->now,
		.zone = zone_at(r->now),
		.expires = entry->message.created + r->config->queue_lifetime,
		.to = to,
		.about = entry,
		.recipients = group->told,
		.recipients_n = group->n,
	};
	struct spool body;

	memcpy(message.id, id, sizeof message.id);
	message.utf8 = entry->message.utf8;
	message.eight_bit = entry->message.eight_bit;
	message.recipients_n = 1;
	spool_init(&body, entry->root);
	int result = bounce_write(&bounce, &body);
	message.size = spool_wire(&body);
	if (result == 0)
		result = queue_draft(
		    entry->root, &message, entry->message.id, (struct span){ "", 0 }, &body, draft);
	spool_free(&body);
	return result;
}

/* A notice, and the record that puts it in force. */
static int
tell(const struct group *group)
{
	const struct report *r = group->report;
	const struct fate *fate = group->fate;
	char id[UNIQUE_ID + 1];
	struct queue_outcome outcome = {
		.state = fate->state,
		.tried = r->now,
		.next = fate->next,
		.delayed = fate->state == QUEUE_WAITING,
		.notice = id,
	};
	struct queue_draft draft;
	struct buf to;

	unique_id(r->config->hostname, id);
	buf_init(&to, SMTP_PATH + SMTP_DOMAIN);
	buf_add_span(&to, fate->to);
	if (span_is(fate->to, "postmaster"))
		buf_printf(&to, "@%s", r->config->hostname);
	int result = draft_notice(group, buf_span(&to), id, &draft);
	if (result == 0)
		result = queue_record(r->entry, &outcome, group->which, group->n, &draft);
	if (result == 0) {
		log_begin("notice");
		log_text("id", id);
		log_text("about", r->entry->message.id);
		log_span("to", buf_span(&to));
		log_end();
		wake_runner(r->wake, id);
	}
	buf_free(&to);
	return result;
}

/* One record for each kind of those that are alike. */
static int
record_all(const struct report *r, const struct fate *fates,
    bool (*alike)(const struct fate *, const struct fate *), int (*record)(const struct group *))
{
	bool *seen = calloc(r->n, sizeof *seen);
	struct group group = { .report = r,
		.which = malloc(r->n * sizeof *group.which),
		.told = malloc(r->n * sizeof *group.told) };
	int result = seen == NULL || group.which == NULL || group.told == NULL ? -1 : 0;

	for (size_t first = 0; first < r->n && result == 0; first++) {
		group.n = 0;
		group.fate = &fates[first];
		for (size_t i = first; i < r->n; i++) {
			const struct fate *fate = &fates[i];
			if (seen[i] || !alike(group.fate, fate) || !alike(fate, group.fate))
				continue;
			seen[i] = true;
			group.which[group.n] = fate->which;
			group.told[group.n++] = (struct bounce_recipient){ &fate->recipient, fate->action,
				fate->expired ? "4.4.7" : fate->result->status, fate->result->host };
		}
		if (group.n > 0)
			result = record(&group);
	}
	free(seen);
	free(group.which);
	free(group.told);
	return result;
}

int
report(const struct report *r)
{
	struct fate *fates = malloc(r->n * sizeof *fates);
	uint32_t dice = 0;

	if (fates == NULL)
		return failed(r, "record-failed");
	(void)random_bytes(&dice, sizeof dice);
	for (size_t i = 0; i < r->n; i++)
		fates[i] = fate_of(r, i, dice);
	/* What waits comes first: the notice of a delay is about a try that is in the journal. */
	int result = record_all(r, fates, wait_alike, record_waiting);
	if (result == 0)
		result = record_all(r, fates, are_told_alike, tell);
	if (result == 0)
		result = record_all(r, fates, are_over_alike, record_over);
	if (result < 0)
		(void)failed(r, "record-failed");
	for (size_t i = 0; i < r->n && result == 0; i++)
		log_fate(r, &fates[i]);
	free(fates);
	return result;
}

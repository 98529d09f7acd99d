#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "bounce.h"
#include "bounds.h"
#include "log.h"
#include "zone.h"

enum { DELAYED = 4 * 3600 }; /* seconds after which the sender is told that it takes long */

int64_t
report_delay(int n, uint32_t dice)
{
	static const int minutes[] = { 1, 2, 5, 10, 20, 40 };

	if (n <= (int)(sizeof minutes / sizeof minutes[0]))
		return minutes[n - 1] * (int64_t)60;
	return 3600 - REPORT_JITTER / 2 + (int64_t)(dice % REPORT_JITTER);
}

bool
report_expires(int64_t created, int64_t lifetime, int n, int64_t now)
{
	return n >= REPORT_TRIES && now - created >= lifetime;
}

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
	bool seen;	/* in this step */
};

/* What is recorded, in this order: the notice of a delay is about a try that is in the journal. */
enum step { STEP_WAITS, STEP_TOLD, STEP_OVER };

/* After a try that failed for now. */
static void
put_off(const struct report *r, struct fate *fate, uint32_t dice)
{
	const struct queue_message *message = &r->entry->message;
	int tries = fate->recipient.tries + 1;

	fate->expired = report_expires(message->created, r->settings->config->queue_lifetime, tries, r->now);
	fate->state = fate->expired ? QUEUE_FAILED : QUEUE_WAITING;
	fate->action = fate->expired ? BOUNCE_FAILED : BOUNCE_DELAYED;
	fate->next = fate->expired ? 0 : r->now + report_delay(tries, dice);
}

static struct fate
fate_of(const struct report *r, size_t i, uint32_t dice)
{
	const struct queue_message *message = &r->entry->message;
	const struct relay_result *result = &r->results[r->same ? 0 : i];
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
		tell = fate.expired || (r->now - message->created >= DELAYED && !fate.recipient.delayed);
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
	if (r->local && fate->state == QUEUE_DONE)
		log_text("uidl", fate->result->uidl);
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

/* Both take the step, and one record serves both. */
static bool
is_alike(enum step step, const struct fate *a, const struct fate *b)
{
	if (a->state != b->state)
		return false;
	switch (step) {
	case STEP_WAITS:
		return a->state == QUEUE_WAITING && a->next == b->next &&
		       span_equal(a->recipient.reply, b->recipient.reply);
	case STEP_TOLD:
		return a->to.n > 0 && a->action == b->action && span_equal(a->to, b->to);
	case STEP_OVER:
		break;
	}
	return a->state != QUEUE_WAITING && a->to.n == 0 && b->to.n == 0;
}

/* Of who waits, "host: reply", as `queue list` shows it. */
static int
record(const struct group *group)
{
	const struct fate *fate = group->fate;
	struct queue_outcome outcome = {
		.state = fate->state, .tried = group->report->now, .next = fate->next
	};
	struct buf reply;

	buf_init(&reply, sizeof fate->result->host + REPLY_TEXT);
	if (fate->result->host[0] != '\0')
		buf_printf(&reply, "%s: ", fate->result->host);
	buf_add_span(&reply, fate->recipient.reply);
	if (fate->state == QUEUE_WAITING)
		outcome.reply = buf_span(&reply);
	int result = queue_record(group->report->entry, &outcome, group->which, group->n, NULL);
	buf_free(&reply);
	return result;
}

static int
draft_notice(const struct group *group, struct span to, const char *id, struct queue_draft *draft)
{
	const struct report *r = group->report;
	struct queue_entry *entry = r->entry;
	struct queue_recipient recipient = { .address = to };
	struct queue_message message = { .created = r->now,
		.trusted = true,
		.utf8 = entry->message.utf8,
		.eight_bit = entry->message.eight_bit,
		.recipients = &recipient,
		.recipients_n = 1 };
	const struct bounce_notice notice = {
		.hostname = r->settings->config->hostname,
		.id = id,
		.now = r->now,
		.zone = zone_at(r->now),
		.expires = entry->message.created + r->settings->config->queue_lifetime,
		.to = to,
		.action = group->fate->action,
		.about = &entry->message,
		.recipients = group->told,
		.recipients_n = group->n,
	};
	struct spool body;

	memcpy(message.id, id, sizeof message.id);
	spool_init(&body, entry->root);
	int result = bounce_write(&notice, entry, &body);
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

	unique_id(r->settings->config->hostname, id);
	buf_init(&to, SMTP_PATH + SMTP_DOMAIN);
	buf_add_span(&to, fate->to);
	if (span_is(fate->to, "postmaster"))
		buf_printf(&to, "@%s", r->settings->config->hostname);
	int result = draft_notice(group, buf_span(&to), id, &draft);
	if (result == 0)
		result = queue_record(r->entry, &outcome, group->which, group->n, &draft);
	if (result >= 0) {
		log_begin("notice");
		log_text("id", id);
		log_text("about", r->entry->message.id);
		log_span("to", buf_span(&to));
		log_end();
		queue_wake(r->settings->wake[1], id);
	}
	buf_free(&to);
	return result;
}

/* One record for each kind of those that are alike. */
static int
take_step(enum step step, struct group *group, struct fate *fates)
{
	const size_t n = group->report->n;
	int result = 0;

	for (size_t i = 0; i < n; i++)
		fates[i].seen = false;
	for (size_t first = 0; first < n && result >= 0; first++) {
		group->n = 0;
		group->fate = &fates[first];
		for (size_t i = first; i < n; i++) {
			struct fate *fate = &fates[i];
			if (fate->seen || !is_alike(step, group->fate, fate))
				continue;
			fate->seen = true;
			group->which[group->n] = fate->which;
			group->told[group->n++] = (struct bounce_recipient){ &fate->recipient,
				fate->expired ? "4.4.7" : fate->result->status, fate->result->host };
		}
		if (group->n > 0)
			result = step == STEP_TOLD ? tell(group) : record(group);
	}
	return result;
}

int
report(struct report *r)
{
	struct fate *fates = malloc(r->n * sizeof *fates);
	struct group group = { .report = r,
		.which = malloc(r->n * sizeof *group.which),
		.told = malloc(r->n * sizeof *group.told) };
	int result = fates == NULL || group.which == NULL || group.told == NULL ? -1 : 0;
	uint32_t dice = 0;

	r->now = queue_now();
	(void)random_bytes(&dice, sizeof dice);
	for (size_t i = 0; i < r->n && result == 0; i++)
		fates[i] = fate_of(r, i, dice);
	for (enum step step = STEP_WAITS; step <= STEP_OVER && result >= 0; step++) {
		int over = take_step(step, &group, fates);
		result = over < 0 ? -1 : result | over;
	}
	for (size_t i = 0; i < r->n && result >= 0; i++)
		log_fate(r, &fates[i]);
	if (result < 0)
		log_failure("record-failed", "id", r->entry->message.id);
	free(fates);
	free(group.which);
	free(group.told);
	return result;
}

#include "local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "delivery.h"
#include "log.h"
#include "rcpt.h"
#include "report.h"
#include "snapshot.h"
#include "trace.h"

struct local {
	const struct runner_settings *settings;
	struct queue_entry *entry;
	struct spool body; /* of the entry, once it is read */
	bool filled;
};

static bool
say(struct relay_result *result, int code, const char *status, const char *words)
{
	result->verdict = code < 300 ? RELAY_DONE : code < 500 ? RELAY_LATER : RELAY_FAILED;
	snprintf(result->status, sizeof result->status, "%s", status);
	buf_clear(&result->reply);
	buf_add_string(&result->reply, words);
	return true;
}

static bool
say_status(struct relay_result *result, enum maildrop_status status)
{
	struct reply reply = delivery_reply(status);

	return say(result, reply.code, reply.status, reply.text);
}

static bool
say_errno(struct relay_result *result)
{
	return say_status(result, maildrop_status_of(errno));
}

/* Its content with the trace, as it will stand in a mailbox. 0, or -1 with errno. */
static int
fill(struct local *l)
{
	off_t at = l->entry->content;
	struct buf piece;
	int more = 1;

	if (l->filled)
		return 0;
	spool_clear(&l->body);
	buf_init(&piece, (size_t)4 * SPOOL_MEMORY);
	while (more > 0) {
		buf_clear(&piece);
		more = queue_read(l->entry, &at, &piece);
		spool_add(&l->body, buf_span(&piece));
	}
	buf_free(&piece);
	l->filled = more == 0 && spool_finish(&l->body) == 0;
	return l->filled ? 0 : -1;
}

/* Once: who died before he could record it may have put it there. */
static enum maildrop_status
append(struct local *l, const struct letter *letter, const char *user)
{
	struct maildrop drop;
	bool there;
	enum maildrop_status status = maildrop_open(&drop, l->settings->root, user);

	if (status != MAILDROP_OK)
		return status;
	status = listing_has(&drop, letter->id, &there);
	if (status == MAILDROP_OK && !there)
		status = maildrop_append(&drop, letter, l->settings->config->mailbox_size);
	if (status == MAILDROP_OK)
		status = maildrop_sync(&drop);
	maildrop_close(&drop);
	return status;
}

/* Each try that is recorded has a UIDL of its own: what one whose sync failed, or the session, may have left there does not count. */
static bool
deliver(struct local *l, size_t i, const char *user, struct span domain, struct relay_result *result)
{
	const struct queue_message *message = &l->entry->message;
	struct letter letter = { .id = result->uidl, .body = &l->body, .now = queue_now() };
	struct buf sender, trace;

	if (fill(l) < 0)
		return say_errno(result);
	snprintf(result->uidl, sizeof result->uidl, "%s%d", message->id, message->recipients[i].tries % 1000);
	buf_init(&sender, SMTP_PATH);
	buf_init(&trace, TRACE_FIELDS);
	buf_add_span(&sender, message->sender);
	if (trace_delivered(message->sender, span_of(user), domain, &trace) < 0) {
		say_status(result, MAILDROP_TEMP);
	} else {
		letter.sender = buf_string(&sender);
		letter.trace = buf_span(&trace);
		say_status(result, append(l, &letter, user));
	}
	buf_free(&sender);
	buf_free(&trace);
	return true;
}

/*
 * The new entry counts when the old one says that this recipient is done. Where that failed half-way it may say so or not: nothing else must be
 * recorded now.
 */
static int
record_expansion(struct local *l, const struct queue_message *message, size_t i)
{
	struct queue_outcome outcome = { .state = QUEUE_DONE, .tried = queue_now(), .notice = message->id };
	struct queue_draft draft;

	if (fill(l) < 0 || queue_draft(l->settings->root, message, l->entry->message.id,
			       (struct span){ "", 0 }, &l->body, &draft) < 0)
		return -1;
	int result = queue_record(l->entry, &outcome, &i, 1, &draft), error = errno;
	if (result >= 0)
		log_begin("expanded");
	else
		log_begin_error("record-failed");
	log_text("id", l->entry->message.id);
	log_span("to", l->entry->message.recipients[i].address);
	log_text("into", message->id);
	log_number("recipients", (long long)message->recipients_n);
	if (result < 0)
		log_errno(error);
	log_end();
	queue_wake(l->settings->wake[1], message->id);
	return 0;
}

/* To everybody the address came to. */
static bool
expand(struct local *l, size_t i, const struct rcpt_list *list, struct relay_result *result)
{
	struct queue_message message = l->entry->message;

	unique_id(l->settings->config->hostname, message.id);
	message.recipients = calloc(list->n, sizeof *message.recipients);
	message.recipients_n = list->n;
	for (size_t k = 0; k < list->n && message.recipients != NULL; k++)
		message.recipients[k] = list->to[k].queued;
	int status = message.recipients == NULL ? -1 : record_expansion(l, &message, i), error = errno;
	free(message.recipients);
	errno = error;
	return status < 0 && say_errno(result);
}

/* By today's files. */
static bool
resolve(struct local *l, size_t i, const struct path *path, struct relay_result *result)
{
	static const struct peer nowhere;
	const struct rcpt_rules rules = {
		.config = l->settings->config,
		.here = &nowhere,
		.root = l->settings->root,
		.aliases = l->settings->aliases,
		.trusted = true,
	};
	struct rcpt_list list = { .n = 0 };
	bool said;

	struct reply reply = rcpt_resolve(&rules, path, &l->entry->message.recipients[i].dsn, &list);
	if (reply.code >= 300)
		said = say(result, reply.code, reply.status, reply.text);
	else if (list.n == 1 && list.to[0].queued.mailbox)
		said = deliver(l, i, list.to[0].user, path->domain, result);
	else
		said = expand(l, i, &list, result);
	rcpt_list_cut(&list, 0);
	return said;
}

/* By today's aliases it may be many, or elsewhere: then each of those becomes a recipient of a new entry, and false says that this is recorded. */
static bool
deliver_to(struct local *l, size_t i, struct relay_result *result)
{
	const struct queue_recipient *to = &l->entry->message.recipients[i];
	char user[ACCOUNT_NAME + 1];
	struct path path;
	const char *reason;

	if (path_parse_bare(to->address, &path, &reason) < 0)
		return say(result, 553, "5.1.3", reason);
	if (!to->mailbox)
		return resolve(l, i, &path, result);
	snprintf(user, sizeof user, "%.*s", (int)path.local.n, path.local.at);
	switch (account_find(l->settings->root, user, NULL)) {
	case ACCOUNT_OK:
		return deliver(l, i, user, path.domain, result);
	case ACCOUNT_FAILED:
		return say(result, 451, "4.3.0", "The accounts cannot be read now");
	case ACCOUNT_NONE:
	case ACCOUNT_EXISTS:
	case ACCOUNT_BAD_NAME:
	case ACCOUNT_BAD_PASSWORD:
		break;
	}
	return say(result, 550, "5.1.1", "No such user here");
}

bool
local_deliver(
    const struct runner_settings *settings, struct queue_entry *entry, const size_t *which, size_t n)
{
	struct local l = { .settings = settings, .entry = entry };
	struct relay_result result = { .verdict = RELAY_DONE };
	struct report r = { .settings = settings, .entry = entry, .local = true, .n = 1, .results = &result };
	bool over = false;

	buf_init(&result.reply, REPLY_TEXT);
	spool_init(&l.body, settings->root);
	for (r.which = which; r.which < which + n; r.which++)
		if (deliver_to(&l, *r.which, &result))
			over = report(&r) > 0;
	spool_free(&l.body);
	buf_free(&result.reply);
	return over;
}

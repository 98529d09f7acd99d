#include "delivery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "queue.h"
#include "trace.h"
#include "unique.h"
#include "zone.h"

/* A message on its way out of the spool. */
struct parcel {
	struct letter letter;
	struct buf sender;
	struct buf received; /* one for all */
	struct buf trace;    /* of the mailbox at hand */
};

void
delivery_init(struct delivery *d, const struct config *config, const struct session_info *info,
    struct kept *aliases, int root, int wake)
{
	*d = (struct delivery){
		.config = config, .info = info, .aliases = aliases, .root = root, .wake = wake
	};
	spool_init(&d->spool, root);
	buf_init(&d->sole, SMTP_PATH);
}

static void
close_drops(struct delivery *d, size_t first)
{
	while (d->open > first)
		maildrop_close(&d->drops[--d->open]);
}

void
delivery_cut(struct delivery *d, size_t n)
{
	rcpt_list_cut(&d->list, n);
	d->here = 0;
	for (size_t i = 0; i < d->list.n; i++)
		d->here += d->list.to[i].queued.mailbox;
}

/* The mailboxes stay open: the next message is often for the same users. */
void
delivery_forget(void *world)
{
	struct delivery *d = world;

	delivery_cut(d, 0);
	spool_clear(&d->spool);
	buf_clear(&d->sole);
}

void
delivery_free(struct delivery *d)
{
	delivery_forget(d);
	close_drops(d, 0);
	free(d->drops);
	spool_free(&d->spool);
	buf_free(&d->sole);
}

struct reply
delivery_reply(enum maildrop_status status)
{
	static const struct reply replies[] = {
		[MAILDROP_OK] = { 250, "2.1.5", "Ok" },
		[MAILDROP_TEMP] = { 451, "4.3.0", NULL },
		[MAILDROP_FULL] = { 452, "4.3.1", NULL },
		[MAILDROP_QUOTA] = { 452, "4.2.2", NULL },
		[MAILDROP_TOO_BIG] = { 552, "5.3.4", NULL },
		[MAILDROP_BROKEN] = { 451, "4.3.0", NULL },
		[MAILDROP_IN_USE] = { 451, "4.3.0", NULL },
		[MAILDROP_CHANGED] = { 451, "4.3.0", NULL },
	};
	struct reply reply = replies[status];

	if (reply.text == NULL)
		reply.text = maildrop_words(status);
	return reply;
}

/* In the slot; those behind it are of an earlier message. */
static enum maildrop_status
open_drop(struct delivery *d, size_t slot, const char *user)
{
	if (slot < d->open && strcmp(d->drops[slot].name, user) == 0 &&
	    maildrop_reuse(&d->drops[slot], d->root))
		return MAILDROP_OK;
	close_drops(d, slot);
	struct maildrop *drops = realloc(d->drops, (slot + 1) * sizeof *drops);
	if (drops == NULL)
		return MAILDROP_TEMP;
	d->drops = drops;
	enum maildrop_status status = maildrop_open(&drops[slot], d->root, user);
	d->open += status == MAILDROP_OK;
	return status;
}

/* The first mailboxes stay open, and the last slot serves for all others. */
struct reply
delivery_try(struct delivery *d, size_t i, uint64_t bytes)
{
	struct recipient *to = &d->list.to[i];

	/* It's the runner who tells of success. */
	to->waits = !to->queued.mailbox || (to->queued.dsn.notify & DSN_SUCCESS) != 0;
	if (!to->queued.mailbox)
		return delivery_reply(MAILDROP_OK);
	to->drop = d->here < DELIVERY_OPEN ? d->here : DELIVERY_OPEN;
	d->here++;
	enum maildrop_status status = open_drop(d, to->drop, to->user);
	if (status == MAILDROP_OK && d->config->mailbox_size > 0)
		status = maildrop_room(&d->drops[to->drop], (int64_t)bytes, d->config->mailbox_size);
	close_drops(d, DELIVERY_OPEN);
	if (d->tell != NULL)
		d->tell(NULL, span_of(to->user), "has a mailbox:", span_of(maildrop_words(status)));
	return delivery_reply(status);
}

void
delivery_add(void *world, struct span content)
{
	struct delivery *d = world;

	spool_add(&d->spool, content);
}

/* RFC 3848, RFC 6531. */
static const char *
protocol_of(const struct envelope *envelope)
{
	bool known = envelope->user.n > 0;

	if (envelope->smtputf8)
		return known ? "UTF8SMTPA" : "UTF8SMTP";
	if (known)
		return "ESMTPA";
	return envelope->esmtp ? "ESMTP" : "SMTP";
}

static int
write_received(const struct delivery *d, const struct envelope *envelope, struct parcel *parcel)
{
	char client[NET_ADDRESS];

	net_literal(&d->info->client, client);
	struct trace trace = {
		.helo = envelope->helo,
		.client = client,
		.hostname = d->config->hostname,
		.with = protocol_of(envelope),
		.id = parcel->letter.id,
		.recipient = envelope->taken == 1 ? buf_span(&d->sole) : (struct span){ NULL, 0 },
		.now = parcel->letter.now,
		.zone = zone_at(parcel->letter.now),
	};
	trace_received(&trace, &parcel->received);
	if (envelope->add_date)
		trace_date(&trace, &parcel->received);
	if (envelope->add_message_id)
		trace_message_id(&trace, &parcel->received);
	return parcel->received.failed ? -1 : 0;
}

static enum maildrop_status
append(struct delivery *d, struct parcel *parcel, const struct recipient *to)
{
	struct span domain, user = span_until(to->queued.address, '@', &domain);

	buf_clear(&parcel->trace);
	trace_delivered(buf_span(&parcel->sender), user, domain, &parcel->trace);
	if (buf_add_span(&parcel->trace, buf_span(&parcel->received)) < 0)
		return MAILDROP_TEMP;
	parcel->letter.trace = buf_span(&parcel->trace);
	return maildrop_append(&d->drops[to->drop], &parcel->letter, d->config->mailbox_size);
}

static void
take_back(struct delivery *d, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!d->list.to[i].waits)
			maildrop_take_back(&d->drops[d->list.to[i].drop]);
}

/*
 * The mailboxes are written one after the other, then synced: the disk has the one while it waits for the other. Whose mailbox can't take it
 * now waits. MAILDROP_OK, or why it was stored for nobody.
 */
static enum maildrop_status
deliver(struct delivery *d, struct parcel *parcel)
{
	enum maildrop_status status = MAILDROP_OK, last = MAILDROP_OK;
	size_t stored = 0;

	for (size_t i = 0; i < d->list.n && d->here > DELIVERY_OPEN; i++)
		d->list.to[i].waits = true;
	for (size_t i = 0; i < d->list.n; i++) {
		if (d->list.to[i].waits)
			continue;
		status = append(d, parcel, &d->list.to[i]);
		if (status == MAILDROP_TOO_BIG) {
			take_back(d, i);
			return status;
		}
		d->list.to[i].waits = status != MAILDROP_OK;
		last = d->list.to[i].waits ? status : last;
	}
	for (size_t i = 0; i < d->list.n; i++) {
		if (d->list.to[i].waits)
			continue;
		status = maildrop_sync(&d->drops[d->list.to[i].drop]);
		d->list.to[i].waits = status != MAILDROP_OK;
		last = d->list.to[i].waits ? status : last;
		stored += status == MAILDROP_OK;
	}
	return stored == 0 && d->here == d->list.n ? last : MAILDROP_OK;
}

static void
log_delivered(const struct delivery *d, const struct envelope *envelope, const struct letter *letter)
{
	for (size_t i = 0; i < d->list.n; i++) {
		if (d->list.to[i].waits)
			continue;
		log_begin("delivered");
		log_text("id", letter->id);
		log_text("uidl", letter->id);
		log_span("from", envelope->sender);
		log_text("user", d->list.to[i].user);
		log_number("size", (long long)envelope->size);
		log_end();
	}
}

/* Those who wait: who is elsewhere, and who can't have it in the mailbox now. 0, or -1 with errno. */
static int
queue_rest(struct delivery *d, const struct envelope *envelope, const struct parcel *parcel)
{
	struct span trace = buf_span(&parcel->received);
	struct queue_message message = {
		.created = parcel->letter.now,
		.size = envelope->size,
		.sender = envelope->sender,
		.user = envelope->user,
		.trusted = envelope->trusted,
		.utf8 = envelope->smtputf8,
		.eight_bit = d->spool.eight_bit || !span_is_ascii(trace),
		.ret = envelope->ret,
		.envid = envelope->envid,
		.recipients = calloc(d->list.n, sizeof *message.recipients),
	};
	int result = -1;

	memcpy(message.id, parcel->letter.id, sizeof message.id);
	for (size_t i = 0; i < d->list.n && message.recipients != NULL; i++)
		if (d->list.to[i].waits)
			message.recipients[message.recipients_n++] = d->list.to[i].queued;
	if (message.recipients != NULL)
		result = queue_add(d->root, &message, trace, &d->spool);
	if (result == 0) {
		log_begin("queued");
		log_text("id", message.id);
		log_span("from", envelope->sender);
		log_number("recipients", (long long)message.recipients_n);
		log_number("size", (long long)envelope->size);
		log_end();
		queue_wake(d->wake, message.id);
	} else
		log_failure("queue-failed", "id", message.id);
	int error = errno;
	free(message.recipients);
	errno = error;
	return result;
}

/* The delivery is logged before its 250 goes out, so that the log knows of all that was ever acknowledged. */
static struct reply
hand_over(struct delivery *d, const struct envelope *envelope, struct parcel *parcel)
{
	bool left = false;

	if (write_received(d, envelope, parcel) < 0)
		return (struct reply){ 451, "4.3.0", "There is no memory left" };
	enum maildrop_status status = deliver(d, parcel);
	struct reply reply = delivery_reply(status);
	for (size_t i = 0; i < d->list.n; i++)
		left |= d->list.to[i].waits;
	if (status == MAILDROP_OK && left && queue_rest(d, envelope, parcel) < 0) {
		reply = errno == ENOSPC || errno == EDQUOT
			    ? delivery_reply(maildrop_status_of(errno))
			    : (struct reply){ 451, "4.3.0", "The queue cannot be written now" };
		take_back(d, d->list.n);
	}
	/* A descriptor whose sync failed once may say later that all is well. */
	if (status != MAILDROP_OK || left)
		close_drops(d, 0);
	if (reply.code >= 300)
		return reply;
	log_delivered(d, envelope, &parcel->letter);
	snprintf(d->answer, sizeof d->answer, "Ok: stored, id=%s", parcel->letter.id);
	return (struct reply){ 250, "2.0.0", d->answer };
}

struct reply
delivery_finish(void *world, const struct envelope *envelope)
{
	struct delivery *d = world;
	char id[UNIQUE_ID + 1];
	struct parcel parcel = { .letter = { .id = id, .body = &d->spool, .now = time(NULL) } };

	if (spool_finish(&d->spool) < 0) {
		log_failure("spool-failed", NULL, NULL);
		return delivery_reply(maildrop_status_of(errno));
	}
	unique_id(d->config->hostname, id);
	buf_init(&parcel.sender, SMTP_PATH);
	buf_init(&parcel.received, TRACE_FIELDS);
	buf_init(&parcel.trace, TRACE_FIELDS);
	buf_add_span(&parcel.sender, envelope->sender);
	parcel.letter.sender = buf_string(&parcel.sender);
	struct reply reply = hand_over(d, envelope, &parcel);
	buf_free(&parcel.sender);
	buf_free(&parcel.received);
	buf_free(&parcel.trace);
	return reply;
}

#include "delivery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "account.h"
#include "handover.h"
#include "log.h"
#include "sender.h"
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

/* Only the first n are left. */
static void
cut_recipients(struct delivery *d, size_t n)
{
	while (d->n > n) {
		struct recipient *last = &d->to[--d->n];
		d->here -= last->queued.mailbox;
		buf_free(&last->text);
	}
}

/* The mailboxes stay open: the next message is often for the same users. */
static void
forget(void *world)
{
	struct delivery *d = world;

	cut_recipients(d, 0);
	free(d->to);
	d->to = NULL;
	spool_clear(&d->spool);
	buf_clear(&d->sole);
}

void
delivery_free(struct delivery *d)
{
	forget(d);
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

static bool
is_open(const struct delivery *d, size_t slot, const char *user)
{
	return slot < d->open && strcmp(d->drops[slot].name, user) == 0;
}

/* In the slot; those behind it are of an earlier message. */
static enum maildrop_status
open_drop(struct delivery *d, size_t slot, const char *user)
{
	close_drops(d, slot);
	struct maildrop *drops = realloc(d->drops, (slot + 1) * sizeof *drops);
	if (drops == NULL)
		return MAILDROP_TEMP;
	d->drops = drops;
	enum maildrop_status status = maildrop_open(&drops[slot], d->root, user);
	d->open += status == MAILDROP_OK;
	return status;
}

/* Is there a place for so many bytes? What is broken is refused here, at RCPT, not after the message. The first mailboxes stay open. */
static enum maildrop_status
try_mailbox(struct delivery *d, const struct recipient *to, uint64_t bytes)
{
	const char *user = to->user;
	const size_t i = to->drop;
	struct maildrop own;
	enum maildrop_status status = MAILDROP_OK;

	bool stays = i < DELIVERY_OPEN;
	if (!stays)
		status = maildrop_open(&own, d->root, user);
	else if (!is_open(d, i, user) || !maildrop_reuse(&d->drops[i], d->root))
		status = open_drop(d, i, user);
	if (status != MAILDROP_OK)
		return status;
	if (d->config->mailbox_size > 0)
		status = maildrop_room(stays ? &d->drops[i] : &own, (int64_t)bytes, d->config->mailbox_size);
	if (!stays)
		maildrop_close(&own);
	return status;
}

static const struct reply too_many = { 452, "4.5.3", "Too many recipients" };
static const struct reply no_memory = { 451, "4.3.0", "There is no memory left" };

static bool
is_listed(const struct delivery *d, struct span user, struct span address)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct recipient *to = &d->to[i];
		if (to->queued.mailbox ? span_is(user, to->user) : span_equal(address, to->queued.address))
			return true;
	}
	return false;
}

static struct span
keep(struct recipient *to, struct span text)
{
	size_t from = to->text.len;

	buf_add_span(&to->text, text);
	return span_slice(buf_span(&to->text), from, to->text.len);
}

/* A user here, or, where that is empty, somebody elsewhere. Somebody twice is one. */
static struct reply
add_recipient(struct delivery *d, struct span user, struct span address, struct span owner,
    const struct dsn_request *dsn)
{
	size_t most = d->config->recipients > RCPT_STEPS ? (size_t)d->config->recipients : RCPT_STEPS;

	if (is_listed(d, user, address))
		return delivery_reply(MAILDROP_OK);
	if (d->n >= most)
		return too_many;
	struct recipient *to = realloc(d->to, (d->n + 1) * sizeof *to);
	if (to == NULL)
		return no_memory;
	d->to = to;
	to += d->n++;
	/* It's the runner who tells of success. */
	*to = (struct recipient){ .queued = { .mailbox = user.n > 0, .dsn = *dsn },
		.drop = d->here,
		.waits = user.n == 0 || (dsn->notify & DSN_SUCCESS) != 0 };
	d->here += to->queued.mailbox;
	snprintf(to->user, sizeof to->user, "%.*s", (int)user.n, user.at);
	buf_init(&to->text, address.n + owner.n + dsn->orcpt.n);
	/* It has room for all: it does not move. */
	if (buf_reserve(&to->text, to->text.max) == NULL)
		return no_memory;
	to->queued.address = keep(to, address);
	to->queued.owner = keep(to, owner);
	to->queued.dsn.orcpt = keep(to, dsn->orcpt);
	return delivery_reply(MAILDROP_OK);
}

static struct reply
add_user(struct delivery *d, const struct envelope *envelope, struct span user, struct span domain,
    const struct dsn_request *dsn)
{
	const size_t before = d->n;
	struct buf address;

	buf_init(&address, ACCOUNT_NAME + 1 + SMTP_DOMAIN);
	buf_printf(&address, "%.*s@%.*s", (int)user.n, user.at, (int)domain.n, domain.at);
	struct reply reply = add_recipient(d, user, buf_span(&address), span_of(""), dsn);
	buf_free(&address);
	if (d->n == before || reply.code >= 300)
		return reply;
	enum maildrop_status status = try_mailbox(d, &d->to[before], envelope->declared);
	if (d->tell != NULL)
		d->tell(NULL, user, "has a mailbox:", span_of(maildrop_words(status)));
	return delivery_reply(status);
}

/* Everybody an address came to. */
static struct reply
add_all(struct delivery *d, const struct envelope *envelope, const struct rcpt_list *list, struct span domain,
    const struct dsn_request *dsn)
{
	struct reply reply = delivery_reply(MAILDROP_OK);
	struct span address, owner;

	for (struct span rest = buf_span(&list->users); rest.n > 0 && reply.code < 300;)
		reply = add_user(d, envelope, span_until(rest, '\0', &rest), domain, dsn);
	for (struct span rest = buf_span(&list->foreign);
	     reply.code < 300 && rcpt_next_foreign(&rest, &address, &owner);)
		reply = add_recipient(d, span_of(""), address, owner, dsn);
	return reply;
}

static struct reply
rcpt(void *world, const struct envelope *envelope, const struct path *path, const struct dsn_request *dsn)
{
	struct delivery *d = world;
	struct span domain = path->domain.n > 0 ? path->domain : span_of(d->config->hostname);
	size_t before = d->n;
	struct rcpt_list list;

	if (aliases_refresh(d->aliases, d->root) < 0)
		return (struct reply){ 451, "4.3.0", "The aliases cannot be read now" };
	struct rcpt_rules rules = sender_rules(d, envelope->trusted);
	rcpt_list_init(&list);
	struct reply reply = rcpt_resolve(&rules, path, &list);
	if (reply.code < 300)
		reply = add_all(d, envelope, &list, domain, dsn);
	rcpt_list_free(&list);
	if (reply.code >= 300)
		cut_recipients(d, before);
	else if (envelope->taken == 0)
		buf_add_span(&d->sole, path->whole);
	return reply;
}

static void
add(void *world, struct span content)
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
		if (!d->to[i].waits)
			maildrop_take_back(&d->drops[d->to[i].drop]);
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

	for (size_t i = 0; i < d->n && d->here > DELIVERY_OPEN; i++)
		d->to[i].waits = true;
	for (size_t i = 0; i < d->n; i++) {
		if (d->to[i].waits)
			continue;
		status = append(d, parcel, &d->to[i]);
		if (status == MAILDROP_TOO_BIG) {
			take_back(d, i);
			return status;
		}
		d->to[i].waits = status != MAILDROP_OK;
		last = d->to[i].waits ? status : last;
	}
	for (size_t i = 0; i < d->n; i++) {
		if (d->to[i].waits)
			continue;
		status = maildrop_sync(&d->drops[d->to[i].drop]);
		d->to[i].waits = status != MAILDROP_OK;
		last = d->to[i].waits ? status : last;
		stored += status == MAILDROP_OK;
	}
	return stored == 0 && d->here == d->n ? last : MAILDROP_OK;
}

static void
log_delivered(const struct delivery *d, const struct envelope *envelope, const struct letter *letter)
{
	for (size_t i = 0; i < d->n; i++) {
		if (d->to[i].waits)
			continue;
		log_begin("delivered");
		log_text("id", letter->id);
		log_text("uidl", letter->id);
		log_span("from", envelope->sender);
		log_text("user", d->to[i].user);
		log_number("size", (long long)envelope->size);
		log_end();
	}
}

static bool
is_anybody_left(const struct delivery *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->to[i].waits)
			return true;
	return false;
}

static struct reply
queue_reply(int error)
{
	if (error == ENOSPC || error == EDQUOT)
		return delivery_reply(maildrop_status_of(error));
	return (struct reply){ 451, "4.3.0", "The queue cannot be written now" };
}

/* The delivery is logged before its 250 goes out, so that the log knows of all that was ever acknowledged. */
static struct reply
hand_over(struct delivery *d, const struct envelope *envelope, struct parcel *parcel)
{
	if (write_received(d, envelope, parcel) < 0)
		return no_memory;
	enum maildrop_status status = deliver(d, parcel);
	struct reply reply = delivery_reply(status);
	bool left = is_anybody_left(d);
	if (status == MAILDROP_OK && left &&
	    handover_queue(d, envelope, &parcel->letter, buf_span(&parcel->received)) < 0) {
		reply = queue_reply(errno);
		take_back(d, d->n);
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

static struct reply
finish(void *world, const struct envelope *envelope)
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

const struct backend delivery_backend = {
	.accounts = { account_random, sender_credential },
	.login = sender_login,
	.mail = sender_check,
	.rcpt = rcpt,
	.add = add,
	.finish = finish,
	.forget = forget,
	.refused = sender_refused,
};

#include "handover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "wake.h"

/* Copies of spans, one behind the other in one piece of memory; *text is to be freed. */
static int
copy_spans(char **text, struct span *spans[], size_t n)
{
	size_t size = 1;

	for (size_t i = 0; i < n; i++)
		size += spans[i]->n;
	char *at = *text = malloc(size);
	if (at == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (spans[i]->n > 0)
			memcpy(at, spans[i]->at, spans[i]->n);
		spans[i]->at = at;
		at += spans[i]->n;
	}
	return 0;
}

static bool
is_listed(const struct delivery *d, struct span address)
{
	for (size_t i = 0; i < d->foreign_n; i++) {
		struct span other = d->foreign[i].recipient.address;
		if (other.n == address.n && memcmp(other.at, address.at, address.n) == 0)
			return true;
	}
	return false;
}

int
handover_add(struct delivery *d, struct span address, struct span owner, const struct dsn_request *dsn)
{
	if (is_listed(d, address))
		return 0;
	struct elsewhere *list = realloc(d->foreign, (d->foreign_n + 1) * sizeof *list);
	if (list == NULL)
		return -1;
	d->foreign = list;
	struct elsewhere *last = &list[d->foreign_n];
	last->recipient = (struct queue_recipient){ .address = address, .owner = owner, .dsn = *dsn };
	struct span *texts[] = { &last->recipient.address, &last->recipient.owner,
		&last->recipient.dsn.orcpt };
	if (copy_spans(&last->text, texts, 3) < 0)
		return -1;
	d->foreign_n++;
	return 0;
}

void
handover_cut(struct delivery *d, size_t n)
{
	while (d->foreign_n > n)
		free(d->foreign[--d->foreign_n].text);
}

int
handover_keep(const struct dsn_request *dsn, struct addressee *to)
{
	struct span *texts[] = { &to->dsn.orcpt };

	to->dsn = *dsn;
	return copy_spans(&to->text, texts, 1);
}

static int
has_eight_bit(void *context, struct span piece)
{
	(void)context;
	return !span_is_ascii(piece);
}

static int
collect(const struct delivery *d, struct queue_message *message, struct buf *addresses)
{
	struct queue_recipient *r = message->recipients;

	for (size_t i = 0; i < d->foreign_n; i++)
		*r++ = d->foreign[i].recipient;
	for (size_t i = 0; i < d->n; i++) {
		const struct addressee *to = &d->to[i];
		if (!to->waits)
			continue;
		size_t from = addresses->len;
		/* It has room for all: it does not move. */
		buf_printf(addresses, "%s@%s", to->user, to->domain);
		*r++ = (struct queue_recipient){
			.address = span_slice(buf_span(addresses), from, addresses->len),
			.mailbox = true,
			.dsn = to->dsn,
		};
	}
	message->recipients_n = (size_t)(r - message->recipients);
	return addresses->failed ? -1 : 0;
}

static int
store(struct delivery *d, struct queue_message *message, struct span trace)
{
	struct buf addresses;
	const size_t most = (d->n + 1) * sizeof(struct addressee);
	int result = -1;

	errno = ENOMEM;
	buf_init(&addresses, most);
	message->recipients = calloc(d->n + d->foreign_n, sizeof *message->recipients);
	if (message->recipients != NULL && buf_reserve(&addresses, most) != NULL &&
	    collect(d, message, &addresses) == 0)
		result = queue_add(d->root, message, trace, &d->spool);
	free(message->recipients);
	buf_free(&addresses);
	return result;
}

int
handover_queue(
    struct delivery *d, const struct envelope *envelope, const struct letter *letter, struct span trace)
{
	int eight_bit = spool_each(&d->spool, has_eight_bit, NULL);
	struct queue_message message = {
		.created = letter->now,
		.size = envelope->size,
		.sender = envelope->sender,
		.user = envelope->user,
		.trusted = envelope->trusted,
		.utf8 = envelope->smtputf8,
		.eight_bit = eight_bit > 0,
		.ret = envelope->ret,
		.envid = envelope->envid,
	};

	memcpy(message.id, letter->id, sizeof message.id);
	if (eight_bit < 0 || store(d, &message, trace) < 0) {
		int error = errno;
		log_begin_error("queue-failed");
		log_text("id", letter->id);
		log_errno(error);
		log_end();
		errno = error;
		return -1;
	}
	log_begin("queued");
	log_text("id", letter->id);
	log_span("from", envelope->sender);
	log_number("recipients", (long long)message.recipients_n);
	log_number("size", (long long)envelope->size);
	log_end();
	wake_runner(d->wake, letter->id);
	return 0;
}

#include "handover.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "queue.h"
#include "wake.h"

static int
store(struct delivery *d, struct queue_message *message, struct span trace)
{
	message->recipients = calloc(d->n, sizeof *message->recipients);
	if (message->recipients == NULL)
		return -1;
	for (size_t i = 0; i < d->n; i++)
		if (d->to[i].waits)
			message->recipients[message->recipients_n++] = d->to[i].queued;
	int result = queue_add(d->root, message, trace, &d->spool);
	free(message->recipients);
	return result;
}

int
handover_queue(
    struct delivery *d, const struct envelope *envelope, const struct letter *letter, struct span trace)
{
	struct queue_message message = {
		.created = letter->now,
		.size = envelope->size,
		.sender = envelope->sender,
		.user = envelope->user,
		.trusted = envelope->trusted,
		.utf8 = envelope->smtputf8,
		.eight_bit = d->spool.eight_bit || !span_is_ascii(trace),
		.ret = envelope->ret,
		.envid = envelope->envid,
	};

	memcpy(message.id, letter->id, sizeof message.id);
	if (store(d, &message, trace) < 0) {
		log_failure("queue-failed", "id", letter->id);
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

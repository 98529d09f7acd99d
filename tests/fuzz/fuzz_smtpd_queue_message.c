/* A file of queue/: whatever stands in it is read or refused; what was read is written and read again as the same. */
#include "queue_message.h"

#include "fuzz.h"

static const char id[] = "0123456789abcdefghjkmnpqrs";

static void
read_journal(struct queue_message *message, struct span text)
{
	struct buf journal, notices;

	buf_init(&journal, text.n);
	buf_add_span(&journal, text);
	buf_init(&notices, text.n);
	MUST(queue_journal_read(&journal, message, &notices) == 0);
	for (size_t at = 0; at < notices.len; at += sizeof id)
		MUST(queue_is_id(notices.data + at));
	buf_free(&notices);
	for (size_t i = 0; i < message->recipients_n; i++) {
		const struct queue_recipient *r = &message->recipients[i];
		MUST(r->reply.n == 0 ||
		     (r->reply.at >= journal.data && r->reply.at + r->reply.n <= journal.data + journal.len));
		MUST((r->tries == 0) <= (r->state == QUEUE_WAITING));
	}
	buf_free(&journal);
}

static void
write_again(const struct queue_message *message)
{
	struct queue_message second = { .size = 0 };
	struct buf text, again;

	buf_init(&text, 1 << 20);
	buf_init(&again, 1 << 20);
	MUST(queue_message_write(message, 5, &text) == 0);
	MUST(queue_message_parse(buf_span(&text), &second) == 0);
	MUST(queue_message_write(&second, 5, &again) == 0);
	must_equal(buf_span(&text), buf_span(&again));
	free(second.recipients);
	buf_free(&text);
	buf_free(&again);
}

void
fuzz(struct span input)
{
	struct queue_message message = { .size = 0 };
	uint64_t content;
	size_t header;

	memcpy(message.id, id, sizeof id);
	if (!queue_message_lengths(input, &header, &content))
		return;
	MUST(header > QUEUE_FIRST);
	if (queue_message_parse(span_slice(input, 0, header), &message) == 0) {
		write_again(&message);
		read_journal(&message, span_slice(input, header, input.n));
	}
	free(message.recipients);
}

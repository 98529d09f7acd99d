#include "transaction.h"

#include <stdlib.h>

#include "bounds.h"

static bool
is_marked(const void *session, size_t message)
{
	const struct session *s = session;

	return s->marks != NULL && (s->marks[message / 8] >> message % 8 & 1) != 0;
}

bool
transaction_has(struct session *s, size_t message)
{
	return message < s->backend->count(s->context) && !is_marked(s, message);
}

static enum event
end_reply(struct session *s, struct buf *out)
{
	s->more = NULL;
	buf_add_string(out, ".\r\n");
	return EVENT_INPUT;
}

enum event
transaction_stat(struct session *s, const struct argument *argument, struct buf *out)
{
	(void)argument;
	buf_printf(out, "+OK %zu %llu\r\n", s->backend->count(s->context) - s->deleted,
	    (unsigned long long)(s->backend->total(s->context) - s->deleted_octets));
	return EVENT_INPUT;
}

static void
say_count(struct session *s, struct buf *out)
{
	size_t left = s->backend->count(s->context) - s->deleted;

	buf_printf(out, "+OK %zu message%s\r\n", left, command_plural(left));
}

static void
add_octets(struct session *s, size_t message, struct buf *out)
{
	buf_printf(
	    out, "%zu %llu\r\n", message + 1, (unsigned long long)s->backend->octets(s->context, message));
}

static void
add_uidl(struct session *s, size_t message, struct buf *out)
{
	buf_printf(out, "%zu %s\r\n", message + 1, s->backend->uidl(s->context, message));
}

static enum event
list_more(struct session *s, struct buf *out)
{
	size_t count = s->backend->count(s->context);

	for (; s->message < count && out->len < OUTPUT_CHUNK; s->message++)
		if (!is_marked(s, s->message))
			s->item(s, s->message, out);
	return s->message < count ? EVENT_OUTPUT : end_reply(s, out);
}

/* LIST and UIDL: an item for the message that was asked for, or for each. */
static enum event
list(struct session *s, const struct argument *argument,
    void (*item)(struct session *, size_t message, struct buf *), struct buf *out)
{
	if (argument->text.n > 0) {
		buf_add_string(out, "+OK ");
		item(s, argument->message, out);
		return EVENT_INPUT;
	}
	say_count(s, out);
	s->item = item;
	s->message = 0;
	s->more = list_more;
	return list_more(s, out);
}

enum event
transaction_list(struct session *s, const struct argument *argument, struct buf *out)
{
	return list(s, argument, add_octets, out);
}

enum event
transaction_uidl(struct session *s, const struct argument *argument, struct buf *out)
{
	return list(s, argument, add_uidl, out);
}

static void
log_message(struct session *s, const char *event, size_t message, const char *reason)
{
	struct backend_note note = command_note(s, event);

	note.uidl = s->backend->uidl(s->context, message);
	note.reason = reason;
	note.counted = "octets";
	note.number = s->backend->octets(s->context, message);
	s->backend->log(s->context, &note);
}

/* The next piece, read right behind what is waiting to be sent. */
static enum backend_status
read_piece(struct session *s, struct buf *out, struct buf *reason)
{
	bool done = false;
	enum backend_status status = s->backend->read(s->context, OUTPUT_CHUNK, out, &done, reason);

	if (status == BACKEND_OK && done)
		end_reply(s, out);
	return status;
}

/* +OK was said: only an end without the final dot tells the client that this is not all of the message. */
static enum event
message_more(struct session *s, struct buf *out)
{
	struct buf reason;

	buf_init(&reason, REPLY_LINE);
	enum backend_status status = read_piece(s, out, &reason);
	if (status != BACKEND_OK)
		log_message(s, "read-failed", s->message, buf_string(&reason));
	buf_free(&reason);
	if (status != BACKEND_OK)
		return EVENT_DROP;
	return s->more != NULL ? EVENT_OUTPUT : EVENT_INPUT;
}

/* The first piece is read before +OK leaves: what fails here is still an -ERR. */
static enum event
send_message(struct session *s, size_t message, long lines, struct buf *out)
{
	size_t before = out->len;
	struct buf reason;

	buf_init(&reason, REPLY_LINE);
	if (lines < 0)
		buf_printf(
		    out, "+OK %llu octets\r\n", (unsigned long long)s->backend->octets(s->context, message));
	else
		buf_add_string(out, "+OK the top of it\r\n");
	s->message = message;
	s->more = message_more;
	enum backend_status status = s->backend->read_begin(s->context, message, lines, &reason);
	if (status == BACKEND_OK)
		status = read_piece(s, out, &reason);
	if (status == BACKEND_OK) {
		if (lines < 0)
			log_message(s, "retr", message, NULL);
		buf_free(&reason);
		return s->more != NULL ? EVENT_OUTPUT : EVENT_INPUT;
	}
	s->more = NULL;
	buf_cut(out, before);
	log_message(s, "read-failed", message, buf_string(&reason));
	enum event event = command_refuse_status(s, status, "the message can't be read", &reason, out);
	buf_free(&reason);
	return event;
}

enum event
transaction_retr(struct session *s, const struct argument *argument, struct buf *out)
{
	return send_message(s, argument->message, -1, out);
}

enum event
transaction_top(struct session *s, const struct argument *argument, struct buf *out)
{
	return send_message(s, argument->message, argument->lines, out);
}

enum event
transaction_dele(struct session *s, const struct argument *argument, struct buf *out)
{
	size_t message = argument->message;

	if (s->marks == NULL)
		s->marks = calloc(s->backend->count(s->context) / 8 + 1, 1);
	if (s->marks == NULL)
		return command_refuse(s, "[SYS/TEMP] out of memory", out);
	s->marks[message / 8] |= (uint8_t)(1 << message % 8);
	s->deleted++;
	s->deleted_octets += s->backend->octets(s->context, message);
	log_message(s, "dele", message, NULL);
	buf_add_string(out, "+OK marked, QUIT deletes it\r\n");
	return EVENT_INPUT;
}

enum event
transaction_rset(struct session *s, const struct argument *argument, struct buf *out)
{
	(void)argument;
	free(s->marks);
	s->marks = NULL;
	s->deleted = 0;
	s->deleted_octets = 0;
	say_count(s, out);
	return EVENT_INPUT;
}

/* The UPDATE state: +OK promises that what was marked is gone, and stays so. */
static enum backend_status
update(struct session *s, struct buf *reason)
{
	struct backend_note note = command_note(s, "expunge");

	enum backend_status status = s->backend->expunge(s->context, is_marked, s, reason);
	if (status != BACKEND_OK) {
		note.event = "expunge-failed";
		note.reason = buf_string(reason);
	}
	note.counted = "messages";
	note.number = s->deleted;
	s->backend->log(s->context, &note);
	return status;
}

enum event
transaction_quit(struct session *s, const struct argument *argument, struct buf *out)
{
	struct backend_note note = command_note(s, "quit");
	enum backend_status status = BACKEND_OK;
	struct buf reason;

	(void)argument;
	if (s->state == AUTHORIZATION) {
		buf_add_string(out, "+OK bye\r\n");
		return EVENT_CLOSE;
	}
	buf_init(&reason, REPLY_LINE);
	if (s->deleted > 0)
		status = update(s, &reason);
	/* Before the reply: who reads it may log in again at once. */
	s->backend->close(s->context);
	s->backend->log(s->context, &note);
	if (status == BACKEND_OK)
		buf_printf(out, "+OK bye, %zu message%s deleted\r\n", s->deleted, command_plural(s->deleted));
	else
		command_refuse_status(s, status, "nothing was deleted", &reason, out);
	buf_free(&reason);
	return EVENT_CLOSE;
}

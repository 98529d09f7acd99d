/*
 * The TRANSACTION and UPDATE states (RFC 1939 5 and 6). Only transaction_quit deletes anything; whatever else ends a session forgets
 * the marks. Pure.
 */
#include "session.h"

#include <stdlib.h>

#include "bounds.h"

static bool
is_marked(const void *session, size_t message)
{
	const struct session *s = session;

	return s->marks != NULL && (s->marks[message / 8] >> message % 8 & 1) != 0;
}

bool
transaction_has(const struct session *s, size_t message)
{
	return message < s->count && !is_marked(s, message);
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
	buf_printf(out, "+OK %zu %llu\r\n", s->left, (unsigned long long)s->left_octets);
	return EVENT_INPUT;
}

static void
say_count(struct session *s, struct buf *out)
{
	buf_printf(out, "+OK %zu message%s\r\n", s->left, command_plural(s->left));
}

static void
add_item(struct session *s, size_t message, struct buf *out)
{
	struct message m = s->backend->message(s->context, message);

	if (s->uidls)
		buf_printf(out, "%zu %s\r\n", message + 1, m.uidl);
	else
		buf_printf(out, "%zu %llu\r\n", message + 1, (unsigned long long)m.octets);
}

static enum event
list_more(struct session *s, struct buf *out)
{
	for (; s->message < s->count && out->len < OUTPUT_CHUNK; s->message++)
		if (!is_marked(s, s->message))
			add_item(s, s->message, out);
	return s->message < s->count ? EVENT_OUTPUT : end_reply(s, out);
}

/* LIST and UIDL: an item for the message that was asked for, or for each. */
static enum event
list(struct session *s, const struct argument *argument, bool uidls, struct buf *out)
{
	s->uidls = uidls;
	if (argument->text.n > 0) {
		buf_add_string(out, "+OK ");
		add_item(s, argument->message, out);
		return EVENT_INPUT;
	}
	say_count(s, out);
	s->message = 0;
	s->more = list_more;
	return list_more(s, out);
}

enum event
transaction_list(struct session *s, const struct argument *argument, struct buf *out)
{
	return list(s, argument, false, out);
}

enum event
transaction_uidl(struct session *s, const struct argument *argument, struct buf *out)
{
	return list(s, argument, true, out);
}

static void
log_message(struct session *s, const char *event, size_t message)
{
	struct message m = s->backend->message(s->context, message);

	command_log(
	    s, (struct note){ .event = event, .uidl = m.uidl, .counted = "octets", .number = m.octets });
}

/* The next piece, read right behind what is waiting to be sent. */
static const char *
read_piece(struct session *s, struct buf *out)
{
	bool done = false;
	const char *code = s->backend->read(s->context, OUTPUT_CHUNK, out, &done, &s->reason);

	if (code == NULL && done)
		end_reply(s, out);
	/* cppcheck-suppress returnDanglingLifetime ; it is a string literal */
	return code;
}

/* +OK was said: only an end without the final dot tells the client that this is not all of the message. */
static enum event
message_more(struct session *s, struct buf *out)
{
	if (read_piece(s, out) == NULL)
		return s->more != NULL ? EVENT_OUTPUT : EVENT_INPUT;
	log_message(s, "read-failed", s->message);
	return EVENT_DROP;
}

/* The first piece is read before +OK leaves: what fails here is still an -ERR. */
static enum event
send_message(struct session *s, size_t message, long lines, struct buf *out)
{
	size_t before = out->len;

	if (lines < 0)
		buf_printf(out, "+OK %llu octets\r\n",
		    (unsigned long long)s->backend->message(s->context, message).octets);
	else
		buf_add_string(out, "+OK the top of it\r\n");
	s->message = message;
	s->more = message_more;
	const char *code = s->backend->read_begin(s->context, message, lines, &s->reason);
	if (code == NULL)
		code = read_piece(s, out);
	if (code != NULL) {
		s->more = NULL;
		buf_cut(out, before);
		log_message(s, "read-failed", message);
		return command_fail(s, code, "the message can't be read", out);
	}
	if (lines < 0)
		log_message(s, "retr", message);
	return s->more != NULL ? EVENT_OUTPUT : EVENT_INPUT;
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
		s->marks = calloc(s->count / 8 + 1, 1);
	if (s->marks == NULL)
		return command_refuse(s, "[SYS/TEMP] out of memory", out);
	s->marks[message / 8] |= (uint8_t)(1 << message % 8);
	s->left--;
	s->left_octets -= s->backend->message(s->context, message).octets;
	log_message(s, "dele", message);
	buf_add_string(out, "+OK marked, QUIT deletes it\r\n");
	return EVENT_INPUT;
}

enum event
transaction_rset(struct session *s, const struct argument *argument, struct buf *out)
{
	(void)argument;
	free(s->marks);
	s->marks = NULL;
	s->left = s->count;
	s->left_octets = s->octets;
	say_count(s, out);
	return EVENT_INPUT;
}

/* The UPDATE state: +OK promises that what was marked is gone, and stays so. */
enum event
transaction_quit(struct session *s, const struct argument *argument, struct buf *out)
{
	size_t deleted = s->count - s->left;
	const char *code = NULL;

	(void)argument;
	if (s->state == AUTHORIZATION) {
		buf_add_string(out, "+OK bye\r\n");
		return EVENT_CLOSE;
	}
	if (deleted > 0) {
		code = s->backend->expunge(s->context, is_marked, s, &s->reason);
		command_log(s, (struct note){ .event = code == NULL ? "expunge" : "expunge-failed",
				   .counted = "messages",
				   .number = deleted });
	}
	/* Before the reply: who reads it may log in again at once. */
	s->backend->close(s->context);
	s->backend->log(s->context, &(struct note){ .event = "quit", .user = span_of(s->user) });
	if (code == NULL)
		buf_printf(out, "+OK bye, %zu message%s deleted\r\n", deleted, command_plural(deleted));
	else
		command_fail(s, code, "nothing was deleted", out);
	return EVENT_CLOSE;
}

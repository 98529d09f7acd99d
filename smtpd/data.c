/* The content of a message, checked and passed on piece by piece. Pure. */
#include "command.h"

#include <string.h>

#include "bounds.h"

static const struct reply too_big = { 552, "5.3.4", "The message is too big" };
static const struct reply malformed = { 554, "5.6.0", "A bare CR, a bare LF or a NUL is in the message" };
static const struct reply looping = { 554, "5.4.6", "The message has been through too many hosts" };
static const struct reply no_memory = { 451, "4.3.0", "There is no memory left" };

static void
take_field(struct header *h)
{
	struct span name = { h->name, h->n };

	h->received += span_is(name, "received");
	h->date |= span_is(name, "date");
	h->message_id |= span_is(name, "message-id");
}

/* One character at the start of a line. A blank before the colon is obsolete (RFC 5322 4.5), and meant. */
static void
read_name(struct header *h, char c)
{
	bool blank = ascii_is_blank(c);

	if (h->n == 0 && c == '\r')
		h->place = HEADER_BODY;
	else if (blank && h->n > 0)
		h->blank = true;
	else if (!blank && !h->blank && c != ':' && c != '\r' && h->n < sizeof h->name)
		h->name[h->n++] = ascii_lower(c);
	else {
		if (c == ':')
			take_field(h);
		h->place = HEADER_LINE;
	}
}

/* The next CRLF lines of the message, or any part of them. */
static void
read_header(struct header *h, struct span content)
{
	size_t i = 0;

	while (i < content.n && h->place != HEADER_BODY) {
		if (h->place == HEADER_NAME) {
			read_name(h, content.at[i]);
			/* The line may be over already: look at this byte again. */
			i += h->place == HEADER_NAME;
			continue;
		}
		const char *end = memchr(content.at + i, '\n', content.n - i);
		if (end == NULL)
			return;
		i = (size_t)(end - content.at) + 1;
		h->place = HEADER_NAME;
		h->n = 0;
		h->blank = false;
	}
}

static void
begin_content(struct session *s, enum dot_kind kind)
{
	s->dot = (struct dot){ .kind = kind };
	s->header = (struct header){ .received = 0 };
	s->envelope.size = 0;
}

/* The message will not be taken. What there is of it goes now; what is to come is thrown away as it comes. */
static void
condemn(struct session *s, struct reply verdict)
{
	if (s->verdict.code != 0)
		return;
	s->verdict = verdict;
	s->backend->forget(s->world);
}

static void
take_content(struct session *s, struct span content)
{
	if (s->verdict.code != 0)
		return;
	s->envelope.size += content.n;
	read_header(&s->header, content);
	if (s->content.failed)
		condemn(s, no_memory);
	else if (s->envelope.size > s->config->message_size)
		condemn(s, too_big);
	else if (s->header.received > SMTP_RECEIVED)
		condemn(s, looping);
	else
		s->backend->add(s->world, content);
}

/* As dot_push, and what it yields is taken. */
static enum dot_result
push(struct session *s, struct span bytes, size_t *used)
{
	enum dot_result result = DOT_MORE;

	*used = 0;
	while (result == DOT_MORE && *used < bytes.n) {
		struct span piece = span_slice(bytes, *used, *used + DATA_PIECE);
		size_t n;

		buf_clear(&s->content);
		result = dot_push(&s->dot, piece.at, piece.n, &n, &s->content);
		*used += n;
		take_content(s, buf_span(&s->content));
	}
	return result;
}

/* The content is complete: store it, or say why not. */
static enum event
finish(struct session *s, struct buf *out)
{
	struct reply reply = s->verdict;

	s->envelope.add_date = s->config->submission && !s->header.date;
	s->envelope.add_message_id = s->config->submission && !s->header.message_id;
	if (reply.code == 0)
		reply = s->backend->finish(s->world, &s->envelope);
	command_say(s, reply, out);
	command_reset(s);
	return EVENT_INPUT;
}

enum event
data_begin(struct session *s, struct span argument, struct buf *out)
{
	(void)argument;
	begin_content(s, DOT_STRICT);
	s->phase = PHASE_DATA;
	command_say(s, (struct reply){ 354, NULL, "Go on; a line with a dot alone ends it" }, out);
	return EVENT_TURN;
}

/*
 * After a bare CR or LF nobody knows any more what the client takes for the end of its message, so that what follows must
 * not be read as commands: this is how mail is smuggled.
 */
enum event
data_input(struct session *s, struct span bytes, size_t *used, struct buf *out)
{
	switch (push(s, bytes, used)) {
	case DOT_MORE:
		break;
	case DOT_END:
		return finish(s, out);
	case DOT_BAD:
		command_say(s, malformed, out);
		command_reset(s);
		return EVENT_CLOSE;
	}
	return EVENT_INPUT;
}

/* "OCTETS" or "OCTETS LAST". */
static bool
parse_chunk(struct span argument, uint64_t *octets, bool *last)
{
	struct span word;
	long long n = span_number(span_until(argument, ' ', &word), INT64_MAX);

	word = span_trim(word);
	*octets = (uint64_t)n;
	*last = word.n > 0;
	return n >= 0 && (word.n == 0 || span_is_nocase(word, "LAST"));
}

/* All octets of a chunk have come. A chunk that is refused ends the transaction that it belongs to. */
static enum event
end_chunk(struct session *s, struct buf *out)
{
	s->phase = PHASE_COMMANDS;
	if (s->last && s->dot.state == DOT_CR)
		condemn(s, malformed);
	if (s->state == SESSION_CHUNKS && (s->last || s->verdict.code != 0))
		return finish(s, out);
	if (s->verdict.code != 0)
		return command_say(s, s->verdict, out);
	return command_say(s, (struct reply){ 250, "2.0.0", "Ok" }, out);
}

/* The octets come whether the chunk is welcome or not (RFC 3030 2): verdict holds what the table has against it. */
enum event
data_chunk(struct session *s, struct span argument, struct buf *out)
{
	if (!parse_chunk(argument, &s->left, &s->last))
		return command_say(
		    s, (struct reply){ 501, "5.5.4", "The syntax is BDAT octets, or BDAT octets LAST" }, out);
	s->phase = PHASE_CHUNK;
	if (s->verdict.code == 0 && s->state == SESSION_MAIL) {
		begin_content(s, DOT_COUNTED);
		s->state = SESSION_CHUNKS;
	}
	if (s->verdict.code == 0 && s->left > s->config->message_size - s->envelope.size)
		condemn(s, too_big);
	return s->left == 0 ? end_chunk(s, out) : EVENT_INPUT;
}

enum event
data_chunk_input(struct session *s, struct span bytes, size_t *used, struct buf *out)
{
	size_t taken;

	*used = s->left < bytes.n ? (size_t)s->left : bytes.n;
	s->left -= *used;
	if (s->verdict.code == 0 && push(s, span_slice(bytes, 0, *used), &taken) == DOT_BAD)
		condemn(s, malformed);
	return s->left == 0 ? end_chunk(s, out) : EVENT_INPUT;
}

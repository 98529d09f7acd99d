#include "bounce.h"

#include <errno.h>

#include "bounds.h"
#include "message.h"

/* The header at the start, without the empty line. */
static struct span
header_of(struct span original)
{
	struct span rest = original;
	struct field field;
	size_t end = 0;

	while (field_next(&rest, &field))
		end = original.n - rest.n;
	return span_slice(original, 0, end);
}

/* As much as there is room for; true: all. What cannot be read is left out: a notice without it is better than none. */
static bool
read_original(struct queue_entry *entry, struct buf *original)
{
	struct buf piece;
	off_t at = entry->content;
	int more = 1;

	buf_init(&piece, (size_t)4 * SPOOL_MEMORY);
	while (more > 0 && original->len < original->max) {
		buf_clear(&piece);
		more = queue_read(entry, &at, &piece);
		buf_add_span(original, span_slice(buf_span(&piece), 0, original->max - original->len));
	}
	buf_free(&piece);
	return more == 0 && original->len < original->max;
}

static void
put(struct spool *body, struct buf *piece)
{
	if (piece->failed && body->error == 0)
		body->error = ENOMEM;
	spool_add(body, buf_span(piece));
	buf_clear(piece);
}

/* The text for people: the recipients with each action below a line of their own. */
static void
write_text(const struct bounce *bounce, struct buf *piece, struct spool *body)
{
	for (int action = BOUNCE_FAILED; action <= BOUNCE_DELIVERED; action++) {
		bool first = true;
		for (size_t i = 0; i < bounce->recipients_n; i++) {
			const struct bounce_recipient *told = &bounce->recipients[i];
			if ((int)told->action != action)
				continue;
			if (first)
				bounce_text_action(&bounce->notice, told->action, piece);
			first = false;
			bounce_text_recipient(told, piece);
			put(body, piece);
		}
	}
}

static void
write_all(const struct bounce *bounce, enum bounce_action worst, struct span original, bool whole,
    struct spool *body)
{
	const struct bounce_notice *notice = &bounce->notice;
	struct buf piece;

	buf_init(&piece, BOUNCE_PIECE + 4 * BOUNCE_ORIGINAL);
	bounce_text_begin(notice, worst, whole && !span_is_ascii(original), &piece);
	write_text(bounce, &piece, body);
	bounce_text_end(notice, whole, &piece);
	bounce_text_message_fields(notice, &piece);
	for (size_t i = 0; i < bounce->recipients_n; i++) {
		bounce_text_recipient_fields(notice, &bounce->recipients[i], &piece);
		put(body, &piece);
	}
	bounce_text_original(notice, original, whole, &piece);
	put(body, &piece);
	buf_free(&piece);
}

int
bounce_write(struct bounce *bounce, struct spool *body)
{
	enum bounce_action worst = BOUNCE_DELIVERED;
	struct buf text;
	struct field subject;

	for (size_t i = 0; i < bounce->recipients_n; i++)
		if (bounce->recipients[i].action < worst)
			worst = bounce->recipients[i].action;
	buf_init(&text, BOUNCE_ORIGINAL + 1);
	/* RFC 3461 4.3: the whole is for failures alone. */
	bool whole = read_original(bounce->about, &text) && bounce->about->message.ret == DSN_RET_FULL &&
		     worst == BOUNCE_FAILED && bounce_text_is_plain(&bounce->notice, buf_span(&text));
	struct span original = whole ? buf_span(&text) : header_of(buf_span(&text));
	if (field_find(original, "Subject", &subject))
		bounce->notice.subject = subject.value;
	write_all(bounce, worst, original, whole, body);
	buf_free(&text);
	return spool_finish(body);
}

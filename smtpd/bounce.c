#include "bounce.h"

#include <errno.h>

#include "bounds.h"
#include "queue.h"

static void
put(void *context, struct buf *piece)
{
	struct spool *body = context;

	if (piece->failed && body->body.error == 0)
		body->body.error = ENOMEM;
	spool_add(body, buf_span(piece));
	buf_clear(piece);
}

int
bounce_write(const struct bounce_notice *notice, struct queue_entry *about, struct spool *body)
{
	struct buf original, piece;
	off_t at = about->content;
	int more = 1;

	buf_init(&original, BOUNCE_ORIGINAL + 1);
	buf_init(&piece, (size_t)4 * SPOOL_MEMORY);
	while (more > 0 && original.len < original.max) {
		buf_clear(&piece);
		more = queue_read(about, &at, &piece);
		buf_add_span(&original, span_slice(buf_span(&piece), 0, original.max - original.len));
	}
	buf_free(&piece);
	/* What cannot be read is left out: a notice without it is better than none. */
	bounce_text(notice, buf_span(&original), more == 0 && original.len < original.max, put, body);
	buf_free(&original);
	return spool_finish(body);
}

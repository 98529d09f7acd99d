#include "body.h"

#include <errno.h>
#include <stdio.h>

enum { PIECE = 32 * 1024, OUT = 512 * 1024 };

void
body_init(struct body *body, const struct buf *header, const struct scratch *text, uint64_t start,
    enum encoding encoding)
{
	*body = (struct body){ .header = header, .text = text, .start = start, .encoding = encoding };
	encoder_init(&body->encoder, encoding);
}

void
body_free(struct body *body)
{
	encoder_free(&body->encoder);
}

static void
rewind_body(struct body *body)
{
	encoder_free(&body->encoder);
	encoder_init(&body->encoder, body->encoding);
	body->header_at = 0;
	body->in_line = false;
	body->offset = body->start;
	body->begun = true;
}

int
body_next(void *context, struct buf *out)
{
	struct body *body = context;
	char bytes[PIECE];

	if (!body->begun)
		rewind_body(body);
	if (body->header_at < body->header->len) {
		struct span part =
		    span_slice(buf_span(body->header), body->header_at, body->header_at + PIECE);
		body->header_at += part.n;
		if (buf_add_span(out, part) == 0)
			return 1;
		errno = ENOMEM;
		return -1;
	}
	size_t before = out->len;
	ssize_t n = scratch_at(body->text, body->offset, bytes, sizeof(bytes));
	if (n < 0)
		return -1;
	body->offset += (uint64_t)n;
	body->begun = n > 0;
	encoder_push(&body->encoder, (struct span){ bytes, (size_t)n }, n == 0, out);
	if (out->len > before)
		body->in_line = out->data[out->len - 1] != '\n';
	if (n == 0 && body->in_line)
		buf_add(out, "\r\n", 2);
	if (body->encoder.carry.failed || out->failed) {
		errno = ENOMEM;
		return -1;
	}
	return n > 0 ? 1 : 0;
}

/* Call take for each piece, from the beginning. 0, or -1 with errno. */
static int
walk(struct body *body, void (*take)(struct span, uint64_t *size), uint64_t *size)
{
	struct buf piece;
	int more = 1;

	buf_init(&piece, OUT);
	while (more > 0) {
		buf_clear(&piece);
		more = body_next(body, &piece);
		take(buf_span(&piece), size);
	}
	buf_free(&piece);
	return more;
}

static void
count(struct span s, uint64_t *size)
{
	*size += s.n;
}

int
body_measure(struct body *body, uint64_t *size)
{
	*size = 0;
	return walk(body, count, size);
}

static void
print_lines(struct span s, uint64_t *unused)
{
	(void)unused;
	for (size_t i = 0; i < s.n; i++)
		if (s.at[i] != '\r')
			putchar(s.at[i]);
}

int
body_print(struct body *body)
{
	return walk(body, print_lines, NULL);
}

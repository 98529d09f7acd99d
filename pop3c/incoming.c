#include "incoming.h"

#include <errno.h>
#include <unistd.h>

#include "address.h"
#include "bounds.h"
#include "io.h"
#include "message.h"
#include "show.h"

enum { PIECE = 64 * 1024 };

void
incoming_init(struct incoming *in, size_t bound)
{
	*in = (struct incoming){ .file = -1, .bound = bound };
	buf_init(&in->head, SHOW_HEADER);
	buf_init(&in->memory, bound + CONN_INPUT);
}

void
incoming_free(struct incoming *in)
{
	if (in->file >= 0)
		close(in->file);
	in->file = -1;
	buf_free(&in->head);
	buf_free(&in->memory);
}

/* What is in memory goes to the file. */
static int
spill(struct incoming *in)
{
	if (in->file < 0) {
		in->file = io_temporary();
		if (in->file < 0 ||
		    buf_add_span(&in->head, span_slice(buf_span(&in->memory), 0, SHOW_HEADER)) < 0)
			return -1;
	}
	if (io_write(in->file, buf_span(&in->memory)) < 0)
		return -1;
	buf_clear(&in->memory);
	return 0;
}

int
incoming_add(void *incoming, struct span piece)
{
	struct incoming *in = incoming;

	if (in->error != 0)
		return 0;
	in->octets += piece.n;
	if (in->memory.len + piece.n > in->bound && in->memory.len > 0 && spill(in) < 0)
		in->error = errno;
	else if (buf_add_span(&in->memory, piece) < 0)
		in->error = ENOMEM;
	return 0;
}

int
incoming_each(struct incoming *in, int (*write_out)(void *context, struct span), void *context)
{
	char piece[PIECE];
	off_t at = 0;
	ssize_t n = 0;

	while (in->file >= 0 && (n = io_read_at(in->file, piece, sizeof(piece), at)) > 0) {
		if (write_out(context, (struct span){ piece, (size_t)n }) < 0)
			return -1;
		at += n;
	}
	if (n < 0)
		return -1;
	for (size_t i = 0; i < in->memory.len; i += PIECE)
		if (write_out(context, span_slice(buf_span(&in->memory), i, i + PIECE)) < 0)
			return -1;
	return 0;
}

void
incoming_sender(const struct incoming *in, struct buf *out)
{
	static const char *const names[] = { "Return-Path", "From" };
	struct span head = buf_span(in->file < 0 ? &in->memory : &in->head);
	struct buf name;
	struct field field;
	const char *reason;

	buf_init(&name, SHOW_HEADER);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && out->len == 0; i++) {
		if (!field_find(span_slice(head, 0, SHOW_HEADER), names[i], &field))
			continue;
		if (span_is(span_trim(field.value), "<>"))
			break;
		buf_clear(&name);
		if (address_next(&field.value, &name, out, &reason) != 1)
			buf_clear(out);
	}
	buf_free(&name);
}

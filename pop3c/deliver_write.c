/*
 * What the kinds of deliver share: how a message is written, and how a failure is told.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "deliver.h"
#include "io.h"
#include "mbox.h"

enum { PIECE = 64 * 1024, SENDER = 1024 };

enum delivered
deliver_fail(struct deliver *d, int exit_status, const char *what)
{
	fprintf(stderr, "pop3c: %s: %s\n", d->name, what != NULL ? what : strerror(errno));
	d->exit = exit_status;
	return DELIVER_BROKEN;
}

/* A descriptor behind a buffer, and what content goes through on its way there. */
struct writer {
	int fd;
	struct buf out;
	struct mbox_quoter quoter;
	bool pending_cr;
};

static int
flush(struct writer *w, size_t above)
{
	if (w->out.failed) {
		errno = ENOMEM;
		return -1;
	}
	if (w->out.len <= above)
		return 0;
	int result = io_write(w->fd, buf_span(&w->out));
	buf_clear(&w->out);
	return result;
}

static int
write_quoted(void *context, struct span piece)
{
	struct writer *w = context;

	mbox_quote(&w->quoter, piece, &w->out);
	return flush(w, PIECE);
}

int
deliver_write_mbox(int fd, struct incoming *in)
{
	struct writer w = { .fd = fd };
	struct buf sender;

	buf_init(&sender, SENDER);
	buf_init(&w.out, SIZE_MAX / 2);
	incoming_sender(in, &sender);
	mbox_from_line(buf_string(&sender), (int64_t)time(NULL), &w.out);
	mbox_quoter_init(&w.quoter);
	int result = incoming_each(in, write_quoted, &w);
	if (result == 0) {
		mbox_quote_end(&w.quoter, &w.out);
		result = flush(&w, 0);
	}
	int error = errno;
	buf_free(&sender);
	buf_free(&w.out);
	errno = error;
	return result;
}

/* CRLF becomes LF; a CR elsewhere stays. */
static int
write_lf(void *context, struct span piece)
{
	struct writer *w = context;

	while (piece.n > 0) {
		if (w->pending_cr && piece.at[0] != '\n')
			buf_add_char(&w->out, '\r');
		const char *cr = memchr(piece.at, '\r', piece.n);
		size_t text = cr == NULL ? piece.n : (size_t)(cr - piece.at);
		buf_add(&w->out, piece.at, text);
		w->pending_cr = cr != NULL;
		piece = span_slice(piece, text + (cr != NULL), piece.n);
	}
	return flush(w, PIECE);
}

int
deliver_write_lf(int fd, struct incoming *in)
{
	struct writer w = { .fd = fd };

	buf_init(&w.out, SIZE_MAX / 2);
	int result = incoming_each(in, write_lf, &w);
	if (result == 0 && w.pending_cr)
		buf_add_char(&w.out, '\r');
	if (result == 0)
		result = flush(&w, 0);
	int error = errno;
	buf_free(&w.out);
	errno = error;
	return result;
}

/*
 * What the kinds of deliver share: how a message is written, and how a failure is told.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "deliver.h"
#include "io.h"
#include "mbox.h"
#include "program.h"

enum { PIECE = 64 * 1024, SENDER = 1024 };

enum delivered
deliver_fail(struct deliver *d, int exit_status, const char *what)
{
	complain(0, "%s: %s", d->name, what != NULL ? what : strerror(errno));
	d->exit = exit_status;
	return DELIVER_BROKEN;
}

/* A descriptor behind a buffer, and what content goes through on its way there. */
struct writer {
	int fd;
	struct buf out;
	struct mbox_quoter quoter;
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
write_piece(void *context, struct span piece)
{
	struct writer *w = context;

	mbox_quote(&w->quoter, piece, &w->out);
	return flush(w, PIECE);
}

int
deliver_write(int fd, struct incoming *in, enum deliver_form form)
{
	struct writer w = { .fd = fd };
	struct buf sender;

	buf_init(&sender, SENDER);
	buf_init(&w.out, SIZE_MAX / 2);
	mbox_quoter_init(&w.quoter);
	w.quoter.verbatim = form == DELIVER_LF;
	if (form == DELIVER_MBOX) {
		incoming_sender(in, &sender);
		mbox_from_line(buf_string(&sender), (int64_t)time(NULL), &w.out);
	}
	int result = incoming_each(in, write_piece, &w);
	if (result == 0 && form == DELIVER_MBOX)
		mbox_quote_end(&w.quoter, &w.out);
	if (result == 0)
		result = flush(&w, 0);
	int error = errno;
	buf_free(&sender);
	buf_free(&w.out);
	errno = error;
	return result;
}

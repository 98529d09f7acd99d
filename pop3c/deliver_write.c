/*
 * What the kinds of deliver share: how a message is written, and how a failure is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "address.h"
#include "deliver.h"
#include "io.h"
#include "mbox.h"
#include "message.h"
#include "program.h"
#include "show.h"

enum { PIECE = 64 * 1024, SENDER = 1024 };

enum delivered
deliver_fail(struct deliver *d, int exit_status, const char *what)
{
	complain(0, "%s: %s", d->name, what != NULL ? what : strerror(errno));
	d->exit = exit_status;
	return DELIVER_BROKEN;
}

int
deliver_folder(struct deliver *d)
{
	char *slash = strrchr(d->path, '/');
	const char *folder = slash == NULL ? "." : slash == d->path ? "/" : d->path;

	d->base = slash == NULL ? d->path : slash + 1;
	if (slash != NULL)
		*slash = '\0';
	return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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

/* Its sender is that of Return-Path, else From; empty for nobody. */
static void
add_from_line(const struct scratch *in, struct buf *out)
{
	static const char *const names[] = { "Return-Path", "From" };
	struct buf head, name, sender;
	struct field field;
	const char *reason;

	buf_init(&head, SHOW_HEADER);
	buf_init(&name, SHOW_HEADER);
	buf_init(&sender, SENDER);
	char *room = buf_reserve(&head, SHOW_HEADER);
	ssize_t n = room == NULL ? 0 : scratch_at(in, 0, room, SHOW_HEADER);
	head.len = n > 0 ? (size_t)n : 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && sender.len == 0; i++) {
		if (!field_find(buf_span(&head), names[i], &field))
			continue;
		if (span_is(span_trim(field.value), "<>"))
			break;
		if (address_next(&field.value, &name, &sender, &reason) != 1)
			buf_clear(&sender);
	}
	mbox_from_line(buf_string(&sender), (int64_t)time(NULL), out);
	buf_free(&head);
	buf_free(&name);
	buf_free(&sender);
}

int
deliver_write(int fd, const struct scratch *in, enum deliver_form form)
{
	struct writer w = { .fd = fd };

	buf_init(&w.out, SIZE_MAX / 2);
	mbox_quoter_init(&w.quoter);
	w.quoter.verbatim = form == DELIVER_LF;
	if (form == DELIVER_MBOX)
		add_from_line(in, &w.out);
	int result = scratch_each(in, write_piece, &w);
	if (result == 0 && form == DELIVER_MBOX)
		mbox_quote_end(&w.quoter, &w.out);
	if (result == 0)
		result = flush(&w, 0);
	int error = errno;
	buf_free(&w.out);
	errno = error;
	return result;
}

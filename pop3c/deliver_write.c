/*
 * What the kinds of deliver share: how a message is written, and how a failure is told.
 */
#include <errno.h>
#include <fcntl.h>
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

/* Its sender is that of Return-Path, else From; empty for nobody. */
static void
add_from_line(struct span message, struct buf *out)
{
	static const char *const names[] = { "Return-Path", "From" };
	struct span head = span_slice(message, 0, SHOW_HEADER);
	struct buf name, sender;
	struct field field;
	const char *reason;

	buf_init(&name, SHOW_HEADER);
	buf_init(&sender, SENDER);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && sender.len == 0; i++) {
		if (!field_find(head, names[i], &field))
			continue;
		if (span_is(span_trim(field.value), "<>"))
			break;
		if (address_next(&field.value, &name, &sender, &reason) != 1)
			buf_clear(&sender);
	}
	mbox_from_line(buf_string(&sender), (int64_t)time(NULL), out);
	buf_free(&name);
	buf_free(&sender);
}

int
deliver_write(int fd, struct span message, enum deliver_form form)
{
	struct mbox_quoter quoter;
	struct buf out;
	int result;

	buf_init(&out, 4 * PIECE);
	mbox_quoter_init(&quoter);
	quoter.verbatim = form == DELIVER_LF;
	if (form == DELIVER_MBOX)
		add_from_line(message, &out);
	do {
		mbox_quote(&quoter, span_slice(message, 0, PIECE), &out);
		message = span_slice(message, PIECE, message.n);
		if (message.n == 0 && form == DELIVER_MBOX)
			mbox_quote_end(&quoter, &out);
		errno = ENOMEM;
		result = out.failed ? -1 : io_write(fd, buf_span(&out));
		buf_clear(&out);
	} while (message.n > 0 && result == 0);
	int error = errno;
	buf_free(&out);
	errno = error;
	return result;
}

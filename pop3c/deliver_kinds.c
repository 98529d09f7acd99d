#include "deliver.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "address.h"
#include "child.h"
#include "exits.h"
#include "io.h"
#include "mbox.h"
#include "message.h"
#include "program.h"
#include "show.h"

/* What the kinds share, and two of them that need no more: the command, standard output. */

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

/* Standard output: an mbox, so that one message can be told from the next. */

static enum delivered
put_stdout(struct deliver *d, struct span message)
{
	if (deliver_write(STDOUT_FILENO, message, DELIVER_MBOX) < 0)
		return deliver_fail(d, EXITS_CANNOT_WRITE, NULL);
	return DELIVERED;
}

static enum delivered
commit_stdout(struct deliver *d)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) < 0 || (S_ISREG(st.st_mode) && fsync(STDOUT_FILENO) < 0))
		return deliver_fail(d, EXITS_CANNOT_WRITE, NULL);
	return DELIVERED;
}

const struct deliver_kind deliver_stdout = { false, NULL, put_stdout, commit_stdout };

/* A command, run by sh once a message. It has taken the message when it exits with 0. */

static enum delivered
open_command(struct deliver *d)
{
	return d->name[1] == '\0' ? deliver_fail(d, EXITS_CANNOT_CREATE, "no command") : DELIVERED;
}

/* The first that fails decides, but for one that may work later it is not over yet. */
static enum delivered
refuse(struct deliver *d, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	if (code >= 0)
		complain(0, "%s: exit status %d", d->name, code);
	else
		complain(0, "%s: ended by signal %d", d->name, WTERMSIG(status));
	if (code != EXITS_LATER)
		d->exit = EXITS_CANNOT_CREATE;
	else if (d->exit == 0)
		d->exit = EXITS_LATER;
	return DELIVERED_NOT;
}

static enum delivered
put_command(struct deliver *d, struct span message)
{
	struct child child;
	int error = 0, status = 0;

	if (child_start(&child, d->name + 1, STDIN_FILENO) < 0)
		return deliver_fail(d, EXITS_CANNOT_CREATE, NULL);
	/* One that has read enough may close its end; its exit status counts. */
	if (deliver_write(child.end, message, DELIVER_LF) < 0 && errno != EPIPE) {
		error = errno;
		kill(child.pid, SIGKILL); /* it must not take a part for the whole */
	}
	if (child_end(&child, &status) < 0 && error == 0)
		error = errno;
	if (error != 0) {
		errno = error;
		return deliver_fail(d, EXITS_CANNOT_WRITE, NULL);
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? DELIVERED : refuse(d, status);
}

const struct deliver_kind deliver_command = { true, open_command, put_command, NULL };

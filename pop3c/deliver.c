/* realpath(3) is X/Open's. */
#define _XOPEN_SOURCE 700 /* NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

#include "deliver.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "address.h"
#include "bounds.h"
#include "child.h"
#include "exits.h"
#include "io.h"
#include "mbox.h"
#include "message.h"
#include "program.h"
#include "show.h"
#include "unique.h"

enum { PIECE = 64 * 1024, SENDER = 1024, HOST = 256, NAME = HOST + UNIQUE_ID + 32 };

/* A line on standard error: DEST and what went wrong (errno's words where it is NULL). */
static enum delivered
fail(struct deliver *d, int exit_status, const char *what)
{
	complain(0, "%s: %s", d->name, what != NULL ? what : strerror(errno));
	d->exit = exit_status;
	return DELIVER_BROKEN;
}

/* Its sender is that of Return-Path, else From; empty for nobody. */
static void
add_from_line(struct span message, struct buf *out)
{
	struct span head = span_slice(message, 0, SHOW_HEADER);
	struct buf name, sender;
	struct field field;
	const char *reason;

	buf_init(&name, SHOW_HEADER);
	buf_init(&sender, SENDER);
	if (field_find(head, "Return-Path", &field) || field_find(head, "From", &field))
		if (address_next(&field.value, &name, &sender, &reason) != 1)
			buf_clear(&sender);
	mbox_from_line(buf_string(&sender), (int64_t)time(NULL), out);
	buf_free(&name);
	buf_free(&sender);
}

/* As it stands in an mbox, with its From_ line, quoted; or with LF line ends and no more. 0, or -1 with errno. */
static int
write_message(int fd, struct span message, bool mbox)
{
	struct mbox_quoter quoter;
	struct buf out;
	int result;

	buf_init(&out, 4 * PIECE);
	mbox_quoter_init(&quoter);
	quoter.verbatim = !mbox;
	if (mbox)
		add_from_line(message, &out);
	do {
		mbox_quote(&quoter, span_slice(message, 0, PIECE), &out);
		message = span_slice(message, PIECE, message.n);
		if (message.n == 0 && mbox)
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
	if (write_message(STDOUT_FILENO, message, true) < 0)
		return fail(d, EXITS_CANNOT_WRITE, NULL);
	return DELIVERED;
}

static enum delivered
commit_stdout(struct deliver *d)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) < 0 || (S_ISREG(st.st_mode) && fsync(STDOUT_FILENO) < 0))
		return fail(d, EXITS_CANNOT_WRITE, NULL);
	return DELIVERED;
}

/* A command, run by sh once a message. It has taken the message when it exits with 0. */

static enum delivered
open_command(struct deliver *d)
{
	return d->name[1] == '\0' ? fail(d, EXITS_CANNOT_CREATE, "no command") : DELIVERED;
}

/* The first that fails decides, but for one that may work later it is not over yet. */
static enum delivered
refuse(struct deliver *d, int status)
{
	bool later = WIFEXITED(status) && WEXITSTATUS(status) == EXITS_LATER;

	if (WIFEXITED(status))
		complain(0, "%s: exit status %d", d->name, WEXITSTATUS(status));
	else
		complain(0, "%s: ended by signal %d", d->name, WTERMSIG(status));
	if (!later || d->exit == 0)
		d->exit = later ? EXITS_LATER : EXITS_CANNOT_CREATE;
	return DELIVERED_NOT;
}

static enum delivered
put_command(struct deliver *d, struct span message)
{
	struct child child;
	int error = 0, status = 0;

	if (child_start(&child, d->name + 1, STDIN_FILENO) < 0)
		return fail(d, EXITS_CANNOT_CREATE, NULL);
	/* One that has read enough may close its end; its exit status counts. */
	if (write_message(child.end, message, false) < 0 && errno != EPIPE) {
		error = errno;
		kill(child.pid, SIGKILL); /* it must not take a part for the whole */
	}
	if (child_end(&child, &status) < 0 && error == 0)
		error = errno;
	errno = error;
	if (error != 0)
		return fail(d, EXITS_CANNOT_WRITE, NULL);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? DELIVERED : refuse(d, status);
}

/* A Maildir: a file a message, LF line ends, written and synced in tmp/, then renamed into new/, which is synced at the commit. */

static bool
is_maildir(const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is = dir >= 0 && faccessat(dir, "cur/.", F_OK, 0) == 0 &&
		  faccessat(dir, "new/.", F_OK, 0) == 0 && faccessat(dir, "tmp/.", F_OK, 0) == 0;

	io_close(dir);
	return is;
}

static enum delivered
open_maildir(struct deliver *d)
{
	static const char *const inside[] = { "cur", "new", "tmp" };
	bool made = mkdir(d->path, 0700) == 0;

	d->dir = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->dir < 0 || (made && io_sync_directory(d->dir, "..") < 0))
		return fail(d, EXITS_CANNOT_CREATE, NULL);
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
		if (mkdirat(d->dir, inside[i], 0700) < 0 && errno != EEXIST)
			return fail(d, EXITS_CANNOT_CREATE, NULL);
	return fsync(d->dir) < 0 ? fail(d, EXITS_CANNOT_CREATE, NULL) : DELIVERED;
}

/* TIME.UNIQUE.HOST; a host's name has neither "/" nor ":" there. */
static enum delivered
put_maildir(struct deliver *d, struct span message)
{
	char host[HOST] = "localhost", id[UNIQUE_ID + 1], temporary[NAME], final[NAME];

	gethostname(host, sizeof(host) - 1);
	unique_id(host, id);
	snprintf(
	    temporary, NAME, "tmp/%lld.%s.%.*s", (long long)time(NULL), id, (int)strcspn(host, "/:"), host);
	snprintf(final, NAME, "new%s", strchr(temporary, '/'));
	int fd = openat(d->dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(d, EXITS_CANNOT_CREATE, NULL);
	bool written = write_message(fd, message, false) == 0 && fsync(fd) == 0;
	bool closed = close(fd) == 0;
	if (written && closed && renameat(d->dir, temporary, d->dir, final) == 0)
		return DELIVERED;
	fail(d, EXITS_CANNOT_WRITE, NULL);
	unlinkat(d->dir, temporary, 0);
	return DELIVER_BROKEN;
}

static enum delivered
commit_maildir(struct deliver *d)
{
	return io_sync_directory(d->dir, "new") < 0 ? fail(d, EXITS_CANNOT_WRITE, NULL) : DELIVERED;
}

/*
 * An mbox file: mboxrd, LF, appended with O_APPEND under the fcntl lock and the dotlock, which last until it is synced; what could not be
 * written whole, or not be synced, is cut off again.
 */

/* Made if it is missing, through links, beside whose end the dotlock stands. A FIFO must neither block nor be written to. */
static enum delivered
open_mbox(struct deliver *d)
{
	struct stat st;

	deliver_close(d);
	d->file = open(d->path, O_RDWR | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (d->file < 0 || fstat(d->file, &st) < 0)
		return fail(d, EXITS_CANNOT_CREATE, NULL);
	if (!S_ISREG(st.st_mode))
		return fail(d, EXITS_CANNOT_CREATE, "is neither a mailbox file nor a Maildir");
	d->fresh |= st.st_size == 0;
	d->real = realpath(d->path, NULL);
	if (d->real == NULL)
		return fail(d, EXITS_CANNOT_CREATE, NULL);
	char *slash = strrchr(d->real, '/');
	*slash = '\0';
	d->dir = open(slash == d->real ? "/" : d->real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return d->dir < 0 ? fail(d, EXITS_CANNOT_CREATE, NULL) : DELIVERED;
}

static const char *
name_of(const struct deliver *d)
{
	return d->real + strlen(d->real) + 1;
}

/* Opened anew for each batch, since others may replace it while the server is listened to. */
static enum delivered
lock_file(struct deliver *d)
{
	if (open_mbox(d) != DELIVERED)
		return DELIVER_BROKEN;
	if (lock_init(&d->lock, d->file) < 0)
		return fail(d, EXITS_CANNOT_WRITE, NULL);
	enum lock_status status = lock_mbox(d->dir, name_of(d), d->file, MBOX_LOCK_SECONDS, false, &d->lock);
	d->locked = status == LOCK_OK;
	d->start = d->end = d->lock.size;
	if (d->locked)
		return DELIVERED;
	if (status == LOCK_FAILED)
		return fail(d, EXITS_CANNOT_WRITE, NULL);
	return fail(d, EXITS_LATER,
	    status == LOCK_BUSY ? "another program has it locked" : "another program has replaced it");
}

/* What has to stand before a new message: the end of an unfinished line, an empty line. NULL: it is no mbox. */
static const char *
separator(const struct deliver *d)
{
	char start[5], tail[2];

	if (d->start == 0)
		return "";
	if (io_read_at(d->file, start, sizeof(start), 0) != sizeof(start) ||
	    memcmp(start, "From ", sizeof(start)) != 0 ||
	    io_read_at(d->file, tail, sizeof(tail), d->start - 2) != sizeof(tail))
		return NULL;
	return tail[1] != '\n' ? "\n\n" : tail[0] != '\n' ? "\n" : "";
}

static enum delivered
put_mbox(struct deliver *d, struct span message)
{
	const char *before = "";
	struct stat st;

	if (!d->locked) {
		if (lock_file(d) != DELIVERED)
			return DELIVER_BROKEN;
		before = separator(d);
		if (before == NULL)
			return fail(d, EXITS_CANNOT_WRITE, "is no mailbox, or cannot be read: left as it is");
	}
	if (io_write(d->file, span_of(before)) < 0 || write_message(d->file, message, true) < 0 ||
	    fstat(d->file, &st) < 0) {
		fail(d, EXITS_CANNOT_WRITE, NULL);
		if (ftruncate(d->file, d->end) < 0)
			fail(d, EXITS_CANNOT_WRITE, "a part of a message is left at its end");
		return DELIVER_BROKEN;
	}
	d->end = st.st_size;
	return DELIVERED;
}

static enum delivered
commit_mbox(struct deliver *d)
{
	enum delivered result = DELIVERED;

	if (!d->locked)
		return result;
	if (fsync(d->file) < 0 || (d->fresh && fsync(d->dir) < 0)) {
		result = fail(d, EXITS_CANNOT_WRITE, NULL);
		/* What the server still has must not stay here, too. */
		if (ftruncate(d->file, d->start) < 0)
			fail(d, EXITS_CANNOT_WRITE, NULL);
	}
	d->fresh = false;
	lock_mbox_release(d->dir, name_of(d), d->file, &d->lock);
	d->locked = false;
	return result;
}

enum { MBOX, MAILDIR, COMMAND, STDOUT };
static const struct deliver_kind kinds[] = {
	[MBOX] = { false, open_mbox, put_mbox, commit_mbox },
	[MAILDIR] = { false, open_maildir, put_maildir, commit_maildir },
	[COMMAND] = { true, open_command, put_command, NULL },
	[STDOUT] = { false, NULL, put_stdout, commit_stdout },
};

enum delivered
deliver_open(struct deliver *d, const char *dest)
{
	const char *home = getenv("HOME");

	*d = (struct deliver){ .name = dest != NULL ? dest : "~/mbox", .dir = -1, .file = -1 };
	if (dest == NULL && (home == NULL || *home == '\0'))
		return fail(d, EXITS_CANNOT_CREATE, "HOME is not set");
	size_t n = (size_t)snprintf(
	    d->path, sizeof(d->path), "%s%s", dest != NULL ? dest : home, dest != NULL ? "" : "/mbox");
	d->kind = &kinds[MBOX];
	if (*d->name == '|')
		d->kind = &kinds[COMMAND];
	else if (strcmp(d->name, "-") == 0)
		d->kind = &kinds[STDOUT];
	else if (n >= sizeof(d->path)) {
		errno = ENAMETOOLONG;
		return fail(d, EXITS_CANNOT_CREATE, NULL);
	} else if ((n > 0 && d->path[n - 1] == '/') || is_maildir(d->path))
		d->kind = &kinds[MAILDIR];
	return d->kind->open == NULL ? DELIVERED : d->kind->open(d);
}

enum delivered
deliver_put(struct deliver *d, struct span message)
{
	return d->kind->put(d, message);
}

enum delivered
deliver_commit(struct deliver *d)
{
	return d->kind->commit == NULL ? DELIVERED : d->kind->commit(d);
}

void
deliver_close(struct deliver *d)
{
	io_close(d->dir);
	io_close(d->file);
	free(d->real);
	d->dir = d->file = -1;
	d->real = NULL;
}

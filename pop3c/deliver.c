#include "deliver.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "exits.h"
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

/* A folder that is a Maildir, whether DEST ends in a slash or not. */
static bool
is_maildir(const char *path)
{
	static const char *const inside[] = { "cur", "new", "tmp" };
	struct stat st;

	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
		char name[4096];
		int n = snprintf(name, sizeof(name), "%s/%s", path, inside[i]);
		if (n < 0 || (size_t)n >= sizeof(name) || stat(name, &st) < 0 || !S_ISDIR(st.st_mode))
			return false;
	}
	return true;
}

static char *
default_path(void)
{
	const char *home = getenv("HOME");
	size_t n = home == NULL ? 0 : strlen(home);
	char *path = n == 0 ? NULL : malloc(n + sizeof("/mbox"));

	if (path != NULL)
		snprintf(path, n + sizeof("/mbox"), "%s/mbox", home);
	return path;
}

enum delivered
deliver_open(struct deliver *d, const char *dest)
{
	*d = (struct deliver){ .dir = -1, .file = -1, .batch = -1 };
	d->name = dest != NULL ? dest : "~/mbox";
	d->path = dest == NULL ? default_path() : strdup(dest[0] == '|' ? dest + 1 : dest);
	if (d->path == NULL)
		return deliver_fail(d, EXITS_CANNOT_CREATE, dest == NULL ? "HOME is not set" : NULL);
	size_t n = strlen(d->path);
	if (dest != NULL && dest[0] == '|')
		d->kind = &deliver_command;
	else if (strcmp(d->path, "-") == 0)
		d->kind = &deliver_stdout;
	else if ((n > 0 && d->path[n - 1] == '/') || is_maildir(d->path))
		d->kind = &deliver_maildir;
	else
		d->kind = &deliver_mbox;
	return d->kind->open(d);
}

enum delivered
deliver_put(struct deliver *d, struct incoming *in)
{
	if (in->error != 0) {
		errno = in->error;
		return deliver_fail(d, EXITS_CANNOT_WRITE, NULL);
	}
	return d->kind->put(d, in);
}

enum delivered
deliver_commit(struct deliver *d)
{
	return d->kind->commit(d);
}

void
deliver_close(struct deliver *d)
{
	if (d->dir >= 0)
		close(d->dir);
	if (d->file >= 0)
		close(d->file);
	free(d->path);
	free(d->base);
	*d = (struct deliver){ .dir = -1, .file = -1 };
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

/* Standard output: an mbox, so that one message can be told from the next. */

static enum delivered
open_stdout(struct deliver *d)
{
	struct stat st;

	return fstat(STDOUT_FILENO, &st) < 0 ? deliver_fail(d, EXITS_CANNOT_WRITE, NULL) : DELIVERED;
}

static enum delivered
put_stdout(struct deliver *d, struct incoming *in)
{
	if (deliver_write_mbox(STDOUT_FILENO, in) < 0)
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

const struct deliver_kind deliver_stdout = { false, open_stdout, put_stdout, commit_stdout };

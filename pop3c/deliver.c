#include "deliver.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"

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
	return d->kind->open == NULL ? DELIVERED : d->kind->open(d);
}

enum delivered
deliver_put(struct deliver *d, struct scratch *in)
{
	struct span message;

	if (scratch_end(in, &message) < 0)
		return deliver_fail(d, EXITS_CANNOT_WRITE, NULL);
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
	if (d->dir >= 0)
		close(d->dir);
	if (d->file >= 0)
		close(d->file);
	free(d->path);
	*d = (struct deliver){ .dir = -1, .file = -1 };
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

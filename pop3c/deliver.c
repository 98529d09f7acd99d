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

static const struct deliver_kind *
kind_of(const struct deliver *d)
{
	size_t n = strlen(d->path);

	if (d->name[0] == '|')
		return &deliver_command;
	if (strcmp(d->path, "-") == 0)
		return &deliver_stdout;
	return (n > 0 && d->path[n - 1] == '/') || is_maildir(d->path) ? &deliver_maildir : &deliver_mbox;
}

enum delivered
deliver_open(struct deliver *d, const char *dest)
{
	const char *home = getenv("HOME");

	*d = (struct deliver){ .name = dest != NULL ? dest : "~/mbox", .dir = -1, .file = -1, .batch = -1 };
	if (dest == NULL && (home == NULL || *home == '\0'))
		return deliver_fail(d, EXITS_CANNOT_CREATE, "HOME is not set");
	int n = dest == NULL   ? snprintf(d->path, sizeof(d->path), "%s/mbox", home)
		: *dest == '|' ? 0
			       : snprintf(d->path, sizeof(d->path), "%s", dest);
	errno = ENAMETOOLONG;
	if ((size_t)n >= sizeof(d->path))
		return deliver_fail(d, EXITS_CANNOT_CREATE, NULL);
	d->kind = kind_of(d);
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
	d->dir = d->file = -1;
}

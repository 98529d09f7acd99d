/*
 * A Maildir: a file a message, LF line ends, written and synced in tmp/, then renamed into new/, which is synced at the commit.
 */
#include "deliver.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "exits.h"
#include "io.h"
#include "unique.h"

enum { HOST = 256, NAME = HOST + UNIQUE_ID + 32 };

/* The folders, as far as they are missing, durably. */
static int
make_folders(int parent, const char *name)
{
	static const char *const inside[] = { "cur", "new", "tmp" };

	if (mkdirat(parent, name, 0700) == 0) {
		if (fsync(parent) < 0)
			return -1;
	} else if (errno != EEXIST)
		return -1;
	int dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -1;
	int made = 0;
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
		if (mkdirat(dir, inside[i], 0700) == 0)
			made++;
	if (made > 0 && fsync(dir) < 0) {
		close(dir);
		return -1;
	}
	return dir;
}

static enum delivered
open_maildir(struct deliver *d)
{
	size_t n = strlen(d->path);

	while (n > 1 && d->path[n - 1] == '/')
		d->path[--n] = '\0';
	int parent = deliver_folder(d);
	int dir = parent < 0 ? -1 : make_folders(parent, *d->base == '\0' ? "." : d->base);
	if (dir >= 0) {
		d->dir = openat(dir, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		d->file = openat(dir, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	enum delivered result =
	    d->dir >= 0 && d->file >= 0 ? DELIVERED : deliver_fail(d, EXITS_CANNOT_CREATE, NULL);
	if (parent >= 0)
		close(parent);
	if (dir >= 0)
		close(dir);
	return result;
}

/* TIME.UNIQUE.HOST; a host's name has neither "/" nor ":" there. */
static void
make_name(char name[NAME])
{
	char host[HOST] = "localhost", id[UNIQUE_ID + 1];

	if (gethostname(host, sizeof(host) - 1) < 0)
		strcpy(host, "localhost");
	for (char *c = host; *c != '\0'; c++)
		if (*c == '/' || *c == ':')
			*c = '_';
	unique_id(host, id);
	snprintf(name, NAME, "%lld.%s.%s", (long long)time(NULL), id, host);
}

static enum delivered
put_maildir(struct deliver *d, struct span message)
{
	char name[NAME];

	make_name(name);
	int fd = openat(d->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return deliver_fail(d, EXITS_CANNOT_CREATE, NULL);
	bool written = deliver_write(fd, message, DELIVER_LF) == 0 && fsync(fd) == 0;
	int error = errno;
	if (close(fd) < 0 && written) {
		error = errno;
		written = false;
	}
	if (written && renameat(d->dir, name, d->file, name) == 0)
		return DELIVERED;
	errno = written ? errno : error;
	deliver_fail(d, EXITS_CANNOT_WRITE, NULL);
	unlinkat(d->dir, name, 0);
	return DELIVER_BROKEN;
}

static enum delivered
commit_maildir(struct deliver *d)
{
	return fsync(d->file) < 0 ? deliver_fail(d, EXITS_CANNOT_WRITE, NULL) : DELIVERED;
}

const struct deliver_kind deliver_maildir = { false, open_maildir, put_maildir, commit_maildir };

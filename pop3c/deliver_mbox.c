/*
 * An mbox file: mboxrd, LF, under the fcntl lock and the dotlock, appended with O_APPEND; what could not be written whole is cut off again.
 */
#include "deliver.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "exits.h"
#include "io.h"
#include "lock.h"

enum { LINKS = 16 };

/* The file itself, made if it is missing. A FIFO must neither block nor be written to. */
static int
open_file(struct deliver *d)
{
	struct stat st;

	if (d->file >= 0)
		close(d->file);
	d->file =
	    openat(d->dir, d->base, O_RDWR | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (d->file < 0 || fstat(d->file, &st) < 0)
		return -1;
	d->fresh |= st.st_size == 0;
	d->batch = -1;
	return S_ISREG(st.st_mode) ? 0 : 1;
}

/* The dotlock stands beside the file itself, not beside a link to it. */
static int
follow_links(struct deliver *d)
{
	char target[sizeof(d->path)];

	for (int links = 0; links < LINKS; links++) {
		ssize_t n = readlink(d->path, target, sizeof(target) - 1);
		if (n < 0)
			return errno == EINVAL || errno == ENOENT ? 0 : -1;
		const char *slash = target[0] == '/' ? NULL : strrchr(d->path, '/');
		size_t folder = slash == NULL ? 0 : (size_t)(slash + 1 - d->path);
		errno = ENAMETOOLONG;
		if (folder + (size_t)n >= sizeof(d->path))
			return -1;
		memcpy(d->path + folder, target, (size_t)n);
		d->path[folder + (size_t)n] = '\0';
	}
	errno = ELOOP;
	return -1;
}

static enum delivered
open_mbox(struct deliver *d)
{
	if (follow_links(d) < 0)
		return deliver_fail(d, EXITS_CANNOT_CREATE, NULL);
	d->dir = deliver_folder(d);
	int result = d->dir < 0 ? -1 : open_file(d);
	if (result != 0)
		return deliver_fail(
		    d, EXITS_CANNOT_CREATE, result > 0 ? "is neither a mailbox file nor a Maildir" : NULL);
	return DELIVERED;
}

static enum delivered
take_lock(struct deliver *d, struct lock *lock)
{
	for (int attempt = 0; attempt < 5; attempt++) {
		if (lock_init(lock, d->file) < 0)
			break;
		enum lock_status status = lock_mbox(d->dir, d->base, d->file, MBOX_LOCK_SECONDS, false, lock);
		if (status == LOCK_OK)
			return DELIVERED;
		lock_close(lock);
		if (status == LOCK_BUSY)
			return deliver_fail(d, EXITS_LATER, "another program has it locked");
		if (status == LOCK_FAILED)
			return deliver_fail(d, EXITS_CANNOT_WRITE, NULL);
		if (open_file(d) != 0)
			break;
	}
	return deliver_fail(d, EXITS_CANNOT_WRITE, "another program keeps replacing it");
}

static void
release(struct deliver *d, struct lock *lock)
{
	lock_mbox_release(d->dir, d->base, d->file, lock);
	lock_close(lock);
}

/* What has to stand before a new message: the end of an unfinished line, an empty line. NULL: the file is no mbox, or cannot be read. */
static const char *
separator(int fd, off_t size)
{
	char start[5], tail[2];

	if (size == 0)
		return "";
	errno = 0;
	if (io_read_at(fd, start, sizeof(start), 0) != sizeof(start) ||
	    memcmp(start, "From ", sizeof(start)) != 0)
		return NULL;
	if (io_read_at(fd, tail, sizeof(tail), size - 2) != sizeof(tail))
		return NULL;
	return tail[1] != '\n' ? "\n\n" : tail[0] != '\n' ? "\n" : "";
}

/* Under the lock. */
static enum delivered
append(struct deliver *d, struct span message, off_t size)
{
	const char *before = separator(d->file, size);
	struct stat st;

	if (before == NULL)
		return deliver_fail(
		    d, EXITS_CANNOT_WRITE, errno != 0 ? NULL : "is no mailbox: left as it is");
	if (io_write(d->file, span_of(before)) < 0 || deliver_write(d->file, message, DELIVER_MBOX) < 0 ||
	    fstat(d->file, &st) < 0) {
		deliver_fail(d, EXITS_CANNOT_WRITE, NULL);
		if (ftruncate(d->file, size) < 0)
			deliver_fail(d, EXITS_CANNOT_WRITE, "a part of a message is left at its end");
		return DELIVER_BROKEN;
	}
	if (d->batch < 0)
		d->batch = size;
	else if (size != d->end)
		d->batch = -1;
	d->end = st.st_size;
	return DELIVERED;
}

static enum delivered
put_mbox(struct deliver *d, struct span message)
{
	struct lock lock;

	if (take_lock(d, &lock) != DELIVERED)
		return DELIVER_BROKEN;
	enum delivered result = append(d, message, lock.size);
	release(d, &lock);
	return result;
}

/* The sync failed: what the server still has must not stay here, too, where nothing was written behind it. */
static void
take_back(struct deliver *d)
{
	struct lock lock;

	if (d->batch < 0 || take_lock(d, &lock) != DELIVERED)
		return;
	if (d->batch >= 0 && lock.size == d->end && ftruncate(d->file, d->batch) < 0)
		deliver_fail(d, EXITS_CANNOT_WRITE, NULL);
	release(d, &lock);
}

static enum delivered
commit_mbox(struct deliver *d)
{
	if (fsync(d->file) < 0 || (d->fresh && fsync(d->dir) < 0)) {
		deliver_fail(d, EXITS_CANNOT_WRITE, NULL);
		take_back(d);
		return DELIVER_BROKEN;
	}
	d->fresh = false;
	d->batch = -1;
	return DELIVERED;
}

const struct deliver_kind deliver_mbox = { false, open_mbox, put_mbox, commit_mbox };

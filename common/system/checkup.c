#include "checkup.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "io.h"
#include "survey.h"

static const char *
kind_of(const struct stat *st)
{
	if (S_ISLNK(st->st_mode))
		return "a symbolic link";
	if (S_ISDIR(st->st_mode))
		return "a directory";
	if (S_ISFIFO(st->st_mode))
		return "a FIFO";
	return S_ISREG(st->st_mode) ? "a file with another name, too (a hard link)" : "a device or a socket";
}

/* The folder, and what the name stands for, before it is opened: opening a FIFO or a device is not only looking. */
static enum checkup_status
look_at_name(struct checkup *c, int root)
{
	char path[sizeof("users/") + sizeof(c->maildrop.name)];
	struct stat st;

	snprintf(path, sizeof(path), "users/%s", c->maildrop.name);
	c->maildrop.dir = openat(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->maildrop.dir < 0 || fstatat(c->maildrop.dir, "mbox", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? CHECKUP_NONE : CHECKUP_FAILED;
	if (S_ISREG(st.st_mode) && st.st_nlink == 1)
		return CHECKUP_OK;
	c->kind = kind_of(&st);
	return CHECKUP_NO_FILE;
}

/* The lock on the file that has the name now. */
static enum checkup_status
lock(struct checkup *c)
{
	struct maildrop *m = &c->maildrop;
	struct stat st, named;

	for (int attempt = 0; attempt < 3; attempt++) {
		io_close(m->mbox);
		m->mbox = io_open(m->dir, "mbox", O_RDONLY);
		if (m->mbox < 0 || lock_init(&m->lock, m->mbox) < 0)
			return CHECKUP_FAILED;
		c->locked = lock_fcntl_shared(m->mbox, CHECKUP_LOCK_SECONDS) == LOCK_OK;
		if (fstat(m->mbox, &st) < 0)
			return CHECKUP_FAILED;
		m->lock.size = c->size = st.st_size;
		if (fstatat(m->dir, "mbox", &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_ino == st.st_ino)
			return CHECKUP_OK;
	}
	errno = EBUSY;
	return CHECKUP_FAILED;
}

enum checkup_status
checkup_open(struct checkup *c, int root, const char *name)
{
	*c = (struct checkup){ .maildrop = { .dir = -1, .mbox = -1, .index = -1 } };
	snprintf(c->maildrop.name, sizeof(c->maildrop.name), "%s", name);
	enum checkup_status status = look_at_name(c, root);
	if (status == CHECKUP_OK)
		status = lock(c);
	if (status != CHECKUP_OK)
		return status;
	c->dotlock = lock_look(c->maildrop.dir, "mbox", c->maildrop.lock.inode);
	/* Who has the fcntl lock has the dotlock, too: without that lock nothing is known about it. */
	if (!c->locked && c->dotlock == DOTLOCK_STALE)
		c->dotlock = DOTLOCK_HELD;
	c->redo = redo_look(&c->maildrop);
	return CHECKUP_OK;
}

static bool
is_same(const struct index_entry *a, const struct index_entry *b)
{
	if (a->offset != b->offset || a->stored != b->stored || a->separator != b->separator ||
	    a->kind != b->kind)
		return false;
	/* Of a dead one the index may know what the mailbox does not say any more. */
	return a->kind == INDEX_DEAD ||
	       (a->wire == b->wire && a->prefix == b->prefix && strcmp(a->uidl, b->uidl) == 0);
}

/* 0, 1 or -1, as checkup_index. */
static int
compare(const struct maildrop *m, off_t size, int index, const struct index_header *header)
{
	struct index_list list = { .count = 0 };
	const struct index_entry *entries = NULL;
	int result = survey(m->mbox, 0, size, &list);

	if (result == 0)
		result = survey_tell_twins_apart(&list);
	if (result == 0 && list.count != header->count)
		result = 1;
	if (result == 0 && list.count > 0 && (entries = index_map(index, header)) == NULL)
		result = 1;
	for (size_t i = 0; result == 0 && i < list.count; i++)
		result = !is_same(&list.entries[i], &entries[i]);
	index_unmap(entries, header->count);
	index_list_free(&list);
	return result;
}

int
checkup_index(const struct maildrop *m, off_t size)
{
	struct index_header header;
	int result = 0, index = io_open(m->dir, "mbox.index", O_RDONLY);

	if (index >= 0 && index_read_header(index, m->lock.inode, &header) && header.clean == (uint64_t)size)
		result = compare(m, size, index, &header);
	io_close(index);
	return result;
}

/*
 * What a crash may leave of an append, and who mends it. "clean" is the size that mbox.index remembers.
 *
 * state        mbox                               dotlock    who finds it                         reached by tests/unit
 * A  idle      ends with a whole message, clean   none       nothing to do                        keeps_the_order
 * B  locked    as before                          dead one   lock: its fcntl lock is free: stale  breaks_ours_when_the_fcntl_lock_is_free
 * C  writing   ends with a part of a message      dead one   recover_tail: to mbox.torn with it   mends_every_cut
 * D  written   whole, clean is older              dead one   recover_tail: it stays; not          keeps_whole_messages_beyond_the_clean_size
 *                                                            acknowledged, may come again
 * E  unsynced  whole to readers; after a power    none, or   recover_tail: by length and sum of   mends_holes
 *              cut as A, C or a hole in it        an old one the entry line
 * F  synced    whole                              none       acknowledged                         serves_many_at_once
 * The fault scenario "deliver to one" reaches each of them, too.
 */
#include "maildrop.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "bounds.h"
#include "hash.h"
#include "io.h"
#include "log.h"
#include "recover.h"
#include "redo.h"
#include "survey.h"

/* users/NAME, made where it is missing. */
static int
open_folder(int root, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	char path[80];

	snprintf(path, sizeof(path), "users/%s", name);
	int dir = openat(root, path, flags);
	if (dir >= 0 || errno != ENOENT)
		return dir;
	if ((mkdirat(root, "users", 0700) < 0 && errno != EEXIST) ||
	    (mkdirat(root, path, 0700) < 0 && errno != EEXIST))
		return -1;
	return openat(root, path, flags);
}

/*
 * A mailbox whose name may not be durable yet carries the x bit: whoever makes it may die before it is, and nobody else could tell that
 * what he stores there would be gone after a power cut.
 */
static int
create_mbox(int dir)
{
	return openat(
	    dir, "mbox", O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600 | S_IXUSR);
}

/* Durable with all that leads to it: whoever made the folders may have died before they were. */
static int
make_durable(const struct maildrop *m)
{
	if (fsync(m->dir) < 0 || io_sync_directory(m->dir, "..") < 0 ||
	    io_sync_directory(m->dir, "../..") < 0)
		return -1;
	return fchmod(m->mbox, 0600);
}

static void
read_index(struct maildrop *m)
{
	if (m->index < 0 || !index_read_header(m->index, m->lock.inode, &m->header))
		m->header = (struct index_header){ .clean = 0 };
}

/* It may have been made, or replaced, since it was opened. */
static void
find_index(struct maildrop *m)
{
	io_close(m->index);
	m->index = io_open(m->dir, "mbox.index", O_RDWR);
	read_index(m);
}

static int
open_files(struct maildrop *m)
{
	m->mbox = io_open_renamed(m->dir, "mbox", "mbox.repaired", O_RDWR | O_APPEND);
	if (m->mbox < 0 && errno == ENOENT)
		m->mbox = create_mbox(m->dir);
	if (m->mbox < 0 || lock_init(&m->lock, m->mbox) < 0)
		return -1;
	if ((m->lock.mode & S_IXUSR) != 0 && make_durable(m) < 0)
		return -1;
	find_index(m);
	return 0;
}

static void
close_files(struct maildrop *m)
{
	io_close(m->mbox);
	io_close(m->index);
	m->mbox = m->index = -1;
}

enum maildrop_status
maildrop_open(struct maildrop *m, int root, const char *name)
{
	*m = (struct maildrop){ .mbox = -1, .index = -1 };
	snprintf(m->name, sizeof(m->name), "%s", name);
	m->dir = open_folder(root, name);
	if (m->dir >= 0 && open_files(m) == 0)
		return MAILDROP_OK;
	enum maildrop_status status = maildrop_failed(m, "mailbox not opened");
	maildrop_close(m);
	return status;
}

bool
maildrop_reuse(struct maildrop *m, int root)
{
	char path[80];
	struct stat st;

	snprintf(path, sizeof(path), "users/%s/mbox", m->name);
	if (fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_ino != m->lock.inode ||
	    st.st_dev != m->lock.device || st.st_nlink > 1)
		return false;
	read_index(m);
	return true;
}

void
maildrop_close(struct maildrop *m)
{
	close_files(m);
	io_close(m->dir);
	m->dir = -1;
}

/* Both locks, on the file that the name stands for now. */
static enum lock_status
lock_current(struct maildrop *m, bool lax)
{
	for (int attempt = 0; attempt < 10; attempt++) {
		enum lock_status status =
		    lock_mbox(m->dir, "mbox", m->mbox, MBOX_LOCK_SECONDS, lax, &m->lock);
		if (status != LOCK_MOVED)
			return status;
		close_files(m);
		if (open_files(m) < 0)
			return LOCK_FAILED;
	}
	return LOCK_MOVED;
}

/* Does the index speak of all that is in the mailbox? */
static bool
is_clean(const struct maildrop *m)
{
	return m->header.inode != 0 && m->header.clean == (uint64_t)m->lock.size;
}

/*
 * Who only appends need not look for an expunge that is under way where the index, as it was when it was opened or is now, ends with the
 * mailbox: what stands behind the old size is kept by whoever finishes it.
 */
static enum maildrop_status
recover(struct maildrop *m, bool appends)
{
	enum maildrop_status status = MAILDROP_OK;

	if (appends && !is_clean(m))
		read_index(m);
	if (!appends || !is_clean(m)) {
		status = redo_finish(m);
		if (status != MAILDROP_OK)
			return status;
		read_index(m);
		if (!is_clean(m))
			find_index(m);
	}
	if (m->header.clean > (uint64_t)m->lock.size) {
		/* It speaks of what is gone. Mail to come may end where that did, and would be taken for it. */
		index_make_void(m->index);
		m->header = (struct index_header){ .clean = 0 };
	}
	m->open_end = 0;
	if (!is_clean(m))
		status = recover_tail(m, (off_t)m->header.clean);
	else if (m->header.open_end)
		status = recover_open_end(m);
	m->indexed = is_clean(m);
	return status;
}

enum maildrop_status
maildrop_lock(struct maildrop *m, bool lax)
{
	enum lock_status locked = lock_current(m, lax);

	if (locked != LOCK_OK) {
		if (locked != LOCK_FAILED)
			errno = EBUSY;
		return maildrop_failed(m, "mailbox not locked");
	}
	enum maildrop_status status = recover(m, !lax);
	if (status != MAILDROP_OK)
		maildrop_unlock(m);
	return status;
}

void
maildrop_unlock(struct maildrop *m)
{
	lock_mbox_release(m->dir, "mbox", m->mbox, &m->lock);
}

/* What stands before the body: From_ line, entry line, trace; sets last. */
static int
write_head(struct maildrop *m, const struct letter *letter, struct buf *out)
{
	const uint64_t stored = spool_stored(letter->body);
	struct mbox_entry line = { .wire = letter->trace.n + spool_wire(letter->body) };

	for (size_t i = 0; i < letter->trace.n; i++)
		line.wire += letter->trace.at[i] == '\n';
	snprintf(line.uidl, sizeof(line.uidl), "%s", letter->id);
	uint32_t sum = adler32(1, letter->trace.at, letter->trace.n);
	sum = adler32_combine(sum, letter->body->quoter.sum, stored);
	mbox_from_line(letter->sender, letter->now, out);
	if (mbox_entry_write(&line, letter->trace.n + stored, sum, out) < 0)
		return -1;
	m->last = (struct index_entry){
		.stored = line.stored, .wire = line.wire, .prefix = (uint32_t)out->len, .separator = 1
	};
	memcpy(m->last.uidl, line.uidl, sizeof(m->last.uidl));
	return buf_add_span(out, letter->trace);
}

/* The index is told, if it speaks of all that stands before. */
static void
note_in_index(struct maildrop *m)
{
	m->before = m->header;
	m->last.offset = (uint64_t)m->start + m->open_end;
	m->indexed = m->indexed && m->open_end == 0 && lseek(m->mbox, 0, SEEK_CUR) == m->end &&
		     index_append(m->index, &m->header, &m->last) == 0;
}

/* As far as the index, as it was read last, knows. */
static off_t
hidden_bytes(const struct maildrop *m, off_t size)
{
	return m->header.clean <= (uint64_t)size ? (off_t)m->header.hidden : 0;
}

static enum maildrop_status
append_locked(struct maildrop *m, struct span head, struct spool *body, int64_t quota)
{
	const off_t start = m->lock.size, end = start + (off_t)m->open_end + (off_t)m->last.stored;

	if (quota > 0 && end - hidden_bytes(m, start) > quota)
		return MAILDROP_QUOTA;
	if (io_write(m->mbox, (struct span){ "\n\n", m->open_end }) < 0 ||
	    spool_write(body, head, m->mbox) < 0) {
		enum maildrop_status status = maildrop_failed(m, "message not stored");
		if (ftruncate(m->mbox, start) < 0)
			maildrop_failed(m, "part of a message not taken back");
		return status;
	}
	m->start = start;
	m->end = end;
	note_in_index(m);
	return MAILDROP_OK;
}

enum maildrop_status
maildrop_append(struct maildrop *m, const struct letter *letter, int64_t quota)
{
	struct buf head;

	m->start = m->end = 0;
	buf_init(&head, MBOX_PREFIX + letter->trace.n + 4096);
	enum maildrop_status status = MAILDROP_TEMP;
	if (write_head(m, letter, &head) == 0)
		status = maildrop_lock(m, false);
	if (status == MAILDROP_OK) {
		status = append_locked(m, buf_span(&head), letter->body, quota);
		maildrop_unlock(m);
	}
	buf_free(&head);
	return status;
}

void
maildrop_take_back(struct maildrop *m)
{
	if (m->end == 0 || lock_mbox(m->dir, "mbox", m->mbox, MBOX_LOCK_SECONDS, true, &m->lock) != LOCK_OK)
		return;
	/* What is cut now would be missing from an expunge that is half done; and after an expunge another message may end where ours did. */
	if (redo_finish(m) == MAILDROP_OK && m->lock.size == m->end &&
	    survey_is_there(m->mbox, m->lock.size, &m->last)) {
		if (ftruncate(m->mbox, m->start) < 0)
			maildrop_failed(m, "message not taken back");
		else if (m->indexed)
			index_write_end(m->index, &m->before);
	}
	maildrop_unlock(m);
	m->start = m->end = 0;
}

enum maildrop_status
maildrop_sync(struct maildrop *m)
{
	if (fdatasync(m->mbox) == 0)
		return MAILDROP_OK;
	enum maildrop_status status = maildrop_failed(m, "mailbox not synced");
	maildrop_take_back(m);
	return status;
}

enum maildrop_status
maildrop_room(struct maildrop *m, int64_t bytes, int64_t quota)
{
	struct stat st;

	if (quota <= 0)
		return MAILDROP_OK;
	if (m->header.inode == 0)
		find_index(m);
	if (fstat(m->mbox, &st) < 0)
		return maildrop_failed(m, "mailbox not opened");
	return st.st_size - hidden_bytes(m, st.st_size) + bytes > quota ? MAILDROP_QUOTA : MAILDROP_OK;
}

static void
finish_expunge(int root, const char *name)
{
	char path[300], user[ACCOUNT_NAME + 1];
	struct stat st;
	struct maildrop m;

	snprintf(path, sizeof(path), "users/%s/mbox.redo", name);
	if (!account_name(span_of(name), user) || fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (maildrop_open(&m, root, user) == MAILDROP_OK && maildrop_lock(&m, true) == MAILDROP_OK)
		maildrop_unlock(&m);
	maildrop_close(&m);
}

void
maildrop_recover_all(int root)
{
	int users = openat(root, "users", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = users < 0 ? NULL : fdopendir(users);

	(void)boot_id(); /* known before there are children, who are in a hurry */
	if (list == NULL) {
		io_close(users);
		return;
	}
	for (struct dirent *entry; (entry = readdir(list)) != NULL;)
		finish_expunge(root, entry->d_name);
	closedir(list);
}

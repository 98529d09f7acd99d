/*
 * The reading side of the queue: entries, their names and locks, what dead writers left, and what the runners are told.
 */
#include "queue.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "log.h"

enum { GUESS = 2048 }; /* bytes that hold most headers */

static const char flush_file[] = "queue/flush";

int64_t
queue_now(void)
{
	return (int64_t)time(NULL);
}

bool
queue_lock(int file, off_t at, short type, int command)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };
	int result;

	while ((result = fcntl(file, command, &lock)) < 0 && errno == EINTR)
		;
	return result == 0;
}

/* suffix: NULL for none. */
void
queue_path(const char *id, const char *suffix, char path[QUEUE_PATH])
{
	snprintf(
	    path, QUEUE_PATH, "queue/%s%s%s", id, suffix == NULL ? "" : ".", suffix == NULL ? "" : suffix);
}

bool
queue_is_there(const struct queue_entry *entry)
{
	struct stat st;

	return fstat(entry->file, &st) == 0 && st.st_nlink > 0;
}

int
queue_read_journal(struct queue_entry *entry)
{
	struct stat st;

	for (size_t i = 0; i < entry->message.recipients_n; i++) {
		struct queue_recipient *r = &entry->message.recipients[i];
		*r = (struct queue_recipient){
			.address = r->address, .mailbox = r->mailbox, .dsn = r->dsn, .owner = r->owner
		};
	}
	buf_clear(&entry->journal);
	buf_clear(&entry->notices);
	if (fstat(entry->file, &st) < 0)
		return -1;
	errno = EBADMSG;
	if (st.st_size < entry->end)
		return -1;
	size_t n =
	    st.st_size - entry->end > QUEUE_JOURNAL ? QUEUE_JOURNAL : (size_t)(st.st_size - entry->end);
	if (n <= 1) /* the empty line */
		return 0;
	char *at = buf_reserve(&entry->journal, n);
	ssize_t got = at == NULL ? -1 : io_read_at(entry->file, at, n, entry->end);
	if (got < 0)
		return -1;
	entry->journal.len = (size_t)got;
	return queue_journal_read(&entry->journal, &entry->message, &entry->notices);
}

static int
read_header(struct queue_entry *entry)
{
	size_t n;
	uint64_t content;
	char *at = buf_reserve(&entry->text, GUESS);
	ssize_t got = at == NULL ? -1 : io_read_at(entry->file, at, GUESS, 0);

	if (got < 0)
		return -1;
	errno = EBADMSG;
	if (!queue_message_lengths((struct span){ at, (size_t)got }, &n, &content))
		return -1;
	if (n > (size_t)got) {
		at = buf_reserve(&entry->text, n);
		got = at == NULL ? -1 : io_read_at(entry->file, at, n, 0);
		if (got < (ssize_t)n)
			return -1;
	}
	entry->text.len = n;
	entry->content = (off_t)n;
	entry->end = (off_t)(n + content);
	return queue_message_parse(buf_span(&entry->text), &entry->message);
}

static enum queue_status
broken(const struct queue_entry *entry)
{
	log_failure("queue-broken", "id", entry->message.id);
	return QUEUE_BROKEN;
}

enum queue_status
queue_open(int root, const char *id, struct queue_entry *entry)
{
	char path[QUEUE_PATH], old[QUEUE_PATH];

	*entry = (struct queue_entry){ .root = root, .file = -1 };
	buf_init(&entry->text, QUEUE_HEADER);
	buf_init(&entry->journal, QUEUE_JOURNAL);
	buf_init(&entry->notices, QUEUE_JOURNAL);
	if (!queue_is_id(id))
		return QUEUE_GONE;
	memcpy(entry->message.id, id, sizeof entry->message.id);
	queue_path(id, NULL, path);
	queue_path(id, "new", old);
	entry->file = io_open_renamed(root, path, old, O_RDWR);
	if (entry->file < 0)
		return errno == ENOENT ? QUEUE_GONE : broken(entry);
	return read_header(entry) < 0 || queue_read_journal(entry) < 0 ? broken(entry) : QUEUE_OK;
}

void
queue_close(struct queue_entry *entry)
{
	io_close(entry->file);
	free(entry->message.recipients);
	buf_free(&entry->text);
	buf_free(&entry->journal);
	buf_free(&entry->notices);
	*entry = (struct queue_entry){ .file = -1 };
}

bool
queue_claim(struct queue_entry *entry, size_t i)
{
	return queue_lock(entry->file, QUEUE_LOCK_RECIPIENTS + (off_t)i, F_WRLCK, F_SETLK);
}

enum queue_status
queue_refresh(struct queue_entry *entry)
{
	if (!queue_is_there(entry))
		return QUEUE_GONE;
	return queue_read_journal(entry) < 0 ? broken(entry) : QUEUE_OK;
}

int
queue_read(struct queue_entry *entry, off_t *at, struct buf *out)
{
	char piece[32 * 1024];
	off_t left = entry->end - *at;

	if (*at == entry->content)
		entry->wire = (struct mbox_wire){ .stuff = false };
	if (left == 0)
		return mbox_to_wire_end(&entry->wire, out);
	size_t want = left < (off_t)sizeof piece ? (size_t)left : sizeof piece;
	ssize_t n = io_read_at(entry->file, piece, want, *at);
	if (n < (ssize_t)want) {
		errno = n < 0 ? errno : EBADMSG;
		return -1;
	}
	*at += n;
	return mbox_to_wire(&entry->wire, (struct span){ piece, (size_t)n }, out) < 0 ? -1 : 1;
}

/* Does the journal of the entry `about` name the notice? -1: it cannot be read. */
static int
is_named(int root, const char *about, const char *notice)
{
	struct queue_entry entry;
	int named = 0;

	if (queue_open(root, about, &entry) == QUEUE_BROKEN)
		named = -1;
	for (size_t at = 0; named == 0 && at < entry.notices.len; at += BASE32_ID + 1)
		named = strcmp(entry.notices.data + at, notice) == 0;
	queue_close(&entry);
	return named;
}

/* A name with a dot in it: "N.E" or "E.new". */
static void
clean(int root, const char *name)
{
	char id[BASE32_ID + 1], path[QUEUE_PATH], own[QUEUE_PATH];

	if (strlen(name) <= BASE32_ID || name[BASE32_ID] != '.')
		return;
	snprintf(id, sizeof id, "%.*s", BASE32_ID, name);
	const char *about = name + BASE32_ID + 1;
	if (!queue_is_id(id) || (!queue_is_id(about) && strcmp(about, "new") != 0))
		return;
	queue_path(id, about, path);
	queue_path(id, NULL, own);
	int fd = io_open(root, path, O_RDWR);
	if (fd >= 0 && queue_lock(fd, QUEUE_LOCK_WRITER, F_WRLCK, F_SETLK)) {
		int named = queue_is_id(about) ? is_named(root, about, id) : 0;
		if (named == 0)
			unlinkat(root, path, 0);
		else if (named > 0 && renameat(root, path, root, own) == 0)
			(void)io_sync_directory(root, "queue");
	} else if (fd < 0 && errno == EBADMSG) {
		/* A power cut left both names. */
		unlinkat(root, path, 0);
	}
	io_close(fd);
}

int
queue_list(int root, bool and_clean, void (*each)(const char *id, void *context), void *context)
{
	struct dirent *entry;
	int fd = openat(root, "queue", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	DIR *names = fdopendir(fd);
	if (names == NULL) {
		close(fd);
		return -1;
	}
	/* Before anything is looked at: what has two names cannot be opened. */
	while (and_clean && (entry = readdir(names)) != NULL)
		clean(root, entry->d_name);
	rewinddir(names);
	while (errno = 0, (entry = readdir(names)) != NULL)
		if (queue_is_id(entry->d_name))
			each(entry->d_name, context);
	int error = errno;
	closedir(names);
	errno = error;
	return error == 0 ? 0 : -1;
}

void
queue_wake(int wake, const char *id)
{
	/* So little is written as a whole, or, where the pipe is full, not at all. */
	while (wake >= 0 && write(wake, id, BASE32_ID + 1) < 0 && errno == EINTR)
		;
}

int
queue_flush(int root)
{
	struct timespec now[2] = { { .tv_sec = (time_t)queue_now() }, { .tv_sec = (time_t)queue_now() } };
	int fd = io_open(root, flush_file, O_WRONLY | O_CREAT);

	if (fd < 0) /* nothing has ever been there */
		return errno == ENOENT ? 0 : -1;
	int result = futimens(fd, now);
	int error = errno;
	close(fd);
	errno = error;
	return result;
}

int64_t
queue_flushed(int root)
{
	struct stat st;

	return fstatat(root, flush_file, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : (int64_t)st.st_mtime;
}

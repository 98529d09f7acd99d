/*
 * The reading side of the queue: entries, their names, and what dead writers left.
 */
#include "queue_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "log.h"

enum { GUESS = 2048 }; /* bytes that hold most headers */

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
	if (!queue_is_id(id))
		return QUEUE_GONE;
	memcpy(entry->message.id, id, sizeof entry->message.id);
	queue_path(id, NULL, path);
	queue_path(id, "new", old);
	entry->file = io_open_renamed(root, path, old, O_RDWR);
	if (entry->file < 0)
		return errno == ENOENT ? QUEUE_GONE : broken(entry);
	return read_header(entry) < 0 || queue_read_journal(entry, NULL, NULL) < 0 ? broken(entry) : QUEUE_OK;
}

void
queue_close(struct queue_entry *entry)
{
	io_close(entry->file);
	free(entry->message.recipients);
	buf_free(&entry->text);
	buf_free(&entry->journal);
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
	return queue_read_journal(entry, NULL, NULL) < 0 ? broken(entry) : QUEUE_OK;
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

/* Call each for every name in queue/. */
static int
each_name(int root, void (*each)(int root, const char *name, void *context), void *context)
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
	while (errno = 0, (entry = readdir(names)) != NULL)
		each(root, entry->d_name, context);
	int error = errno;
	closedir(names);
	errno = error;
	return error == 0 ? 0 : -1;
}

struct listing {
	void (*each)(const char *id, void *context);
	void *context;
};

static void
list_one(int root, const char *name, void *context)
{
	const struct listing *listing = context;

	(void)root;
	if (queue_is_id(name))
		listing->each(name, listing->context);
}

int
queue_list(int root, void (*each)(const char *id, void *context), void *context)
{
	struct listing listing = { each, context };

	return each_name(root, list_one, &listing);
}

struct search {
	const char *id;
	bool found;
};

static void
compare(const char *id, void *context)
{
	struct search *search = context;

	search->found |= strcmp(search->id, id) == 0;
}

enum verdict { NAMED, NOT_NAMED, UNKNOWN };

/* Does the journal of the entry `about` name the notice? */
static enum verdict
look_up(int root, const char *about, const char *notice)
{
	struct search search = { .id = notice };
	struct queue_entry entry;

	enum queue_status status = queue_open(root, about, &entry);
	if (status == QUEUE_OK && queue_read_journal(&entry, compare, &search) < 0)
		status = QUEUE_BROKEN;
	queue_close(&entry);
	return status == QUEUE_BROKEN ? UNKNOWN : search.found ? NAMED : NOT_NAMED;
}

/* A name with a dot in it: "N.E" or "E.new". */
static void
clean_one(int root, const char *name, void *context)
{
	char id[BASE32_ID + 1], path[QUEUE_PATH], own[QUEUE_PATH];

	(void)context;
	if (strlen(name) <= BASE32_ID || name[BASE32_ID] != '.')
		return;
	memcpy(id, name, BASE32_ID);
	id[BASE32_ID] = '\0';
	const char *about = name + BASE32_ID + 1;
	if (!queue_is_id(id) || (!queue_is_id(about) && strcmp(about, "new") != 0))
		return;
	queue_path(id, about, path);
	queue_path(id, NULL, own);
	int fd = io_open(root, path, O_RDWR);
	if (fd >= 0 && queue_lock(fd, QUEUE_LOCK_WRITER, F_WRLCK, F_SETLK)) {
		enum verdict verdict = queue_is_id(about) ? look_up(root, about, id) : NOT_NAMED;
		if (verdict == NOT_NAMED)
			unlinkat(root, path, 0);
		else if (verdict == NAMED && renameat(root, path, root, own) == 0)
			(void)io_sync_directory(root, "queue");
	} else if (fd < 0 && errno == EBADMSG) {
		/* A power cut left both names. */
		unlinkat(root, path, 0);
	}
	io_close(fd);
}

void
queue_clean(int root)
{
	(void)each_name(root, clean_one, NULL);
}

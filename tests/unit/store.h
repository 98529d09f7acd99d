/*
 * store: a mail root with one mailbox, for the tests of the store.
 */
#ifndef TEST_STORE_H
#define TEST_STORE_H

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>

#include "log.h"
#include "maildrop.h"
#include "snapshot.h"
#include "unit.h"

struct store {
	char *path;
	int root;
};

static inline void
store_make(struct store *s)
{
	s->path = scratch_dir();
	s->root = open(s->path, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(s->root, 0);
	ck_assert_int_eq(mkdirat(s->root, "users", 0700), 0);
	ck_assert_int_eq(mkdirat(s->root, "users/anna", 0700), 0);
	/* What is logged belongs to the test's own output only where it fails. */
	int null = open("/dev/null", O_WRONLY);
	dup2(null, STDERR_FILENO);
	close(null);
	log_open("test", false);
}

static inline void
store_remove(struct store *s)
{
	char command[200];

	close(s->root);
	snprintf(command, sizeof(command), "rm -rf '%s'", s->path);
	ck_assert_int_eq(system(command), 0);
	free(s->path);
}

/* The one of each test, and the fixtures of those that need no more. */
static struct store store;

static inline void
store_setup(void)
{
	store_make(&store);
}

static inline void
store_teardown(void)
{
	store_remove(&store);
}

/* users/anna/FILE */
static inline const char *
store_file(const struct store *s, const char *file)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/users/anna/%s", s->path, file);
	return path;
}

static inline void
store_write(const struct store *s, const char *file, struct span bytes)
{
	write_file(store_file(s, file), bytes.at, bytes.n);
}

static inline void
store_append(const struct store *s, struct span bytes)
{
	int fd = open(store_file(s, "mbox"), O_WRONLY | O_APPEND | O_CREAT, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes.at, bytes.n), (ssize_t)bytes.n);
	close(fd);
}

static inline bool
store_has(const struct store *s, const char *file)
{
	struct stat st;

	return lstat(store_file(s, file), &st) == 0;
}

/* All of a file; to be freed with buf_free. */
static inline struct buf
store_read(const struct store *s, const char *file)
{
	struct buf out;
	struct stat st;
	int fd = open(store_file(s, file), O_RDONLY);

	ck_assert_msg(fd >= 0, "%s: %s", file, strerror(errno));
	ck_assert_int_eq(fstat(fd, &st), 0);
	buf_init(&out, (size_t)st.st_size + 1);
	char *room = buf_reserve(&out, (size_t)st.st_size);
	ck_assert_ptr_nonnull(room);
	ck_assert_int_eq(read(fd, room, (size_t)st.st_size), st.st_size);
	out.len = (size_t)st.st_size;
	close(fd);
	return out;
}

static inline void
store_expect(const struct store *s, const char *file, struct span expected)
{
	struct buf found = store_read(s, file);

	if (found.len != expected.n || (found.len > 0 && memcmp(found.data, expected.at, expected.n) != 0))
		ck_abort_msg(
		    "%s is\n%s\ninstead of\n%.*s", file, buf_string(&found), (int)expected.n, expected.at);
	buf_free(&found);
}

/* One message of ours with this id and content (CRLF lines); nothing is synced. */
static inline enum maildrop_status
store_deliver(const struct store *s, const char *id, struct span content, int64_t quota)
{
	struct maildrop m;
	struct spool body;
	struct letter letter = { .id = id, .sender = "bob@example.org", .body = &body, .now = 0 };

	spool_init(&body, s->root);
	spool_add(&body, content);
	ck_assert_int_eq(spool_finish(&body), 0);
	letter.trace = span_of("Return-Path: <bob@example.org>\n");
	enum maildrop_status status = maildrop_open(&m, s->root, "anna");
	if (status == MAILDROP_OK)
		status = maildrop_append(&m, &letter, quota);
	if (status == MAILDROP_OK)
		status = maildrop_sync(&m);
	maildrop_close(&m);
	spool_free(&body);
	return status;
}

static inline void
store_deliver_text(const struct store *s, const char *id, const char *content)
{
	ck_assert_int_eq(store_deliver(s, id, span_of(content), 0), MAILDROP_OK);
}

static inline void
store_open(const struct store *s, struct snapshot *snapshot)
{
	struct buf holder;

	buf_init(&holder, 1000);
	ck_assert_int_eq(snapshot_open(snapshot, s->root, "anna", "test", &holder), MAILDROP_OK);
	buf_free(&holder);
}

/* The UIDLs, each with a blank behind it, as a session sees them. */
static inline const char *
store_uidls(const struct store *s)
{
	static char text[4096];
	struct snapshot snapshot;
	size_t n = 0;

	store_open(s, &snapshot);
	text[0] = '\0';
	for (size_t i = 0; i < snapshot.count; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s ", snapshot_uidl(&snapshot, i));
	snapshot_close(&snapshot);
	return text;
}

/* A message as RETR sends it, without the final dot; to be freed with buf_free. */
static inline struct buf
store_retr(struct snapshot *snapshot, size_t message, long lines)
{
	struct snapshot_reader reader;
	struct buf out;

	buf_init(&out, 64 << 20);
	ck_assert_int_eq(snapshot_read_begin(snapshot, message, lines, true, &reader), MAILDROP_OK);
	while (!reader.done)
		ck_assert_int_eq(snapshot_read(&reader, 1000, &out), MAILDROP_OK);
	return out;
}

/* `deleted` for snapshot_expunge: the messages whose bits are set. */
static inline bool
store_bits(const void *context, size_t message)
{
	return *(const unsigned *)context >> message & 1;
}

static inline enum maildrop_status
store_expunge(const struct store *s, unsigned bits)
{
	struct snapshot snapshot;

	store_open(s, &snapshot);
	enum maildrop_status status = snapshot_expunge(&snapshot, store_bits, &bits);
	snapshot_close(&snapshot);
	return status;
}

#endif

/*
 * Changing `accounts`. Under the lock of accounts.lock, which is never deleted:
 *
 *	users/NAME and its mbox are there and synced		(add)
 *	accounts.new is written and synced			a crash up to here changed nothing
 *	accounts.new becomes accounts, the mail root is synced
 *
 * accounts.secret, made at the first change, in the same way, is what decoys are made of (account.h).
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* renameat */
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "account_file.h"
#include "io.h"
#include "lock.h"
#include "unique.h"

enum {
	EDIT_LOCK_SECONDS = 30,
	EDIT_LINE = 512 /* name, scheme, count, salt, two keys */
};

/* What root makes in a mail root must belong to the mail root's owner, whom the daemons may run as. */
static int
give(int root, int fd)
{
	struct stat st;

	if (geteuid() != 0)
		return 0;
	return fstat(root, &st) < 0 ? -1 : fchown(fd, st.st_uid, st.st_gid);
}

/* A file that is there in any case. Its descriptor, or -1. */
static int
make_file(int root, int dir, const char *name, int flags)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0600);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		errno = EINVAL;
	else if (give(root, fd) == 0)
		return fd;
	io_close(fd);
	return -1;
}

/* The directory at/name, made where it is missing, and its entry synced in any case: who made it may have crashed. */
static int
make_directory(int root, int at, const char *name)
{
	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return -1;
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (give(root, fd) == 0 && io_sync_directory(at, ".") == 0)
		return fd;
	io_close(fd);
	return -1;
}

static int
make_mailbox(int root, const char *name)
{
	int users = make_directory(root, root, "users");
	int folder = users < 0 ? -1 : make_directory(root, users, name);
	int mbox = folder < 0 ? -1 : make_file(root, folder, "mbox", 0);
	int result = mbox < 0 || fsync(mbox) < 0 ? -1 : fsync(folder);

	io_close(mbox);
	io_close(folder);
	io_close(users);
	return result;
}

static int
begin_new(int root)
{
	if (unlinkat(root, "accounts.new", 0) < 0 && errno != ENOENT)
		return -1;
	return make_file(root, root, "accounts.new", O_EXCL);
}

/* Closes fd. result: how the writing went; only what was written whole takes the name. */
static int
finish_new(int root, int fd, const char *name, int result)
{
	if (result == 0)
		result = fsync(fd);
	io_close(fd);
	if (result == 0 && renameat(root, "accounts.new", root, name) == 0)
		return io_sync_directory(root, ".");
	int error = errno;
	unlinkat(root, "accounts.new", 0);
	errno = error;
	return -1;
}

static int
make_secret(int root)
{
	uint8_t secret[SHA256_SIZE];

	if (account_secret(root, secret) == 0)
		return 0;
	if (random_bytes(secret, sizeof(secret)) < 0)
		return -1;
	int fd = begin_new(root);
	if (fd < 0)
		return -1;
	int result = io_write(fd, (struct span){ (const char *)secret, sizeof(secret) });
	wipe(secret, sizeof(secret));
	return finish_new(root, fd, "accounts.secret", result);
}

/* Writes through a buffer: a line is short. */
static int
put(int fd, struct buf *pending, struct span bytes)
{
	if (pending->max - pending->len < bytes.n) {
		if (io_write(fd, buf_span(pending)) < 0)
			return -1;
		buf_clear(pending);
	}
	return buf_add_span(pending, bytes);
}

/* Every line of the old file but name's, for the first of which `line` stands, or at the end. */
static int
copy(struct account_file *old, int fd, struct buf *pending, const char *name, struct span line)
{
	struct span piece, credential;
	bool theirs = false, whole = true;
	int more;

	while ((more = account_file_next(old, &piece)) > 0) {
		theirs = old->goes_on ? theirs : account_file_is(old, piece, name, &credential);
		if (put(fd, pending, theirs ? line : piece) < 0)
			return -1;
		whole = theirs || old->ends;
		if (theirs)
			line.n = 0;
	}
	if (more < 0)
		return -1;
	if (line.n > 0 && ((!whole && put(fd, pending, span_of("\n")) < 0) || put(fd, pending, line) < 0))
		return -1;
	return io_write(fd, buf_span(pending));
}

static int
rewrite(int root, const char *name, struct span line)
{
	struct account_file old;
	struct buf pending;
	bool empty = account_file_open(&old, root) < 0;

	if (empty && errno != ENOENT)
		return -1;
	int fd = begin_new(root);
	int result = -1;
	if (fd >= 0) {
		buf_init(&pending, ACCOUNT_BLOCK);
		result = empty ? io_write(fd, line) : copy(&old, fd, &pending, name, line);
		buf_free(&pending);
	}
	if (!empty)
		account_file_close(&old);
	return fd < 0 ? -1 : finish_new(root, fd, "accounts", result);
}

/* line: what is to stand for the user, nothing to take it out. fresh: it must not be there yet; else it must. */
static enum account_status
change(int root, const char *name, struct span line, bool fresh)
{
	enum account_status status = account_exists(root, name);

	if (status == ACCOUNT_FAILED && errno == ENOENT)
		status = ACCOUNT_NONE;
	if (status == ACCOUNT_FAILED)
		return status;
	if (fresh != (status == ACCOUNT_NONE))
		return fresh ? ACCOUNT_EXISTS : ACCOUNT_NONE;
	if (make_secret(root) < 0 || (fresh && make_mailbox(root, name) < 0) || rewrite(root, name, line) < 0)
		return ACCOUNT_FAILED;
	return ACCOUNT_OK;
}

static enum account_status
change_locked(int root, const char *name, struct span line, bool fresh)
{
	int lock = make_file(root, root, "accounts.lock", 0);

	if (lock < 0)
		return ACCOUNT_FAILED;
	enum lock_status had = lock_fcntl(lock, EDIT_LOCK_SECONDS);
	if (had == LOCK_BUSY)
		errno = EAGAIN;
	enum account_status status = had == LOCK_OK ? change(root, name, line, fresh) : ACCOUNT_FAILED;
	io_close(lock);
	return status;
}

static enum account_status
set_password(int root, const char *name, struct span password, bool fresh)
{
	char user[ACCOUNT_NAME + 1];
	uint8_t salt[CREDENTIAL_SALT_WRITTEN];
	struct buf line;
	enum account_status status = ACCOUNT_FAILED;

	if (!account_name(span_of(name), user) || strlen(user) != strlen(name))
		return ACCOUNT_BAD_NAME;
	if (!credential_password_valid(password))
		return ACCOUNT_BAD_PASSWORD;
	if (random_bytes(salt, sizeof(salt)) < 0)
		return ACCOUNT_FAILED;
	buf_init(&line, EDIT_LINE);
	buf_printf(&line, "%s:", user);
	int made = credential_make(password, salt, sizeof(salt), CREDENTIAL_ITERATIONS, &line);
	buf_add_char(&line, '\n');
	if (made < 0 || line.failed)
		errno = ENOMEM;
	else
		status = change_locked(root, user, buf_span(&line), fresh);
	buf_free(&line);
	return status;
}

enum account_status
account_add(int root, const char *name, struct span password)
{
	return set_password(root, name, password, true);
}

enum account_status
account_passwd(int root, const char *name, struct span password)
{
	return set_password(root, name, password, false);
}

enum account_status
account_remove(int root, const char *name)
{
	char user[ACCOUNT_NAME + 1];

	if (!account_name(span_of(name), user) || strlen(user) != strlen(name))
		return ACCOUNT_BAD_NAME;
	return change_locked(root, user, (struct span){ NULL, 0 }, false);
}

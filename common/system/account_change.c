/*
 * Changing `accounts`, under the lock of accounts.lock, which is never deleted:
 *
 *	users/NAME and its mbox are there and synced		(add)
 *	accounts.new is written and synced			a crash up to here changed nothing
 *	accounts.new becomes accounts, the mail root is synced
 *
 * accounts.secret is made in the same way, at the first change.
 */
#include "account.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* renameat */
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "lock.h"
#include "unique.h"

enum {
	EDIT_LOCK_SECONDS = 30,
	EDIT_LINE = 512 /* bytes: name, scheme, count, salt, two keys */
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

/* Only what was written whole takes the name. */
static int
write_file(int root, const char *name, struct span content)
{
	if (unlinkat(root, "accounts.new", 0) < 0 && errno != ENOENT)
		return -1;
	int fd = make_file(root, root, "accounts.new", O_EXCL);
	if (fd < 0)
		return -1;
	int result = io_write(fd, content) < 0 ? -1 : fsync(fd);
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
	int result = random_bytes(secret, sizeof(secret));
	if (result == 0)
		result = write_file(
		    root, "accounts.secret", (struct span){ (const char *)secret, sizeof(secret) });
	wipe(secret, sizeof(secret));
	return result;
}

/* Every line of the old file but name's, for the first of which `line` stands, or at the end. Was there one? */
static bool
edit(struct span old, const char *name, struct span line, struct buf *out)
{
	char user[ACCOUNT_NAME + 1];
	struct span credential;
	bool found = false;

	while (old.n > 0) {
		struct span whole = span_line(old), piece = whole;
		bool theirs = account_next(&piece, user, &credential) && strcmp(user, name) == 0;
		if (!theirs)
			buf_add_span(out, whole);
		else if (!found)
			buf_add_span(out, line);
		found |= theirs;
		span_skip(&old, whole.n);
	}
	if (!found && out->len > 0 && out->data[out->len - 1] != '\n')
		buf_add_char(out, '\n');
	if (!found)
		buf_add_span(out, line);
	return found;
}

/* line: what is to stand for the user, nothing to take it out. */
static enum account_status
change(int root, enum account_change what, const char *name, struct span line)
{
	enum account_status status = ACCOUNT_FAILED;
	struct buf old, fresh;

	buf_init(&fresh, ACCOUNT_TEXT);
	if (account_read(root, &old) == 0 || errno == ENOENT) {
		bool found = edit(buf_span(&old), name, line, &fresh);
		if (found != (what != ACCOUNT_ADD))
			status = found ? ACCOUNT_EXISTS : ACCOUNT_NONE;
		else if (fresh.failed)
			errno = ENOMEM;
		else if (make_secret(root) == 0 && (found || make_mailbox(root, name) == 0) &&
			 write_file(root, "accounts", buf_span(&fresh)) == 0)
			status = ACCOUNT_OK;
	}
	buf_free(&old);
	buf_free(&fresh);
	return status;
}

static enum account_status
change_locked(int root, enum account_change what, const char *name, struct span line)
{
	int lock = make_file(root, root, "accounts.lock", 0);

	if (lock < 0)
		return ACCOUNT_FAILED;
	enum lock_status had = lock_fcntl(lock, EDIT_LOCK_SECONDS);
	if (had == LOCK_BUSY)
		errno = EAGAIN;
	enum account_status status = had == LOCK_OK ? change(root, what, name, line) : ACCOUNT_FAILED;
	io_close(lock);
	return status;
}

enum account_status
account_change(int root, enum account_change what, const char *name, struct span password)
{
	char user[ACCOUNT_NAME + 1];
	uint8_t salt[CREDENTIAL_SALT_WRITTEN];
	enum account_status status = ACCOUNT_FAILED;
	struct buf line;

	if (!account_name(span_of(name), user) || strlen(user) != strlen(name))
		return ACCOUNT_BAD_NAME;
	if (what == ACCOUNT_REMOVE)
		return change_locked(root, what, user, (struct span){ NULL, 0 });
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
		status = change_locked(root, what, user, buf_span(&line));
	buf_free(&line);
	return status;
}

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

#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* renameat */
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "lock.h"
#include "log.h"
#include "unique.h"

enum {
	ACCOUNTS_TEXT = 256 << 20, /* bytes: two million users */
	EDIT_LOCK_SECONDS = 30,
	EDIT_LINE = 512 /* bytes: name, scheme, count, salt, two keys */
};

_Static_assert((int)SASL_USER >= (int)ACCOUNT_NAME, "a user's name fits into a session's");

static int
read_text(int root, struct stat *st, struct buf *text)
{
	buf_init(text, ACCOUNTS_TEXT);
	if (io_read_file(root, "accounts", O_NOFOLLOW, st, text) < 0)
		return -1;
	if ((st->st_mode & 022) == 0)
		return 0;
	errno = EPERM;
	return -1;
}

int
account_read(int root, struct buf *text)
{
	struct stat st;

	return read_text(root, &st, text);
}

bool
account_next(struct span *text, char name[ACCOUNT_NAME + 1], struct span *credential)
{
	while (text->n > 0) {
		struct span user = span_until(span_until(*text, '\n', text), ':', credential);
		if (credential->at == NULL || !account_name(user, name) || strlen(name) != user.n)
			continue;
		if (credential->n > 0 && credential->at[credential->n - 1] == '\r')
			credential->n--;
		return true;
	}
	return false;
}

static enum account_status
find(struct span text, const char *name, struct credential *c)
{
	char user[ACCOUNT_NAME + 1];
	struct span credential;

	while (account_next(&text, user, &credential)) {
		if (strcmp(user, name) != 0)
			continue;
		if (c == NULL || credential_parse(credential, c) == 0)
			return ACCOUNT_OK;
		errno = EINVAL;
		return ACCOUNT_FAILED;
	}
	return ACCOUNT_NONE;
}

enum account_status
account_find(int root, const char *name, struct credential *c)
{
	char user[ACCOUNT_NAME + 1];
	struct buf text;

	if (!account_name(span_of(name), user))
		return ACCOUNT_NONE;
	enum account_status status =
	    account_read(root, &text) < 0 ? ACCOUNT_FAILED : find(buf_span(&text), user, c);
	buf_free(&text);
	return status;
}

enum account_status
account_first(int root, char name[ACCOUNT_NAME + 1])
{
	enum account_status status = ACCOUNT_FAILED;
	struct span rest, credential;
	struct buf text;

	if (account_read(root, &text) == 0) {
		rest = buf_span(&text);
		status = account_next(&rest, name, &credential) ? ACCOUNT_OK : ACCOUNT_NONE;
	}
	buf_free(&text);
	return status;
}

bool
account_any_plain(int root)
{
	char name[ACCOUNT_NAME + 1];
	struct span rest = { NULL, 0 }, credential;
	struct buf text;
	bool found = false;

	if (account_read(root, &text) == 0)
		rest = buf_span(&text);
	while (!found && account_next(&rest, name, &credential))
		found = credential_is_plain(credential);
	buf_free(&text);
	return found;
}

/* -1: there is none. */
static int
read_secret(int root, uint8_t secret[SHA256_SIZE])
{
	int fd = openat(root, "accounts.secret", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -1;
	ssize_t n = io_read_at(fd, secret, SHA256_SIZE, 0);
	close(fd);
	return n == SHA256_SIZE ? 0 : -1;
}

/* Where there is no secret yet, since the file was made by hand: what nobody outside knows about it. */
static void
makeshift_secret(const struct stat *st, struct span text, uint8_t secret[SHA256_SIZE])
{
	struct sha256 sum;

	sha256_init(&sum);
	sha256_add(&sum, &st->st_ino, sizeof(st->st_ino));
	sha256_add(&sum, &st->st_ctim.tv_sec, sizeof(st->st_ctim.tv_sec));
	sha256_add(&sum, &st->st_ctim.tv_nsec, sizeof(st->st_ctim.tv_nsec));
	/* An unknown user must not take longer than others, however long the file. */
	sha256_add(&sum, text.at, text.n < 4096 ? text.n : 4096);
	sha256_end(&sum, secret);
}

int
account_random(void *context, uint8_t *nonce)
{
	(void)context;
	return random_bytes(nonce, SASL_NONCE);
}

/* Mail programs often log in with the whole address. */
static struct span
without_local_domain(const struct config *config, struct span login)
{
	size_t n = login.n;

	while (n > 0 && login.at[n - 1] != '@')
		n--;
	if (n > 0 && config_is_local(config, span_slice(login, n, login.n)))
		login.n = n - 1;
	return login;
}

/* user: whose salt it is; of a login that can be nobody's, the login itself. */
static enum account_status
find_or_invent(int root, const char *name, struct span user, struct credential *c)
{
	uint8_t bytes[SHA256_SIZE];
	struct span secret = { (const char *)bytes, sizeof(bytes) };
	struct buf text;
	struct stat st;

	enum account_status status =
	    read_text(root, &st, &text) < 0 ? ACCOUNT_FAILED : find(buf_span(&text), name, c);
	if (status == ACCOUNT_NONE || (status == ACCOUNT_OK && c->kind == CREDENTIAL_PLAIN)) {
		if (read_secret(root, bytes) < 0)
			makeshift_secret(&st, buf_span(&text), bytes);
		if (status == ACCOUNT_NONE)
			credential_decoy(user, secret, c);
		else
			credential_salt(c, user, secret);
		wipe(bytes, sizeof(bytes));
	}
	buf_free(&text);
	return status;
}

int
account_login(int root, const struct config *config, struct span login, char *user, struct credential *c)
{
	bool named = account_name(without_local_domain(config, login), user);

	if (!named)
		user[0] = '\0';
	if (find_or_invent(root, user, named ? span_of(user) : login, c) != ACCOUNT_FAILED)
		return 0;
	int error = errno;
	log_begin_error("account not read");
	log_span("user", login);
	if (error == EINVAL)
		log_text("reason", "malformed credential");
	else
		log_errno(error);
	log_end();
	return -1;
}

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

	if (read_secret(root, secret) == 0)
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

	buf_init(&fresh, ACCOUNTS_TEXT);
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

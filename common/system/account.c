/* Reading `accounts`. account_change.c changes it. */
#include "account.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "log.h"
#include "unique.h"

enum { BLOCK = 16 * 1024 };

_Static_assert((int)SASL_USER >= (int)ACCOUNT_NAME, "a user's name fits into a session's");

static int
be_trusted(const struct stat *st)
{
	if ((st->st_mode & 022) == 0)
		return 0;
	errno = EPERM;
	return -1;
}

int
account_read(int root, struct buf *text)
{
	struct stat st;

	buf_init(text, ACCOUNT_TEXT);
	return io_read_file(root, "accounts", O_NOFOLLOW, &st, text) < 0 ? -1 : be_trusted(&st);
}

static struct span
without_cr(struct span s)
{
	if (s.n > 0 && s.at[s.n - 1] == '\r')
		s.n--;
	return s;
}

bool
account_next(struct span *text, char name[ACCOUNT_NAME + 1], struct span *credential)
{
	while (text->n > 0) {
		struct span user = span_until(span_until(*text, '\n', text), ':', credential);
		if (credential->at == NULL || !account_name(user, name) || strlen(name) != user.n)
			continue;
		*credential = without_cr(*credential);
		return true;
	}
	return false;
}

static int
open_accounts(int root, struct stat *st)
{
	int fd = openat(root, "accounts", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -1;
	int result = fstat(fd, st);
	errno = result == 0 && !S_ISREG(st->st_mode) ? EINVAL : errno;
	if (result == 0 && S_ISREG(st->st_mode) && be_trusted(st) == 0)
		return fd;
	io_close(fd);
	return -1;
}

/* Looks at lines; ACCOUNT_NONE: go on with the next ones. */
typedef enum account_status looker(struct span lines, void *context);

/* Each session asks, and what a long file costs it is pages: so one block is used again and again. */
static enum account_status
walk(int root, looker *look, void *context)
{
	enum account_status status = ACCOUNT_NONE;
	char block[BLOCK];
	size_t have = 0;
	off_t at = 0;
	struct stat st;

	int fd = open_accounts(root, &st);
	if (fd < 0)
		return ACCOUNT_FAILED;
	while (status == ACCOUNT_NONE && at < st.st_size) {
		size_t room = sizeof(block) - have;
		off_t left = st.st_size - at;
		ssize_t got = io_read_at(fd, block + have, left < (off_t)room ? (size_t)left : room, at);
		if (got <= 0) {
			errno =
			    got == 0 ? EIO : errno; /* somebody is writing into it: not to be trusted now */
			status = ACCOUNT_FAILED;
			break;
		}
		at += got;
		have += (size_t)got;
		size_t whole = have; /* lines; the file's last may lack its end */
		while (at < st.st_size && whole > 0 && block[whole - 1] != '\n')
			whole--;
		bool cut = whole == 0 && have == sizeof(block);
		status = look((struct span){ block, cut ? have : whole }, context);
		if (cut) {
			whole = have - 1;
			block[whole] = '#'; /* the rest of so long a line names nobody */
		}
		have -= whole;
		memmove(block, block + whole, have);
	}
	wipe(block, at < BLOCK ? (size_t)at : BLOCK);
	io_close(fd);
	return status;
}

struct wanted {
	const char *name;
	struct credential *c; /* or NULL */
};

static enum account_status
look_for_name(struct span text, void *context)
{
	const struct wanted *wanted = context;
	const size_t n = strlen(wanted->name);

	while (text.n > 0) {
		struct span line = span_until(text, '\n', &text);
		if (line.n <= n || line.at[n] != ':' || !span_is_nocase(span_slice(line, 0, n), wanted->name))
			continue;
		struct span credential = without_cr(span_slice(line, n + 1, line.n));
		if (wanted->c == NULL || credential_parse(credential, wanted->c) == 0)
			return ACCOUNT_OK;
		errno = EINVAL;
		return ACCOUNT_FAILED;
	}
	return ACCOUNT_NONE;
}

static enum account_status
look_for_first(struct span text, void *name)
{
	struct span credential;

	return account_next(&text, name, &credential) ? ACCOUNT_OK : ACCOUNT_NONE;
}

static enum account_status
look_for_plain(struct span text, void *context)
{
	char name[ACCOUNT_NAME + 1];
	struct span credential;

	(void)context;
	while (account_next(&text, name, &credential))
		if (credential_is_plain(credential))
			return ACCOUNT_OK;
	return ACCOUNT_NONE;
}

enum account_status
account_find(int root, const char *name, struct credential *c)
{
	char user[ACCOUNT_NAME + 1];
	struct wanted wanted = { user, c };

	return account_name(span_of(name), user) ? walk(root, look_for_name, &wanted) : ACCOUNT_NONE;
}

enum account_status
account_first(int root, char name[ACCOUNT_NAME + 1])
{
	return walk(root, look_for_first, name);
}

bool
account_any_plain(int root)
{
	return walk(root, look_for_plain, NULL) == ACCOUNT_OK;
}

int
account_secret(int root, uint8_t secret[SHA256_SIZE])
{
	int fd = openat(root, "accounts.secret", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -1;
	ssize_t n = io_read_at(fd, secret, SHA256_SIZE, 0);
	close(fd);
	return n == SHA256_SIZE ? 0 : -1;
}

/* Where there is no secret yet, since the file was made by hand: what nobody outside knows about it. */
static int
makeshift_secret(int root, uint8_t secret[SHA256_SIZE])
{
	char start[4096]; /* an unknown user must not take longer than others, however long the file */
	struct sha256 sum;
	struct stat st;

	int fd = open_accounts(root, &st);
	ssize_t n = fd < 0 ? -1 : io_read_at(fd, start, sizeof(start), 0);
	io_close(fd);
	if (n < 0)
		return -1;
	sha256_init(&sum);
	sha256_add(&sum, &st.st_ino, sizeof(st.st_ino));
	sha256_add(&sum, &st.st_ctim.tv_sec, sizeof(st.st_ctim.tv_sec));
	sha256_add(&sum, &st.st_ctim.tv_nsec, sizeof(st.st_ctim.tv_nsec));
	sha256_add(&sum, start, (size_t)n);
	sha256_end(&sum, secret);
	wipe(start, (size_t)n);
	return 0;
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
static int
find_or_invent(int root, const char *name, struct span user, struct credential *c)
{
	uint8_t bytes[SHA256_SIZE];
	struct span secret = { (const char *)bytes, sizeof(bytes) };

	enum account_status status = account_find(root, name, c);
	if (status == ACCOUNT_FAILED)
		return -1;
	if (status == ACCOUNT_OK && c->kind != CREDENTIAL_PLAIN)
		return 0;
	if (account_secret(root, bytes) < 0 && makeshift_secret(root, bytes) < 0)
		return -1;
	if (status == ACCOUNT_NONE)
		credential_decoy(user, secret, c);
	else
		credential_salt(c, user, secret);
	wipe(bytes, sizeof(bytes));
	return 0;
}

int
account_login(int root, const struct config *config, struct span login, char *user, struct credential *c)
{
	bool named = account_name(without_local_domain(config, login), user);

	if (!named)
		user[0] = '\0';
	if (find_or_invent(root, user, named ? span_of(user) : login, c) == 0)
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

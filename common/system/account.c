/* Reading; account_edit.c changes the file. */
#include "account.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "account_file.h"
#include "io.h"

/* name is a user's: account_name has seen it. c: NULL where only the name matters. */
static enum account_status
look_up(int root, const char *name, struct credential *c)
{
	struct account_file file;
	struct span line, text;
	enum account_status status = ACCOUNT_NONE;
	int more;

	if (account_file_open(&file, root) < 0)
		return ACCOUNT_FAILED;
	while ((more = account_file_next(&file, &line)) > 0)
		if (account_file_is(&file, line, name, &text)) {
			status = ACCOUNT_OK;
			break;
		}
	if (more < 0)
		status = ACCOUNT_FAILED;
	if (status == ACCOUNT_OK && c != NULL && credential_parse(text, c) < 0) {
		status = ACCOUNT_FAILED;
		errno = EINVAL;
	}
	account_file_close(&file);
	return status;
}

enum account_status
account_find(int root, const char *name, struct credential *c)
{
	char user[ACCOUNT_NAME + 1];

	return account_name(span_of(name), user) ? look_up(root, user, c) : ACCOUNT_NONE;
}

enum account_status
account_exists(int root, const char *name)
{
	return account_find(root, name, NULL);
}

enum account_status
account_list(int root, void (*each)(const char *name, void *context), void *context)
{
	struct account_file file;
	struct span line, text;
	char name[ACCOUNT_NAME + 1];
	int more;

	if (account_file_open(&file, root) < 0)
		return ACCOUNT_FAILED;
	while ((more = account_file_next(&file, &line)) > 0)
		if (account_file_name(&file, line, name, &text))
			each(name, context);
	account_file_close(&file);
	return more < 0 ? ACCOUNT_FAILED : ACCOUNT_OK;
}

enum account_status
account_first(int root, char name[ACCOUNT_NAME + 1])
{
	struct account_file file;
	struct span line, text;
	bool found = false;
	int more;

	if (account_file_open(&file, root) < 0)
		return ACCOUNT_FAILED;
	while (!found && (more = account_file_next(&file, &line)) > 0)
		found = account_file_name(&file, line, name, &text);
	account_file_close(&file);
	return found ? ACCOUNT_OK : more < 0 ? ACCOUNT_FAILED : ACCOUNT_NONE;
}

bool
account_any_plain(int root)
{
	struct account_file file;
	struct span line, text;
	char name[ACCOUNT_NAME + 1];
	bool found = false;

	if (account_file_open(&file, root) < 0)
		return false;
	while (!found && account_file_next(&file, &line) > 0)
		found = account_file_name(&file, line, name, &text) && credential_is_plain(text);
	account_file_close(&file);
	return found;
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
	enum {
		ENOUGH = 4096
	}; /* bytes: an unknown user must not take longer than others, however long the file */
	struct account_file file;
	struct sha256 sum;
	struct span line;
	struct stat st;

	if (account_file_open(&file, root) < 0)
		return -1;
	int result = fstat(file.fd, &st) < 0 || account_file_next(&file, &line) < 0 ? -1 : 0;
	if (result == 0) {
		sha256_init(&sum);
		sha256_add(&sum, &st.st_ino, sizeof(st.st_ino));
		sha256_add(&sum, &st.st_ctim.tv_sec, sizeof(st.st_ctim.tv_sec));
		sha256_add(&sum, &st.st_ctim.tv_nsec, sizeof(st.st_ctim.tv_nsec));
		sha256_add(&sum, file.block, file.n < ENOUGH ? file.n : ENOUGH);
		sha256_end(&sum, secret);
	}
	account_file_close(&file);
	return result;
}

int
account_credential(int root, const char *name, struct credential *c)
{
	uint8_t bytes[SHA256_SIZE];
	struct span secret = { (const char *)bytes, sizeof(bytes) };
	enum account_status status = account_find(root, name, c);

	if (status != ACCOUNT_OK && status != ACCOUNT_NONE)
		return -1;
	if (status == ACCOUNT_OK && c->kind != CREDENTIAL_PLAIN)
		return 0;
	if (account_secret(root, bytes) < 0 && makeshift_secret(root, bytes) < 0)
		return -1;
	if (status == ACCOUNT_NONE)
		credential_decoy(span_of(name), secret, c);
	else
		credential_salt(c, span_of(name), secret);
	wipe(bytes, sizeof(bytes));
	return 0;
}

#include "aliases.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "alias.h"
#include "io.h"
#include "log.h"

static const char file[] = "aliases";

void
aliases_init(struct aliases *aliases)
{
	*aliases = (struct aliases){ .seen = { 0 } };
	buf_init(&aliases->text, ALIASES_TEXT);
}

void
aliases_free(struct aliases *aliases)
{
	buf_free(&aliases->text);
}

/* The time of the last change of the inode, which nobody can set, is in it. */
static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int
failed(int error)
{
	log_begin_error("aliases-unreadable");
	log_text("file", file);
	log_errno(error);
	log_end();
	return -1;
}

static void
log_malformed(struct span text)
{
	struct alias_reader reader = { .rest = text };
	struct alias alias;
	const char *reason;
	int result;

	while ((result = alias_next(&reader, &alias, &reason)) != 0) {
		if (result > 0)
			continue;
		log_begin_error("alias-malformed");
		log_text("file", file);
		log_number("line", alias.line);
		log_text("reason", reason);
		log_end();
	}
}

int
aliases_refresh(struct aliases *aliases, int root)
{
	struct stat now = { 0 };

	if (fstatat(root, file, &now, 0) < 0 && errno != ENOENT)
		return failed(errno);
	if (is_same(&now, &aliases->seen))
		return 0;
	buf_clear(&aliases->text);
	aliases->seen = (struct stat){ 0 };
	if (now.st_ino == 0)
		return 0;
	int fd = openat(root, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return failed(errno);
	int result = io_read_regular(fd, &aliases->seen, &aliases->text);
	int error = errno;
	close(fd);
	if (result < 0) {
		aliases_free(aliases);
		aliases->seen = (struct stat){ 0 };
		return failed(error);
	}
	log_malformed(buf_span(&aliases->text));
	return 0;
}

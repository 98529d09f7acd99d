/*
 * mail: a mail root in $TMPDIR with one user's folder, for the targets that need files.
 */
#ifndef MAIL_H
#define MAIL_H

#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fuzz.h"

enum { MAIL_ROOM = 32 * 1024 }; /* of a file, of a message */

static int mail_root = -1, mail_folder = -1;
static char mail_path[200];

static inline void
mail_remove(void)
{
	static const char *const files[] = { "mbox", "mbox.index", "mbox.redo", "mbox.torn", "mbox.lock",
		"pop3.lock" };

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		unlinkat(mail_folder, files[i], 0);
}

static inline void
mail_end(void)
{
	mail_remove();
	unlinkat(mail_root, "users/anna", AT_REMOVEDIR);
	unlinkat(mail_root, "users", AT_REMOVEDIR);
	rmdir(mail_path);
}

/* An empty folder. */
static inline void
mail_begin(void)
{
	const char *tmp = getenv("TMPDIR");

	if (mail_root >= 0) {
		mail_remove();
		return;
	}
	(void)snprintf(mail_path, sizeof mail_path, "%s/fuzz.XXXXXX", tmp == NULL ? "/tmp" : tmp);
	MUST(mkdtemp(mail_path) != NULL);
	mail_root = open(mail_path, O_RDONLY | O_DIRECTORY);
	MUST(mkdirat(mail_root, "users", 0700) == 0 && mkdirat(mail_root, "users/anna", 0700) == 0);
	mail_folder = openat(mail_root, "users/anna", O_RDONLY | O_DIRECTORY);
	MUST(mail_folder >= 0 && atexit(mail_end) == 0);
}

static inline void
mail_write(const char *name, struct span bytes)
{
	int fd = openat(mail_folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	MUST(fd >= 0 && write(fd, bytes.at, bytes.n) == (ssize_t)bytes.n && close(fd) == 0);
}

/* Empty where there is none. */
static inline void
mail_read(const char *name, struct buf *out)
{
	int fd = openat(mail_folder, name, O_RDONLY);
	ssize_t n = 0;

	buf_init(out, MAIL_ROOM);
	if (fd < 0)
		return;
	char *room = buf_reserve(out, MAIL_ROOM);
	MUST(room != NULL && (n = read(fd, room, MAIL_ROOM)) >= 0 && n < MAIL_ROOM);
	out->len = (size_t)n;
	close(fd);
}

#endif

#include "seen.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "lock.h"
#include "pop3_client.h"

enum { PATH = 4096, FILE_MAX = 1024 * 1024 * 1024 };

/* Build the file's path and make its folders. The key is a peer's or a user's: what a file name cannot have is %XX. */
static int
make_path(struct buf *path, const char *key)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (state != NULL && state[0] == '/')
		buf_printf(path, "%s/letterbox/seen/", state);
	else if (home != NULL && home[0] == '/')
		buf_printf(path, "%s/.local/state/letterbox/seen/", home);
	else
		buf_add_string(path, ".letterbox/seen/");
	for (size_t i = 0; key[i] != '\0'; i++) {
		char c = key[i];
		if (ascii_is_alnum(c) || strchr("-_@:", c) != NULL || (c == '.' && i > 0))
			buf_add_char(path, c);
		else
			buf_printf(path, "%%%02X", (unsigned char)c);
	}
	buf_string(path); /* ends it */
	errno = ENAMETOOLONG;
	if (path->failed)
		return -1;
	for (char *slash = path->data; (slash = strchr(slash + 1, '/')) != NULL; *slash = '/') {
		*slash = '\0';
		if (mkdir(path->data, 0700) < 0 && errno != EEXIST)
			return -1;
	}
	return 0;
}

/* The file, or one beside it whose name ends with `ending`. */
static int
open_file(const struct seen *s, const char *ending, int flags)
{
	char name[PATH + 8];

	snprintf(name, sizeof(name), "%s%s", s->path.data, ending);
	return open(name, flags | O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static int
sync_folder(const struct seen *s)
{
	char folder[PATH];

	snprintf(
	    folder, sizeof(folder), "%.*s", (int)(strrchr(s->path.data, '/') - s->path.data), s->path.data);
	return io_sync_directory(AT_FDCWD, folder);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct seen_line *)a)->uidl, ((const struct seen_line *)b)->uidl);
}

/* The lines of text as sorted strings; one that is no UIDL, or has no end, is passed over. */
static int
sort_lines(struct seen *s)
{
	struct span rest = buf_span(&s->text);

	s->sorted = calloc(rest.n / strlen("u\n") + 1, sizeof(*s->sorted));
	if (s->sorted == NULL)
		return -1;
	while (rest.n > 0) {
		struct span line = span_until(rest, '\n', &rest);
		if (rest.at == NULL || !span_is_word(line) || line.n > POP3_UIDL) {
			s->torn = true;
			continue;
		}
		s->sorted[s->n++].uidl = line.at;
		s->text.data[line.at + line.n - s->text.data] = '\0';
	}
	qsort(s->sorted, s->n, sizeof(*s->sorted), compare);
	return 0;
}

static int
read_file(struct seen *s)
{
	struct stat st;

	s->file = open_file(s, "", O_APPEND);
	if (s->file < 0 || io_read_regular(s->file, &st, &s->text) < 0)
		return -1;
	if (st.st_size == 0 && sync_folder(s) < 0)
		return -1;
	return sort_lines(s);
}

enum seen_status
seen_open(struct seen *s, const char *key)
{
	*s = (struct seen){ .file = -1, .lock = -1 };
	buf_init(&s->text, FILE_MAX);
	buf_init(&s->path, PATH);
	if (make_path(&s->path, key) < 0)
		return SEEN_FAILED;
	/* One fetch at a time: a lock file of its own, because the other one is replaced. */
	s->lock = open_file(s, ".lock", 0);
	enum lock_status status = s->lock < 0 ? LOCK_FAILED : lock_fcntl(s->lock, 0);
	if (status == LOCK_BUSY)
		return SEEN_BUSY;
	return status == LOCK_OK && read_file(s) == 0 ? SEEN_OK : SEEN_FAILED;
}

void
seen_close(struct seen *s)
{
	io_close(s->file);
	io_close(s->lock);
	buf_free(&s->text);
	buf_free(&s->path);
	free(s->sorted);
	*s = (struct seen){ .file = -1, .lock = -1 };
}

bool
seen_take(struct seen *s, const char *uidl)
{
	const struct seen_line key = { .uidl = uidl };
	struct seen_line *at = s->n == 0 ? NULL : bsearch(&key, s->sorted, s->n, sizeof(key), compare);

	if (at == NULL)
		return false;
	while (at > s->sorted && compare(at - 1, &key) == 0)
		at--;
	for (; at < s->sorted + s->n && compare(at, &key) == 0; at++)
		if (!at->used) {
			at->used = true;
			return true;
		}
	return false;
}

int
seen_append(struct seen *s, struct span lines)
{
	/* An end for the line that a crash has torn. */
	if (s->torn && io_write(s->file, span_of("\n")) < 0)
		return -1;
	return io_write(s->file, lines) < 0 || fsync(s->file) < 0 ? -1 : 0;
}

int
seen_rewrite(struct seen *s, struct span lines)
{
	char name[PATH + 8];
	int fd = open_file(s, ".new", O_TRUNC | O_APPEND);

	snprintf(name, sizeof(name), "%s.new", s->path.data);
	if (fd < 0 || io_write(fd, lines) < 0 || fsync(fd) < 0 || rename(name, s->path.data) < 0) {
		io_close(fd);
		unlink(name);
		return -1;
	}
	close(s->file);
	s->file = fd;
	return sync_folder(s);
}

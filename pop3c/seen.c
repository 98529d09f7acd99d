#include "seen.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "pop3_client.h"

enum { PATH = 4096, FILE_MAX = 1024 * 1024 * 1024 };

/* mkdir -p, mode 0700. */
static int
make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int result = mkdir(path, 0700);
		*slash = '/';
		if (result < 0 && errno != EEXIST)
			return -1;
	}
	return 0;
}

/* The file's path. The key is a peer's or a user's: what a file name cannot have is %XX. */
static int
build_path(const char *key, struct buf *path)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (state != NULL && state[0] == '/')
		buf_printf(path, "%s/letterbox/seen/", state);
	else if (home != NULL && home[0] == '/')
		buf_printf(path, "%s/.local/state/letterbox/seen/", home);
	else
		buf_printf(path, ".letterbox/seen/");
	for (size_t i = 0; key[i] != '\0'; i++) {
		char c = key[i];
		if (ascii_is_alnum(c) || c == '-' || c == '_' || c == '@' || c == ':' || (c == '.' && i > 0))
			buf_add_char(path, c);
		else
			buf_printf(path, "%%%02X", (unsigned char)c);
	}
	return path->failed ? -1 : 0;
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
	size_t lines = 0;
	char *at = s->text.data, *end;

	s->torn = s->text.len > 0 && at[s->text.len - 1] != '\n';
	for (size_t i = 0; i < s->text.len; i++)
		lines += s->text.data[i] == '\n';
	s->sorted = calloc(lines + 1, sizeof(*s->sorted));
	if (s->sorted == NULL)
		return -1;
	for (size_t left = s->text.len; left > 0 && (end = memchr(at, '\n', left)) != NULL; at = end + 1) {
		struct span line = { at, (size_t)(end - at) };
		bool good = span_is_word(line) && line.n <= POP3_UIDL;
		*end = '\0';
		if (good)
			s->sorted[s->n++].uidl = at;
		s->torn |= !good;
		left = s->text.len - (size_t)(end + 1 - s->text.data);
	}
	qsort(s->sorted, s->n, sizeof(*s->sorted), compare);
	return 0;
}

/* One fetch at a time: a lock file of its own, because the other one is replaced. */
static enum seen_status
take_lock(struct seen *s)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct buf path;

	buf_init(&path, PATH);
	buf_printf(&path, "%s.lock", s->path);
	s->lock = open(buf_string(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	buf_free(&path);
	if (s->lock < 0)
		return SEEN_FAILED;
	if (fcntl(s->lock, F_SETLK, &all) < 0)
		return errno == EAGAIN || errno == EACCES ? SEEN_BUSY : SEEN_FAILED;
	return SEEN_OK;
}

static enum seen_status
open_files(struct seen *s)
{
	char *slash = strrchr(s->path, '/');

	if (make_folders(s->path) < 0)
		return SEEN_FAILED;
	*slash = '\0';
	s->directory = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*slash = '/';
	if (s->directory < 0)
		return SEEN_FAILED;
	enum seen_status status = take_lock(s);
	if (status != SEEN_OK)
		return status;
	s->file = open(s->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	struct stat st;
	if (s->file < 0 || fstat(s->file, &st) < 0)
		return SEEN_FAILED;
	if (st.st_size == 0 && fsync(s->directory) < 0)
		return SEEN_FAILED;
	char *room = buf_reserve(&s->text, (size_t)st.st_size);
	ssize_t n = room == NULL ? -1 : io_read_at(s->file, room, (size_t)st.st_size, 0);
	if (room == NULL)
		errno = EFBIG;
	if (n < 0)
		return SEEN_FAILED;
	s->text.len = (size_t)n;
	return sort_lines(s) == 0 ? SEEN_OK : SEEN_FAILED;
}

enum seen_status
seen_open(struct seen *s, const char *key)
{
	struct buf path;

	*s = (struct seen){ .directory = -1, .file = -1, .lock = -1 };
	buf_init(&s->text, FILE_MAX);
	buf_init(&s->waiting, FILE_MAX);
	buf_init(&path, PATH);
	if (build_path(key, &path) < 0)
		errno = ENAMETOOLONG;
	else
		s->path = strdup(buf_string(&path));
	buf_free(&path);
	return s->path == NULL ? SEEN_FAILED : open_files(s);
}

void
seen_close(struct seen *s)
{
	int descriptors[] = { s->directory, s->file, s->lock };

	for (size_t i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); i++)
		if (descriptors[i] >= 0)
			close(descriptors[i]);
	buf_free(&s->text);
	buf_free(&s->waiting);
	free(s->sorted);
	free(s->path);
	*s = (struct seen){ .directory = -1, .file = -1, .lock = -1 };
}

bool
seen_take(struct seen *s, const char *uidl)
{
	size_t from = 0, to = s->n;

	/* The first that is not less. */
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (strcmp(s->sorted[middle].uidl, uidl) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	for (; from < s->n && strcmp(s->sorted[from].uidl, uidl) == 0; from++)
		if (!s->sorted[from].used) {
			s->sorted[from].used = true;
			return true;
		}
	return false;
}

int
seen_add(struct seen *s, const char *uidl)
{
	return buf_printf(&s->waiting, "%s\n", uidl);
}

int
seen_commit(struct seen *s)
{
	off_t before = lseek(s->file, 0, SEEK_END);

	if (s->waiting.len == 0)
		return 0;
	if (before < 0)
		return -1;
	if (io_write(s->file, buf_span(&s->waiting)) < 0 || fsync(s->file) < 0) {
		int error = errno;
		(void)!ftruncate(s->file, before);
		errno = error;
		return -1;
	}
	buf_clear(&s->waiting);
	return 0;
}

int
seen_rewrite(struct seen *s, struct span lines)
{
	struct buf path;
	int fd, error;

	buf_init(&path, PATH);
	buf_printf(&path, "%s.new", s->path);
	fd = open(buf_string(&path), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	bool done =
	    fd >= 0 && io_write(fd, lines) == 0 && fsync(fd) == 0 && rename(buf_string(&path), s->path) == 0;
	error = errno;
	if (done) {
		close(s->file);
		s->file = fd;
		done = fsync(s->directory) == 0;
		error = errno;
	} else if (fd >= 0) {
		close(fd);
		unlink(buf_string(&path));
	}
	buf_free(&path);
	errno = error;
	return done ? 0 : -1;
}

#include "scratch.h"

#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io.h"

void
scratch_init(struct scratch *s, size_t bound)
{
	*s = (struct scratch){ .file = -1, .root = -1, .bound = bound };
	buf_init(&s->memory, bound);
}

void
scratch_free(struct scratch *s)
{
	if (s->map != NULL)
		munmap(s->map, (size_t)s->size);
	io_close(s->file);
	s->map = NULL;
	s->file = -1;
	buf_free(&s->memory);
}

static int
note(struct scratch *s, int result)
{
	if (result < 0 && s->error == 0)
		s->error = s->memory.failed ? ENOMEM : errno;
	errno = s->error;
	return result;
}

/*
 * Should the process die, it is gone. One name serves all: whoever finds it taken removes it, for its owner is about to do the same, or
 * died before he could.
 */
static int
open_unlinked(int root)
{
	for (int attempt = 0; attempt < 100; attempt++) {
		int fd = openat(root, "spool", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0 && errno != EEXIST)
			return -1;
		unlinkat(root, "spool", 0);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

/* A file without a name in $TMPDIR, else in /tmp. */
static int
open_temporary(void)
{
	const char *directory = getenv("TMPDIR");
	char path[4096];

	if (directory == NULL || directory[0] == '\0')
		directory = "/tmp";
	if (snprintf(path, sizeof(path), "%s/letterbox.XXXXXX", directory) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = mkstemp(path);
	if (fd >= 0) {
		unlink(path);
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	return fd;
}

int
scratch_spill(struct scratch *s)
{
	if (s->file < 0)
		s->file = s->root < 0 ? open_temporary() : open_unlinked(s->root);
	if (s->file < 0 || io_write(s->file, buf_span(&s->memory)) < 0)
		return note(s, -1);
	buf_clear(&s->memory);
	return 0;
}

int
scratch_add(struct scratch *s, struct span piece)
{
	if (s->error != 0)
		return note(s, -1);
	s->size += piece.n;
	if (s->memory.len + piece.n <= s->bound)
		return note(s, buf_add_span(&s->memory, piece));
	return scratch_spill(s) < 0 ? -1 : note(s, io_write(s->file, piece));
}

int
scratch_end(struct scratch *s, struct span *all)
{
	if (s->error != 0)
		return note(s, -1);
	*all = buf_span(&s->memory);
	if (s->file < 0)
		return 0;
	if (scratch_spill(s) < 0)
		return -1;
	void *map = mmap(NULL, (size_t)s->size, PROT_READ, MAP_PRIVATE, s->file, 0);
	if (map == MAP_FAILED)
		return note(s, -1);
	s->map = map;
	*all = (struct span){ map, (size_t)s->size };
	return 0;
}

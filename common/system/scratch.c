#include "scratch.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "io.h"

enum { PIECE = 64 * 1024 };

void
scratch_init(struct scratch *s, size_t bound)
{
	*s = (struct scratch){ .file = -1, .bound = bound };
	buf_init(&s->memory, bound);
}

void
scratch_free(struct scratch *s)
{
	if (s->file >= 0)
		close(s->file);
	s->file = -1;
	buf_free(&s->memory);
}

/* What is in memory goes to the file. */
static int
spill(struct scratch *s)
{
	if (s->file < 0)
		s->file = io_temporary();
	if (s->file < 0 || io_write(s->file, buf_span(&s->memory)) < 0)
		return -1;
	buf_clear(&s->memory);
	return 0;
}

static int
note(struct scratch *s, int result)
{
	if (result < 0 && s->error == 0)
		s->error = s->memory.failed ? ENOMEM : errno;
	errno = s->error;
	return result;
}

int
scratch_add(struct scratch *s, struct span piece)
{
	if (s->error != 0)
		return note(s, -1);
	s->size += piece.n;
	if (s->memory.len + piece.n <= s->bound)
		return note(s, buf_add_span(&s->memory, piece));
	return note(s, spill(s) < 0 ? -1 : io_write(s->file, piece));
}

int
scratch_end(struct scratch *s)
{
	return note(s, s->error != 0 || (s->file >= 0 && spill(s) < 0) ? -1 : 0);
}

ssize_t
scratch_at(const struct scratch *s, uint64_t offset, char *bytes, size_t n)
{
	if (s->file >= 0)
		return io_read_at(s->file, bytes, n, (off_t)offset);
	struct span part = span_slice(buf_span(&s->memory), (size_t)offset, (size_t)offset + n);
	if (part.n > 0)
		memcpy(bytes, part.at, part.n);
	return (ssize_t)part.n;
}

int
scratch_each(const struct scratch *s, int (*write_out)(void *context, struct span), void *context)
{
	char bytes[PIECE];
	ssize_t n;

	for (uint64_t at = 0; (n = scratch_at(s, at, bytes, sizeof(bytes))) > 0; at += (uint64_t)n)
		if (write_out(context, (struct span){ bytes, (size_t)n }) < 0)
			return -1;
	return (int)n;
}

#include "draft.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "io.h"

enum { PIECE = 64 * 1024 };

void
draft_init(struct draft *draft)
{
	*draft = (struct draft){ .file = -1 };
	buf_init(&draft->memory, SPOOL_MEMORY + 3 * PIECE);
}

void
draft_free(struct draft *draft)
{
	if (draft->file >= 0)
		close(draft->file);
	buf_free(&draft->memory);
	draft->file = -1;
}

static int
write_out(struct draft *draft)
{
	if (draft->file < 0)
		draft->file = io_temporary();
	draft->unwritten = draft->file < 0 || io_write(draft->file, buf_span(&draft->memory)) < 0;
	buf_clear(&draft->memory);
	return draft->unwritten ? -1 : 0;
}

int
draft_add(struct draft *draft, struct span s)
{
	content_add(&draft->content, s);
	if (buf_add_span(&draft->memory, s) < 0) {
		errno = ENOMEM;
		return -1;
	}
	return draft->memory.len > SPOOL_MEMORY ? write_out(draft) : 0;
}

int
draft_finish(struct draft *draft)
{
	content_end(&draft->content);
	return draft->file >= 0 ? write_out(draft) : 0;
}

/* Through the filters that its kind of input wants. 1: the dot came. */
static int
add_input(struct draft *draft, enum draft_input kind, struct lone_dot *dot, struct crlf *crlf, struct span s,
    struct buf *undotted)
{
	struct buf clean;
	bool over = false;

	if (kind == DRAFT_AS_IS)
		return draft_add(draft, s);
	buf_clear(undotted);
	if (kind == DRAFT_DOT) {
		over = s.n > 0 ? lone_dot_push(dot, s, undotted) : (lone_dot_end(dot, undotted), false);
		s = buf_span(undotted);
	}
	buf_init(&clean, (size_t)3 * PIECE);
	crlf_push(crlf, s.at, s.n, &clean);
	int status = clean.failed || undotted->failed ? -1 : draft_add(draft, buf_span(&clean));
	buf_free(&clean);
	return status < 0 ? -1 : over ? 1 : 0;
}

int
draft_read(struct draft *draft, int fd, enum draft_input kind)
{
	static char bytes[PIECE];
	struct lone_dot dot = { .state = LONE_DOT_START };
	struct crlf crlf = { .cr = false };
	struct buf undotted;
	int status = 0;
	ssize_t n;

	buf_init(&undotted, PIECE + 2);
	do {
		n = read(fd, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n >= 0)
			status =
			    add_input(draft, kind, &dot, &crlf, (struct span){ bytes, (size_t)n }, &undotted);
	} while (n != 0 && status == 0 && (n > 0 || errno == EINTR));
	int error = errno;
	buf_free(&undotted);
	errno = error;
	if (n < 0 || status < 0 || draft_finish(draft) < 0)
		return -1;
	return kind == DRAFT_DOT && status == 0 ? 1 : 0;
}

ssize_t
draft_at(const struct draft *draft, uint64_t offset, char *bytes, size_t n)
{
	if (draft->file >= 0)
		return io_read_at(draft->file, bytes, n, (off_t)offset);
	struct span part = span_slice(buf_span(&draft->memory), (size_t)offset, (size_t)offset + n);
	if (part.n > 0)
		memcpy(bytes, part.at, part.n);
	return (ssize_t)part.n;
}

#include "spool.h"

#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "io.h"

enum {
	FIRST = 8 * 1024 - 1
}; /* bytes: most messages fit, and what would grow to that touches as many pages again on its way */

void
spool_init(struct spool *spool, int root)
{
	*spool = (struct spool){ .head = 0 };
	/* What is added at once at most doubles, should all of it be short lines to be quoted. */
	scratch_init(&spool->body, (size_t)4 * SPOOL_MEMORY);
	spool->body.root = root;
	mbox_quoter_init(&spool->quoter);
}

void
spool_free(struct spool *spool)
{
	scratch_free(&spool->body);
}

void
spool_clear(struct spool *spool)
{
	struct scratch *body = &spool->body;

	io_close(body->file);
	body->file = -1;
	body->error = 0;
	buf_clear(&body->memory);
	spool->head = 0;
	spool->eight_bit = false;
	mbox_quoter_init(&spool->quoter);
}

void
spool_add(struct spool *spool, struct span content)
{
	struct scratch *body = &spool->body;

	spool->eight_bit |= !span_is_ascii(content);
	if (body->memory.size == 0)
		(void)buf_reserve(&body->memory, FIRST);
	for (size_t i = 0; i < content.n && body->error == 0; i += SPOOL_MEMORY) {
		if (mbox_quote(&spool->quoter, span_slice(content, i, i + SPOOL_MEMORY), &body->memory) < 0)
			body->error = ENOMEM;
		else if (body->memory.len > SPOOL_MEMORY)
			scratch_spill(body);
	}
}

int
spool_finish(struct spool *spool)
{
	struct scratch *body = &spool->body;

	if (body->error == 0 && mbox_quote_end(&spool->quoter, &body->memory) < 0)
		body->error = ENOMEM;
	if (body->error == 0 && body->file >= 0)
		scratch_spill(body);
	errno = body->error;
	return body->error == 0 ? 0 : -1;
}

uint64_t
spool_stored(const struct spool *spool)
{
	return spool->quoter.stored;
}

uint64_t
spool_wire(const struct spool *spool)
{
	return spool->quoter.wire;
}

/* So that both are written in one go, without another copy of the body. */
static int
make_room(struct spool *spool, size_t head)
{
	struct buf *memory = &spool->body.memory;

	if (head <= spool->head)
		return 0;
	const size_t more = head - spool->head;
	if (buf_reserve(memory, more) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	memmove(memory->data + head, memory->data + spool->head, memory->len - spool->head);
	memory->len += more;
	spool->head = head;
	return 0;
}

int
spool_write(struct spool *spool, struct span head, int fd)
{
	struct buf *memory = &spool->body.memory;

	/* The head of a queue entry with many recipients may be longer than any body in memory. */
	if (spool->body.file >= 0 || head.n > SPOOL_MEMORY) {
		if (io_write(fd, head) < 0)
			return -1;
		if (spool->body.file >= 0)
			return io_copy(spool->body.file, 0, (off_t)spool_stored(spool), fd);
		return io_write(fd, span_slice(buf_span(memory), spool->head, memory->len));
	}
	if (make_room(spool, head.n) < 0)
		return -1;
	memcpy(memory->data + spool->head - head.n, head.at, head.n);
	return io_write(fd, span_slice(buf_span(memory), spool->head - head.n, memory->len));
}

#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "io.h"

void
spool_init(struct spool *spool, int root)
{
	*spool = (struct spool){ .root = root, .file = -1 };
	/* What is added at once at most doubles, should all of it be short lines to be quoted. */
	buf_init(&spool->memory, (size_t)4 * SPOOL_MEMORY);
	mbox_quoter_init(&spool->quoter);
}

void
spool_free(struct spool *spool)
{
	spool_clear(spool);
	buf_free(&spool->memory);
}

void
spool_clear(struct spool *spool)
{
	io_close(spool->file);
	spool->file = -1;
	spool->error = 0;
	buf_clear(&spool->memory);
	mbox_quoter_init(&spool->quoter);
}

/* Room for a head is left before the n bytes to come, so that it and the body are written in one go without another copy of the body. */
static void
leave_room(struct spool *spool, size_t n)
{
	if (spool->memory.len == 0 && buf_reserve(&spool->memory, SPOOL_HEAD + n) != NULL)
		spool->memory.len = SPOOL_HEAD;
}

static struct span
in_memory(const struct spool *spool)
{
	return span_slice(buf_span(&spool->memory), SPOOL_HEAD, spool->memory.len);
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

static void
spill(struct spool *spool)
{
	if (spool->file < 0)
		spool->file = open_unlinked(spool->root);
	if (spool->file < 0 || io_write(spool->file, in_memory(spool)) < 0)
		spool->error = errno;
	buf_clear(&spool->memory);
}

void
spool_add(struct spool *spool, struct span content)
{
	for (size_t i = 0; i < content.n && spool->error == 0; i += SPOOL_MEMORY) {
		struct span piece = span_slice(content, i, i + SPOOL_MEMORY);
		leave_room(spool, piece.n);
		if (mbox_quote(&spool->quoter, piece, &spool->memory) < 0)
			spool->error = ENOMEM;
		if (spool->memory.len > SPOOL_MEMORY)
			spill(spool);
	}
}

int
spool_finish(struct spool *spool)
{
	leave_room(spool, 1);
	if (spool->error == 0 && mbox_quote_end(&spool->quoter, &spool->memory) < 0)
		spool->error = ENOMEM;
	if (spool->error == 0 && spool->file >= 0)
		spill(spool);
	errno = spool->error;
	return spool->error == 0 ? 0 : -1;
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

struct span
spool_behind(struct spool *spool, struct span head)
{
	if (spool->file >= 0 || head.n > SPOOL_HEAD)
		return (struct span){ NULL, 0 };
	memcpy(spool->memory.data + SPOOL_HEAD - head.n, head.at, head.n);
	return span_slice(buf_span(&spool->memory), SPOOL_HEAD - head.n, spool->memory.len);
}

int
spool_each(struct spool *spool, int (*write_out)(void *context, struct span), void *context)
{
	char piece[64 * 1024];
	off_t at = 0;

	if (spool->file < 0)
		return write_out(context, in_memory(spool));
	for (;;) {
		ssize_t n = io_read_at(spool->file, piece, sizeof(piece), at);
		if (n <= 0)
			return (int)n;
		int result = write_out(context, (struct span){ piece, (size_t)n });
		if (result != 0)
			return result;
		at += n;
	}
}

/*
 * buf: bytes that grow, up to a maximum. Pure; allocates, within its bound.
 *
 * An addition that does not fit adds nothing and sets `failed`, which stays until buf_clear: a writer of many
 * pieces looks once, at the end.
 */
#ifndef BUF_H
#define BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

struct buf {
	char *data;  /* buf_string gives it NUL-terminated */
	size_t len;  /* bytes in use */
	size_t size; /* bytes allocated */
	size_t max;  /* len never exceeds it */
	bool failed; /* over max, or no memory */
};

void buf_init(struct buf *, size_t max);

/* Wipes what it held, and frees it. A zeroed buf may be freed. */
void buf_free(struct buf *);

/* Empty, not failed, memory kept. */
void buf_clear(struct buf *);

/* All of these: 0, or -1 with `failed` set and nothing added. */
int buf_add(struct buf *, const void *bytes, size_t n);
int buf_add_span(struct buf *, struct span);
int buf_add_string(struct buf *, const char *);
int buf_add_char(struct buf *, char);
int buf_printf(struct buf *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Bytes of a peer as printable ASCII: the rest, and the backslash, as \xNN. For logs and replies. */
int buf_add_escaped(struct buf *, struct span);

/* Room for n more bytes behind len, to be written by the caller, who then adds to len; NULL when it does not fit. */
char *buf_reserve(struct buf *, size_t n);

/* Take n bytes (at most len) off the front; leave the first n. */
void buf_drop(struct buf *, size_t n);
void buf_cut(struct buf *, size_t n);

/* What it holds as a string, never NULL; as a span. Valid until the next change. */
const char *buf_string(struct buf *);
struct span buf_span(const struct buf *);

/* Overwrite secrets; the compiler may not leave it out. */
void wipe(void *, size_t n);

#endif

/*
 * spool: the body of a message on its way into a mailbox, in the form in which it will stand there: mboxrd-quoted, LF line ends. In
 * memory, past SPOOL_MEMORY (bounds.h) in an unlinked temporary file in the mail root.
 */
#ifndef SPOOL_H
#define SPOOL_H

#include "mbox.h"
#include "scratch.h"

struct spool {
	struct scratch body;
	struct mbox_quoter quoter; /* lengths and sum */
	size_t head;		   /* bytes of memory before the body: room for what is written with it */
	bool eight_bit;		   /* it is not all ASCII */
};

void spool_init(struct spool *, int root);
void spool_free(struct spool *);

/* Empty it for the next message. */
void spool_clear(struct spool *);

/* More content: CRLF lines without a bare CR, LF or NUL. A failure shows at the end. */
void spool_add(struct spool *, struct span content);

/* The end: a last line without CRLF gets one, an empty line follows. 0, or -1 with errno. */
int spool_finish(struct spool *);

/* Of the finished body: bytes as stored, and on the wire (CRLF, unquoted). */
uint64_t spool_stored(const struct spool *);
uint64_t spool_wire(const struct spool *);

/* A head of any length and the whole body behind it, in one write(2) where they are in memory and not large. 0, or -1 with errno. */
int spool_write(struct spool *, struct span head, int fd);

#endif

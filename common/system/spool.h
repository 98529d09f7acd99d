/*
 * spool: the body of a message on its way into a mailbox, in the form in which it will stand there: mboxrd-quoted, LF line ends. In
 * memory, past SPOOL_MEMORY (bounds.h) in an unlinked temporary file in the mail root.
 */
#ifndef SPOOL_H
#define SPOOL_H

#include <stdint.h>

#include "buf.h"
#include "mbox.h"

enum { SPOOL_HEAD = 1024 }; /* bytes; our From_ line, entry line and trace are seldom longer */

struct spool {
	int root; /* descriptor of the mail root, the caller's */
	struct buf
	    memory; /* SPOOL_HEAD bytes of room, then all of it while file is -1, else what is not written yet */
	int file;
	int error;		   /* errno of the first failure, else 0: sticky */
	struct mbox_quoter quoter; /* lengths and sum */
};

void spool_init(struct spool *, int root);
void spool_free(struct spool *);

/* Empty it for the next message. */
void spool_clear(struct spool *);

/* More content: CRLF lines without a bare CR, LF or NUL. A failure is kept in error. */
void spool_add(struct spool *, struct span content);

/* The end: a last line without CRLF gets one, an empty line follows. 0, or -1 with errno. */
int spool_finish(struct spool *);

/* Of the finished body: bytes as stored, and on the wire (CRLF, unquoted). */
uint64_t spool_stored(const struct spool *);
uint64_t spool_wire(const struct spool *);

/* The head and the whole body in one piece, which lives until the next call; empty where they do not fit together. */
struct span spool_behind(struct spool *, struct span head);

/* Call write_out for all of it, piece by piece; the first result other than 0 ends it and is returned; -1 with errno on a read error. */
int spool_each(struct spool *, int (*write_out)(void *context, struct span), void *context);

#endif

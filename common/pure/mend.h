/*
 * mend: text of a mailbox as it should have been written: LF line ends, no NUL, "From " at the start of a line quoted. A push filter that
 * counts what it put right. Pure.
 */
#ifndef MEND_H
#define MEND_H

#include <stdint.h>

#include "buf.h"

struct mend_count {
	uint64_t n;
	uint64_t first; /* where the first stands, in bytes from the start of what was pushed */
};

struct mend {
	int matched;	    /* bytes of "From " at the start of a line, held back; MBOX_IN_LINE behind it */
	bool cr;	    /* held back until it is known whether LF follows */
	uint64_t taken;	    /* bytes pushed */
	uint64_t line;	    /* where the line began */
	uint64_t stored;    /* bytes that came out */
	uint32_t sum;	    /* Adler-32 of them */
	unsigned line_ends; /* that came out last, one after the other */
	struct mend_count crlf, nul, from;
};

void mend_init(struct mend *);

/*
 * Take bytes; returns how many: all, unless `until` is not 0: then it stops behind the first line at whose end so many bytes have come out.
 * A full out shows in out->failed.
 */
size_t mend_push(struct mend *, struct span, uint64_t until, struct buf *out);

/* What was held back. */
void mend_end(struct mend *, struct buf *out);

/* Was anything put right? */
bool mend_changed(const struct mend *);

/* Line ends that are missing before a From_ line may follow: 0 to 2. */
unsigned mend_missing(const struct mend *);

#endif

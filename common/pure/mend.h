/*
 * mend: text of a mailbox as it should have been written: LF line ends, no NUL, "From " at the start of a line quoted. Line by line; counts
 * what it put right. Pure.
 */
#ifndef MEND_H
#define MEND_H

#include <stdint.h>

#include "buf.h"

struct mend_count {
	uint64_t n;
	uint64_t first; /* where the first stands, in bytes from the start of what was taken */
};

/* Zeroed but for sum, which is 1, and mid_line, at the start. */
struct mend {
	bool mid_line;	    /* a long line goes on, or the first is a From_ line that stays */
	uint64_t taken;	    /* bytes */
	uint64_t line;	    /* where the line began */
	uint64_t stored;    /* bytes that came out */
	uint32_t sum;	    /* Adler-32 of them */
	unsigned line_ends; /* that came out last, one after the other */
	struct mend_count crlf, nul, from;
};

/* Add a line with its end, or a part of a long one, which is not cut between CR and LF. A full out shows in out->failed. */
void mend_line(struct mend *, struct span line, struct buf *out);

/* Was anything put right? */
bool mend_changed(const struct mend *);

/* Line ends that are missing before a From_ line may follow: 0 to 2. */
unsigned mend_missing(const struct mend *);

#endif

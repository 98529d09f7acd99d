/*
 * prefix: the From_ line and the entry line of ours at the start of a message, read from bytes that may be damaged. Pure.
 */
#ifndef PREFIX_H
#define PREFIX_H

#include "mbox.h"

struct prefix {
	char text[MBOX_PREFIX]; /* both lines as they should be: LF line ends, no NUL */
	size_t from;		/* bytes of the From_ line in it */
	size_t length;		/* bytes of both in it */
	size_t raw;		/* bytes of both in the file */
	bool changed;		/* text is not what stands in the file */
	struct mbox_entry entry;
};

/* Are there the two lines of ours? Without regard to CRs before LF, and NULs. */
bool prefix_read(struct span, struct prefix *);

/* Might these lines have been ours, before a bit of them flipped? */
bool prefix_suspect(struct span);

/* Flip one bit after the other from *bit on, until the two lines of ours appear; *bit is the next to try then. False at the end. */
bool prefix_flip(struct span, size_t *bit, struct prefix *);

/* With n bytes of that Adler-32 behind it: are they what the entry line speaks of? */
bool prefix_fits(const struct prefix *, uint64_t n, uint32_t sum);

/* Are these the first bytes of a line of ours, or all of it? */
bool prefix_may_begin(struct span, const char *words);

/* A time and a year, as in every From_ line but hardly in a line of text. */
bool prefix_is_dated(struct span line);

/* "Name: ", the first line of a header. */
bool prefix_is_field(struct span line);

#endif

/*
 * crlf: text with any line ends (LF, CR, CRLF) as lines that end with CRLF, as a push filter. Pure.
 */
#ifndef CRLF_H
#define CRLF_H

#include "buf.h"

struct crlf {
	bool cr; /* the last byte was a CR, and its line end is written: zeroed = at the start */
};

/* 0, or -1 when out is full. */
int crlf_push(struct crlf *, const char *bytes, size_t n, struct buf *out);

#endif

/*
 * safe: a peer's text for a terminal. Pure. What comes out is valid UTF-8 without control characters (C0, DEL, C1), without those that turn
 * the direction of writing or are invisible, and so can neither move a cursor nor make a line look like another.
 */
#ifndef SAFE_H
#define SAFE_H

#include "buf.h"

enum safe_kind {
	SAFE_LINE, /* one line: blanks, tabs and line ends become one space; none at either end */
	SAFE_TEXT  /* many lines: ended by LF (a CR before it goes), tabs kept */
};

/* Malformed UTF-8 becomes U+FFFD, byte by byte. 0, or -1 where out is full. */
int safe_add(struct span, enum safe_kind, struct buf *out);

/* How many characters: what a column is padded by. */
size_t safe_width(struct span);

#endif

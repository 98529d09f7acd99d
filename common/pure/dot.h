/*
 * dot: RFC 5321 4.5.2 and RFC 1939 3 transparency, both ways, as push parsers. Pure: knows no descriptor.
 */
#ifndef DOT_H
#define DOT_H

#include "buf.h"

enum dot_kind {
	DOT_STRICT,  /* DATA: dots; a bare CR, a bare LF or a NUL is DOT_BAD */
	DOT_COUNTED, /* BDAT: as strict, but a dot is a byte like any other and there is no end */
	DOT_LENIENT  /* a server's multi-line answer: dots; bare CR, bare LF and NUL pass as they are */
};

enum dot_state {
	DOT_LINE_START, /* zeroed = at the start of the data */
	DOT_TEXT,
	DOT_CR,	   /* text, CR */
	DOT_DOT,   /* a dot at the start of a line */
	DOT_DOT_CR /* that, and CR */
};

struct dot {
	enum dot_kind kind;
	enum dot_state state;
};

enum dot_result { DOT_MORE, DOT_END, DOT_BAD };

/*
 * Take n bytes as they came from the wire; append the content, its lines ended by CRLF, to out.
 * *used says how many were taken: all of them on DOT_MORE, up to and with CRLF.CRLF on DOT_END,
 * up to the offender on DOT_BAD. out->failed is the caller's to look at.
 */
enum dot_result dot_push(struct dot *, const char *bytes, size_t n, size_t *used, struct buf *out);

/* The way out: stuff content of CRLF lines; zeroed = at the start. */
struct dot_stuffer {
	bool in_line; /* some of a line was pushed, its LF not yet */
};

int dot_stuff(struct dot_stuffer *, const char *bytes, size_t n, struct buf *out);

/* End it: a CRLF if the last line lacks one, and the line with the dot. */
int dot_stuff_end(struct dot_stuffer *, struct buf *out);

#endif

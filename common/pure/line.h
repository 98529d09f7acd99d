/*
 * line: command and reply lines out of a stream, as a push parser. Pure. RFC 5321 2.3.8, 4.5.3.1.4.
 *
 * A line ends with LF; a CR before it goes, too. One that is longer than max is thrown away to its end, in
 * constant memory, and answered LINE_TOO_LONG once, so that the dialogue goes on behind it.
 */
#ifndef LINE_H
#define LINE_H

#include "buf.h"

struct line {
	struct buf text; /* after LINE_WHOLE: the line without its end */
	bool overlong;
	bool finished; /* text was handed out: the next push begins a new one */
};

enum line_result { LINE_MORE, LINE_WHOLE, LINE_TOO_LONG };

/* max: bytes in a line, its end not counted. */
void line_init(struct line *, size_t max);
void line_free(struct line *);

/*
 * Take bytes up to and with the first LF. *used says how many were taken: all n on LINE_MORE.
 * After LINE_WHOLE the line is line_text until the next push.
 */
enum line_result line_push(struct line *, const char *bytes, size_t n, size_t *used);

struct span line_text(const struct line *);

#endif

/*
 * reply: the replies of an SMTP server (RFC 5321 4.2) out of a stream, as a push parser. Pure.
 */
#ifndef REPLY_H
#define REPLY_H

#include "line.h"

struct reply {
	int code; /* 200 to 599; 0 before REPLY_WHOLE */
	struct line line;
	struct buf text; /* the lines as they came, codes and all, parted by LF */
	int pending;	 /* the code of a reply that goes on */
	bool finished;	 /* was handed out: the next push begins a new one */
};

enum reply_result {
	REPLY_MORE,
	REPLY_WHOLE,
	REPLY_BAD /* no code, another code than in the line before, or longer than REPLY_LINE, REPLY_TEXT (bounds.h) */
};

void reply_init(struct reply *);
void reply_free(struct reply *);

/* Take bytes up to the end of a reply; *used says how many. */
enum reply_result reply_push(struct reply *, const char *bytes, size_t n, size_t *used);

/* Line by line, without code: true while there is one. *rest begins as buf_span(&reply->text). */
bool reply_next_line(struct span *rest, struct span *line);

/* The enhanced status code (RFC 3463) of a reply's text, "5.1.1"; empty where there is none that agrees with the code. */
struct span reply_enhanced(struct span text);

#endif

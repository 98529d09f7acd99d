/*
 * smtp_reply: the replies of an SMTP server (RFC 5321 4.2) out of a stream, as a push parser. Pure.
 */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include "line.h"

struct smtp_reply {
	int code; /* 200 to 599; 0 before SMTP_REPLY_WHOLE */
	struct line line;
	struct buf text; /* the lines as they came, codes and all, parted by LF */
	int pending;	 /* the code of a reply that goes on */
	bool finished;	 /* was handed out: the next push begins a new one */
};

enum smtp_reply_result {
	SMTP_REPLY_MORE,
	SMTP_REPLY_WHOLE,
	SMTP_REPLY_BAD /* no code, another code than in the line before, or longer than REPLY_LINE, REPLY_TEXT (bounds.h) */
};

void smtp_reply_init(struct smtp_reply *);
void smtp_reply_free(struct smtp_reply *);

/* Take bytes up to the end of a reply; *used says how many. */
enum smtp_reply_result smtp_reply_push(struct smtp_reply *, const char *bytes, size_t n, size_t *used);

/* Line by line, without code: true while there is one. *rest begins as buf_span(&reply->text). */
bool smtp_reply_next_line(struct span *rest, struct span *line);

/* The enhanced status code (RFC 3463) of a reply's text, "5.1.1"; empty where there is none that agrees with the code. */
struct span smtp_reply_enhanced(struct span text);

#endif

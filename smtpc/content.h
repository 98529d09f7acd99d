/*
 * content: what the text of a message is like, and how it is written so that every server can take it. Pure.
 */
#ifndef CONTENT_H
#define CONTENT_H

#include <stdint.h>

#include "buf.h"
#include "crlf.h"

/* Filled piece by piece; zeroed = nothing yet. */
struct content {
	uint64_t size, high; /* bytes; those above 0x7f */
	uint64_t line, longest;
	bool nul, not_utf8;
	char tail[4]; /* the beginning of a character whose end is in the next piece */
	size_t tail_n;
};

void content_add(struct content *, struct span);

/* Behind the last piece. */
void content_end(struct content *);

enum encoding {
	ENCODING_7BIT, /* also for what is to go out as it is: line ends become CRLF, nothing else changes */
	ENCODING_QP,   /* quoted-printable */
	ENCODING_BASE64, /* text */
	ENCODING_BINARY	 /* base64 of the very bytes: there are NULs, so it is no text */
};

enum encoding content_encoding(const struct content *);

/* The value of Content-Type, and of Content-Transfer-Encoding. */
const char *content_type(const struct content *);
const char *encoding_name(enum encoding);

/* Encodes piece by piece. */
struct encoder {
	enum encoding encoding;
	struct crlf crlf;
	struct buf carry; /* what does not fill a line yet */
};

void encoder_init(struct encoder *, enum encoding);
void encoder_free(struct encoder *);

/* 0, or -1 when out is full. */
int encoder_push(struct encoder *, struct span, bool last, struct buf *out);

/* sendmail's end of input: a line of a single dot. */
struct lone_dot {
	enum { LONE_DOT_START, LONE_DOT_TEXT, LONE_DOT_DOT, LONE_DOT_CR } state;
};

/* Append what is before it to out. True: it came, and what follows does not count. */
bool lone_dot_push(struct lone_dot *, struct span, struct buf *out);

/* The input is over without one. */
void lone_dot_end(struct lone_dot *, struct buf *out);

#endif

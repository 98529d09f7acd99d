/*
 * body: the text of a message: what it is like, and how it goes out so that every server can take it. Pure.
 */
#ifndef BODY_H
#define BODY_H

#include <stdint.h>

#include "buf.h"

enum encoding { ENCODING_7BIT, ENCODING_QP, ENCODING_BASE64 }; /* the first also for what goes out as it is */

struct content {
	bool nul;		/* it is no text: its bytes are sent, line ends and all */
	bool eight_bit;		/* bytes above 0x7f */
	const char *type;	/* for Content-Type */
	enum encoding encoding; /* that it needs */
};

struct content content_of(struct span text);

/* For Content-Transfer-Encoding. */
const char *encoding_name(enum encoding);

/* A message on its way out. The text has CRLF line ends, unless it is no text. */
struct body {
	struct span header, text;
	enum encoding encoding;
	size_t at; /* what went out of both */
};

/* As smtp_client wants it (struct smtp_message): 1, 0, or -1 when out is full. After the end it begins again. context: a struct body. */
int body_next(void *context, struct buf *out);

/* Bytes in all. */
uint64_t body_size(struct body *);

#endif

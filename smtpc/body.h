/*
 * body: a message as it goes out: header and text, encoded; piece by piece, as often as it is wanted.
 */
#ifndef BODY_H
#define BODY_H

#include "content.h"
#include "scratch.h"

struct body {
	const struct buf *header;
	const struct scratch *text;
	uint64_t start; /* of the text, where the body begins */
	enum encoding encoding;
	struct encoder encoder;
	size_t header_at; /* what went out of both */
	uint64_t offset;
	bool begun;
	bool in_line; /* the last line has no end yet */
};

/* encoding: ENCODING_7BIT for a body that goes out as it is. */
void
body_init(struct body *, const struct buf *header, const struct scratch *text, uint64_t start, enum encoding);
void body_free(struct body *);

/* As smtp_client wants it (struct smtp_message): 1, 0, or -1 with errno. After the end it begins again. context: a struct body. */
int body_next(void *context, struct buf *out);

/* Bytes in all. 0, or -1 with errno. */
int body_measure(struct body *, uint64_t *size);

/* On standard output, with the line ends of this system; what cannot be written is not noticed here. 0, or -1 with errno. */
int body_print(struct body *);

#endif

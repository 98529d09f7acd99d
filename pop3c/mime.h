/*
 * mime: a message taken apart (RFC 2045, 2046), as far as showing it needs. Pure; what is malformed is taken as plain text.
 */
#ifndef MIME_H
#define MIME_H

#include "buf.h"

enum mime_encoding { MIME_AS_IS, MIME_QUOTED_PRINTABLE, MIME_BASE64 };

struct part {
	struct span body;
	enum mime_encoding encoding;
	bool attachment;     /* Content-Disposition says so */
	struct buf type;     /* "text/plain", lower case */
	struct buf charset;  /* as written; empty where it is not said */
	struct buf boundary; /* multipart alone */
	struct buf name;     /* of the file, decoded; may hold anything */
};

/* entity: a message, or a child of one. The part points into it. Free with part_free in every case. */
void part_parse(struct part *, struct span entity);
void part_free(struct part *);

/* "text/" and so on. */
bool part_is(const struct part *, const char *prefix);

/*
 * The next child of a multipart's body. False: there is none. A body that ends without its last delimiter is taken as it is.
 * *rest starts as the body; *begun as false.
 */
bool part_child(const struct part *, struct span *rest, bool *begun, struct span *child);

/* The body without its transfer encoding. -1 where out is full. */
int part_decode(const struct part *, struct buf *out);

/* A decoded text body as UTF-8. Where nothing is said of its charset, UTF-8 if it is valid, else windows-1252. */
int part_utf8(const struct part *, struct span decoded, struct buf *out);

/* HTML, in UTF-8, as plain text, simply: tags go, blocks begin a line, the usual entities are read, scripts and styles are left out (html.c). */
int html_to_text(struct span, struct buf *out);

#endif

/*
 * compose: a message: what its text is like and how it goes out so that every server can take it; its header, made from what was given, or completed
 * (-t). Pure.
 */
#ifndef COMPOSE_H
#define COMPOSE_H

#include <stdint.h>

#include "envelope.h"

enum encoding { ENCODING_7BIT, ENCODING_QP, ENCODING_BASE64 }; /* the first also for what goes out as it is */

struct content {
	bool nul;		/* it is no text: its bytes are sent, line ends and all */
	const char *type;	/* for Content-Type */
	enum encoding encoding; /* that it needs */
};
struct content compose_content(struct span text);

/* A message on its way out. The text has CRLF line ends, unless it is no text. */
struct body {
	struct span header, text;
	enum encoding encoding;
	size_t at; /* what went out of both */
};

/* As smtp_client wants it (struct smtp_message): 1, 0, or -1 when out is full. After the end it begins again. context: a struct body. */
int compose_next(void *context, struct buf *out);

/* Bytes in all. */
uint64_t compose_size(struct body *);

struct heading {
	struct buf from, to, cc; /* values as envelope_add_list writes them; empty: no such field */
	const char *subject;	 /* UTF-8; NULL: no such field */
	struct buf message_id;	 /* with <> */
	int64_t now;		 /* seconds since 1970 */
	int zone;		 /* minutes east */
};

void heading_init(struct heading *, size_t most); /* bytes of a value */
void heading_free(struct heading *);

/* With the empty line behind it. 0, or -1 when out is full. */
int compose_header(const struct heading *, const struct content *, struct buf *out);

/* What -t finds in a message. */
struct completed {
	size_t body;	   /* where it begins */
	struct buf sender; /* the first address in From, else empty */
	bool utf8;	   /* there are such bytes in the header */
};

/*
 * The message's own header (CRLF line ends) without a From_ line at its top and without Bcc; Date, Message-ID and From are added where
 * there are none. Who stands in To, Cc and Bcc is added to the envelope. 0, or -1 with a sentence in *reason. Free completed->sender
 * in every case.
 */
int compose_complete(struct span message, const struct heading *, struct envelope *, struct completed *,
    struct buf *out, const char **reason);

#endif

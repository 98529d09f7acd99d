/*
 * show: a message, and the line that stands for it in a list, as text for a terminal. Pure: what comes out is safe (safe.h), whatever
 * comes in.
 */
#ifndef SHOW_H
#define SHOW_H

#include <stdint.h>

#include "buf.h"

enum {
	SHOW_DEPTH = 10,    /* parts within parts */
	SHOW_PARTS = 500,   /* in all */
	SHOW_SENDER = 30,   /* columns of a list line */
	SHOW_HEADER = 65536 /* bytes of a header that a list line is made from */
};

/* Minutes east of UTC that the user's clock shows at that time. */
typedef int show_zone(int64_t seconds);

/*
 * From, To, Cc, Date and Subject, decoded; an empty line; the text: of alternatives the plain one, HTML only where there is nothing else;
 * a line for each attachment. 0, or -1 where out is full.
 */
int show_message(struct span message, struct buf *out);

/*
 * "sender  date hour:minute  subject", at least two blanks between them and never two inside. The sender is "Name <address>", or "-"; the time is
 * that of Date, else of the topmost Received, or "---------- --:--".
 */
int show_summary(struct span header, show_zone *, struct buf *out);

/* HTML, in UTF-8, as plain text, simply: tags go, blocks begin a line, the usual entities are read, scripts and styles are left out (html.c). */
void html_to_text(struct span, struct buf *out);

#endif

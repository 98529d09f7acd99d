/*
 * html: HTML as plain text, simply: tags go, blocks begin a line, the usual entities are read, scripts and styles are left out. Pure.
 */
#ifndef HTML_H
#define HTML_H

#include "buf.h"

/* UTF-8 in, UTF-8 out. -1 where out is full. */
int html_to_text(struct span, struct buf *out);

#endif

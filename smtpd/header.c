#include "header.h"

#include <string.h>

static void
take_field(struct header *h)
{
	struct span name = { h->name, h->n };

	h->received += span_is(name, "received");
	h->date |= span_is(name, "date");
	h->message_id |= span_is(name, "message-id");
}

/* One character at the start of a line. A blank before the colon is obsolete (RFC 5322 4.5), and meant. */
static void
read_name(struct header *h, char c)
{
	bool blank = ascii_is_blank(c);

	if (h->n == 0 && c == '\r')
		h->place = HEADER_BODY;
	else if (blank && h->n > 0)
		h->blank = true;
	else if (!blank && !h->blank && c != ':' && c != '\r' && h->n < sizeof h->name)
		h->name[h->n++] = ascii_lower(c);
	else {
		if (c == ':')
			take_field(h);
		h->place = HEADER_LINE;
	}
}

void
header_push(struct header *h, struct span content)
{
	size_t i = 0;

	while (i < content.n && h->place != HEADER_BODY) {
		if (h->place == HEADER_NAME) {
			read_name(h, content.at[i]);
			/* The line may be over already: look at this byte again. */
			i += h->place == HEADER_NAME;
			continue;
		}
		const char *end = memchr(content.at + i, '\n', content.n - i);
		if (end == NULL)
			return;
		i = (size_t)(end - content.at) + 1;
		h->place = HEADER_NAME;
		h->n = 0;
		h->blank = false;
	}
}

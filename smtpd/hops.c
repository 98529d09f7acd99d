#include "hops.h"

#include <string.h>

static const char name[] = "received";

/* One character at the start of a line. A blank before the colon is obsolete (RFC 5322 4.5), and meant. */
static void
read_name(struct hops *h, char c)
{
	size_t whole = sizeof name - 1;

	if (h->matched == 0 && c == '\r')
		h->place = HOPS_BODY;
	else if (h->matched < whole && ascii_lower(c) == name[h->matched])
		h->matched++;
	else if (h->matched < whole || (c != ' ' && c != '\t')) {
		if (h->matched == whole && c == ':')
			h->received++;
		h->place = HOPS_LINE;
	}
}

void
hops_push(struct hops *h, struct span content)
{
	size_t i = 0;

	while (i < content.n && h->place != HOPS_BODY) {
		if (h->place == HOPS_NAME) {
			read_name(h, content.at[i]);
			/* The line may be over already: look at this byte again. */
			i += h->place == HOPS_NAME;
			continue;
		}
		const char *end = memchr(content.at + i, '\n', content.n - i);
		if (end == NULL)
			return;
		i = (size_t)(end - content.at) + 1;
		h->place = HOPS_NAME;
		h->matched = 0;
	}
}

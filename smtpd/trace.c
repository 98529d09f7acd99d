#include "trace.h"

#include <string.h>

#include "date.h"

/* What a domain or an address literal is made of stays, and the rest of what a peer calls itself becomes hyphens. */
static void
add_host(struct span name, struct buf *out)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.at[i];
		if (!ascii_is_alnum(c) && (c == '\0' || strchr("._:[]", c) == NULL))
			c = '-';
		buf_add_char(out, c);
	}
}

int
trace_received(const struct trace *trace, struct buf *out)
{
	buf_add_string(out, "Received: from ");
	add_host(trace->helo, out);
	buf_printf(
	    out, " (%s)\n\tby %s with %s id %s", trace->client, trace->hostname, trace->with, trace->id);
	if (trace->recipient.n > 0) {
		buf_add_string(out, "\n\tfor <");
		buf_add_span(out, trace->recipient);
		buf_add_char(out, '>');
	}
	buf_add_string(out, ";\n\t");
	date_format(trace->now, trace->zone, out);
	buf_add_char(out, '\n');
	return out->failed ? -1 : 0;
}

int
trace_date(const struct trace *trace, struct buf *out)
{
	buf_add_string(out, "Date: ");
	date_format(trace->now, trace->zone, out);
	buf_add_char(out, '\n');
	return out->failed ? -1 : 0;
}

int
trace_message_id(const struct trace *trace, struct buf *out)
{
	buf_printf(out, "Message-ID: <%s@%s>\n", trace->id, trace->hostname);
	return out->failed ? -1 : 0;
}

int
trace_delivered(struct span sender, struct span user, struct span domain, struct buf *out)
{
	buf_add_string(out, "Return-Path: <");
	buf_add_span(out, sender);
	buf_add_string(out, ">\nDelivered-To: ");
	buf_add_span(out, user);
	buf_add_char(out, '@');
	buf_add_span(out, domain);
	buf_add_char(out, '\n');
	return out->failed ? -1 : 0;
}

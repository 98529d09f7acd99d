/*
 * toy: a protocol with one command for each event a session can return, for the tests of serve and server.
 *
 *	echo X		X
 *	data		go, out of turn if more was sent; then bytes to a line with a dot, and got N
 *	slow		denied, late
 *	more N		N lines of 1,000 bytes with their ends
 *	drop, crash	no more
 *	quit		bye
 */
#ifndef TOY_H
#define TOY_H

#include <stdio.h>
#include <stdlib.h>

#include "line.h"
#include "protocol.h"

struct toy {
	struct line line;
	bool transfer;
	long long received, lines;
};

static inline enum event
toy_greet(void *session, struct buf *out)
{
	struct toy *toy = session;

	*toy = (struct toy){ .transfer = false };
	line_init(&toy->line, 1000);
	buf_add_string(out, "hello\r\n");
	return EVENT_TURN;
}

static inline enum event
toy_output(void *session, struct buf *out)
{
	struct toy *toy = session;

	for (int i = 0; i < 32 && toy->lines > 0; i++, toy->lines--)
		buf_printf(out, "%0998d\r\n", 0);
	return toy->lines > 0 ? EVENT_OUTPUT : EVENT_INPUT;
}

static inline enum event
toy_command(struct toy *toy, struct span text, struct buf *out)
{
	if (span_is(text, "data")) {
		toy->transfer = true;
		toy->received = 0;
		buf_add_string(out, "go\r\n");
		return EVENT_TURN;
	}
	if (span_is(text, "slow")) {
		buf_add_string(out, "denied\r\n");
		return EVENT_DENIED;
	}
	if (span_is(text, "drop"))
		return buf_add_string(out, "half of"), EVENT_DROP;
	if (span_is(text, "crash"))
		abort();
	if (span_is(text, "quit"))
		return buf_add_string(out, "bye\r\n"), EVENT_CLOSE;
	if (span_is(span_slice(text, 0, 5), "more ")) {
		toy->lines = span_number(span_slice(text, 5, text.n), 1000000);
		return EVENT_OUTPUT;
	}
	buf_add_span(out, span_slice(text, 5, text.n));
	buf_add_string(out, "\r\n");
	return EVENT_INPUT;
}

static inline enum event
toy_input(void *session, struct span bytes, size_t *used, struct buf *out)
{
	struct toy *toy = session;

	if (line_push(&toy->line, bytes.at, bytes.n, used) != LINE_WHOLE) {
		toy->received += toy->transfer ? (long long)*used : 0;
		return EVENT_INPUT;
	}
	if (!toy->transfer)
		return toy_command(toy, line_text(&toy->line), out);
	toy->received += (long long)*used;
	if (span_is(line_text(&toy->line), ".")) {
		toy->transfer = false;
		buf_printf(out, "got %lld\r\n", toy->received);
	} else if (*used < bytes.n) {
		/* No reply, so it must go on by itself. */
		size_t more;
		enum event event = toy_input(toy, span_slice(bytes, *used, bytes.n), &more, out);
		*used += more;
		return event;
	}
	return EVENT_INPUT;
}

static inline void
toy_farewell(void *session, enum farewell why, struct buf *out)
{
	(void)session;
	buf_add_string(out, why == FAREWELL_STOP     ? "stop\r\n"
			    : why == FAREWELL_DENIED ? "too often\r\n"
			    : why == FAREWELL_EARLY  ? "early\r\n"
						     : "timeout\r\n");
}

static inline bool
toy_in_transfer(const void *session)
{
	const struct toy *toy = session;

	return toy->transfer || toy->lines > 0;
}

static const struct protocol toy_protocol = { toy_greet, toy_input, toy_output, toy_farewell,
	toy_in_transfer };

#endif

/* A server's replies come out the same at every cut, bounded, and with a code. */
#include "smtp_reply.h"

#include "bounds.h"
#include "fuzz.h"

static void
look_at(const struct smtp_reply *reply, struct buf *out)
{
	struct span rest = buf_span(&reply->text), line;

	MUST(reply->code >= 200 && reply->code <= 599);
	MUST(reply->text.len <= REPLY_TEXT);
	while (smtp_reply_next_line(&rest, &line)) {
		struct span status = smtp_reply_enhanced(line);
		MUST(line.n <= REPLY_LINE);
		MUST(status.n == 0 || (status.at >= line.at && status.at + status.n <= line.at + line.n));
		buf_printf(out, "%d ", reply->code);
		buf_add_span(out, line);
		buf_add_char(out, '\n');
	}
}

static void
read_replies(struct span input, bool cut, struct buf *out)
{
	struct smtp_reply reply;
	struct cuts cuts = { (uint32_t)input.n };
	enum smtp_reply_result result = SMTP_REPLY_MORE;

	buf_init(out, 8 * input.n + 64);
	smtp_reply_init(&reply);
	while (result != SMTP_REPLY_BAD && input.n > 0) {
		struct span rest = input, piece = fuzz_cut(&rest, cut ? cuts_next(&cuts) : 0);
		size_t used;
		result = smtp_reply_push(&reply, piece.at, piece.n, &used);
		MUST(used <= piece.n && (result != SMTP_REPLY_MORE || used == piece.n));
		input = span_slice(input, used, input.n);
		if (result == SMTP_REPLY_WHOLE)
			look_at(&reply, out);
	}
	buf_add_string(out, result == SMTP_REPLY_BAD ? "bad" : "");
	smtp_reply_free(&reply);
	MUST(!out->failed);
}

void
fuzz(struct span input)
{
	struct buf whole, cut;

	read_replies(input, false, &whole);
	read_replies(input, true, &cut);
	must_equal(buf_span(&whole), buf_span(&cut));
	buf_free(&whole);
	buf_free(&cut);
}

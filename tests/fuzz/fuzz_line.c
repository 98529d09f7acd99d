/* Lines come out the same at every cut, are never longer than they may be, and are all there. */
#include "line.h"
#include "fuzz.h"

enum { MOST = 20 };

static void
read_lines(struct span input, bool cut, struct buf *out)
{
	struct line line;
	struct cuts cuts = { (uint32_t)input.n };

	buf_init(out, 8 * input.n + 16);
	line_init(&line, MOST);
	while (input.n > 0) {
		struct span rest = input, piece = fuzz_cut(&rest, cut ? cuts_next(&cuts) : 0);
		size_t used;
		enum line_result result = line_push(&line, piece.at, piece.n, &used);
		MUST(used > 0 && used <= piece.n && (result != LINE_MORE || used == piece.n));
		MUST((result != LINE_MORE) == (input.at[used - 1] == '\n'));
		input = span_slice(input, used, input.n);
		if (result == LINE_WHOLE) {
			MUST(line_text(&line).n <= MOST);
			buf_add_span(out, line_text(&line));
		}
		buf_add_string(out, result == LINE_MORE ? "" : result == LINE_WHOLE ? "\n" : "!\n");
		MUST((result == LINE_MORE) == !line.finished);
	}
	line_free(&line);
	MUST(!out->failed);
}

void
fuzz(struct span input)
{
	struct buf whole, cut;

	read_lines(input, false, &whole);
	read_lines(input, true, &cut);
	must_equal(buf_span(&whole), buf_span(&cut));
	for (struct span rest = input, lines = buf_span(&whole); lines.n > 0;) {
		struct span wanted = span_until(rest, '\n', &rest), line = span_until(lines, '\n', &lines);
		if (wanted.n > 0 && wanted.at[wanted.n - 1] == '\r')
			wanted.n--;
		must_equal(line, wanted.n > MOST ? span_of("!") : wanted);
	}
	buf_free(&whole);
	buf_free(&cut);
}

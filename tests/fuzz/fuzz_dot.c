/* Content that is stuffed comes back, and whatever is taken apart comes out the same at every cut. */
#include "dot.h"
#include "fuzz.h"

static enum dot_result
unstuff(struct span bytes, enum dot_kind kind, bool cut, size_t *used, struct buf *out)
{
	struct dot dot = { .kind = kind };
	struct cuts cuts = { (uint32_t)bytes.n };
	enum dot_result result = DOT_MORE;

	*used = 0;
	buf_init(out, 4 * bytes.n + 16);
	while (result == DOT_MORE && bytes.n > 0) {
		struct span piece = fuzz_cut(&bytes, cut ? cuts_next(&cuts) : 0);
		size_t n;
		result = dot_push(&dot, piece.at, piece.n, &n, out);
		MUST(n <= piece.n && (result != DOT_MORE || n == piece.n));
		*used += n;
	}
	MUST(!out->failed);
	return result;
}

static bool
ends_with(struct span s, const char *end)
{
	size_t n = strlen(end);

	return s.n >= n && memcmp(s.at + s.n - n, end, n) == 0;
}

/* Every CR stands before an LF and every LF behind a CR, but for one CR at the end; no NUL. */
static void
must_be_strict(struct span content)
{
	for (size_t i = 0; i < content.n; i++) {
		MUST(content.at[i] != '\0');
		MUST(content.at[i] != '\n' || (i > 0 && content.at[i - 1] == '\r'));
		MUST(content.at[i] != '\r' || (i + 1 < content.n && content.at[i + 1] == '\n'));
	}
}

static void
take_apart(struct span input, enum dot_kind kind)
{
	struct buf whole, cut;
	size_t used, cut_used;
	enum dot_result result = unstuff(input, kind, false, &used, &whole);

	MUST(unstuff(input, kind, true, &cut_used, &cut) == result && used == cut_used);
	must_equal(buf_span(&whole), buf_span(&cut));
	struct span taken = span_slice(input, 0, used);
	if (result == DOT_END)
		MUST(kind != DOT_COUNTED && (used == 3 || ends_with(taken, "\r\n.\r\n")) &&
		     ends_with(taken, ".\r\n"));
	if (kind != DOT_LENIENT)
		must_be_strict(buf_span(&whole));
	MUST(result != DOT_BAD || kind != DOT_LENIENT);
	buf_free(&whole);
	buf_free(&cut);
}

static void
there_and_back(struct span content)
{
	struct dot_stuffer stuffer = { .in_line = false };
	struct cuts cuts = { (uint32_t)content.n };
	struct buf wire, back;
	size_t used;

	buf_init(&wire, 2 * content.n + 16);
	for (struct span rest = content; rest.n > 0;) {
		struct span piece = fuzz_cut(&rest, cuts_next(&cuts));
		MUST(dot_stuff(&stuffer, piece.at, piece.n, &wire) == 0);
	}
	MUST(dot_stuff_end(&stuffer, &wire) == 0);
	enum dot_result result = unstuff(buf_span(&wire), DOT_STRICT, true, &used, &back);
	MUST(result == DOT_END && used == wire.len);
	MUST(back.len == content.n || (back.len == content.n + 2 && ends_with(buf_span(&back), "\r\n")));
	must_equal(span_slice(buf_span(&back), 0, content.n), content);
	buf_free(&wire);
	buf_free(&back);
}

void
fuzz(struct span input)
{
	struct buf content;
	size_t used;

	take_apart(input, DOT_STRICT);
	take_apart(input, DOT_COUNTED);
	take_apart(input, DOT_LENIENT);
	unstuff(input, DOT_COUNTED, false, &used, &content);
	there_and_back(buf_span(&content));
	buf_free(&content);
}

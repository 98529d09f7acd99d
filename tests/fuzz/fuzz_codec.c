/* What is encoded comes back, in lines that may be sent; what is decoded is no more than it was. */
#include "codec.h"

#include "fuzz.h"

typedef int codec(struct span, struct buf *out);

static void
apply(codec *f, struct span s, struct buf *out)
{
	buf_init(out, 8 * s.n + 64);
	MUST(f(s, out) == 0);
}

/* For mail: lines of 76 characters with CRLF, ASCII. */
static void
must_be_a_body(struct span body)
{
	for (struct span rest = body; rest.n > 0;) {
		struct span line = span_until(rest, '\n', &rest);
		if (rest.at != NULL) {
			MUST(line.n > 0 && line.at[line.n - 1] == '\r');
			line.n--;
		}
		MUST(line.n <= 76);
		for (size_t i = 0; i < line.n; i++)
			MUST(ascii_is_print(line.at[i]) || line.at[i] == '\t');
		MUST(line.n == 0 || line.at[0] != '.');
		MUST(line.n < 5 || memcmp(line.at, "From ", 5) != 0);
		MUST(line.n == 0 || (line.at[line.n - 1] != ' ' && line.at[line.n - 1] != '\t'));
	}
}

static void
there_and_back(codec *encode, codec *decode, bool body, struct span s)
{
	struct buf text, back;

	apply(encode, s, &text);
	if (body)
		must_be_a_body(buf_span(&text));
	apply(decode, buf_span(&text), &back);
	must_equal(buf_span(&back), s);
	buf_free(&text);
	buf_free(&back);
}

static void
to_utf8(struct span text, const char *charset)
{
	struct buf out;

	buf_init(&out, 4 * text.n + 16);
	MUST(utf8_from(text, span_of(charset), &out) == 0);
	MUST(utf8_valid(buf_span(&out)));
	if (utf8_valid(text) && charset[0] == '\0')
		must_equal(buf_span(&out), text);
	buf_free(&out);
}

void
fuzz(struct span input)
{
	static const char *const charsets[] = { "", "utf-8", "us-ascii", "iso-8859-1", "windows-1252",
		"ISO-8859-15", "koi8-r" };
	struct buf out, again;

	there_and_back(base64_encode, base64_decode, false, input);
	there_and_back(base64_encode_lines, base64_decode_lenient, true, input);
	there_and_back(qp_encode, qp_decode, true, input);
	apply(q_decode, input, &out);
	MUST(out.len <= input.n);
	buf_free(&out);
	buf_init(&out, input.n + 16);
	if (base64_decode(input, &out) == 0) {
		/* One text for one meaning. */
		apply(base64_encode, buf_span(&out), &again);
		must_equal(buf_span(&again), input);
		buf_free(&again);
	}
	buf_free(&out);
	apply(base64_decode_lenient, input, &out);
	buf_free(&out);
	for (size_t i = 0; i < sizeof charsets / sizeof charsets[0]; i++)
		to_utf8(input, charsets[i]);
}

/* Text that is encoded for a header field comes back, and nothing in it can break the field. */
#include "words.h"

#include "codec.h"
#include "fuzz.h"

enum { COLUMN = 9 }; /* "Subject: " */

static bool
is_control(char c)
{
	return (c >= 0 && c < ' ') || c == 0x7f;
}

/* Lines behind the first are folded. None has more than 78 characters but where no single space is there to fold at, and none 998. */
static void
must_be_a_value(struct span value)
{
	for (struct span rest = value; rest.n > 0;) {
		bool first = rest.at == value.at;
		struct span line = span_until(rest, '\n', &rest);
		size_t column = first ? COLUMN : 0;
		for (size_t i = 79 - column; i + 1 < line.n; i++)
			MUST(line.at[i] != ' ' || line.at[i - 1] == ' ' || line.at[i + 1] == ' ');
		MUST(line.n + column <= 998);
		MUST(first || (line.n > 1 && line.at[0] == ' '));
		MUST(rest.at == NULL || (line.n > 0 && line.at[line.n - 1] == '\r' && rest.n > 0));
		for (size_t i = 0; i < line.n; i++)
			MUST(ascii_is_print(line.at[i]) ||
			     (line.at[i] == '\r' && i + 1 == line.n && rest.at != NULL));
	}
}

static void
there_and_back(struct span text)
{
	struct buf value, back, expected;

	buf_init(&value, 16 * text.n + 64);
	buf_init(&back, 16 * text.n + 64);
	buf_init(&expected, text.n);
	for (size_t i = 0; i < text.n; i++)
		buf_add(&expected, is_control(text.at[i]) ? " " : text.at + i, 1);
	MUST(words_encode(text, COLUMN, &value) == 0);
	must_be_a_value(buf_span(&value));
	MUST(words_decode(buf_span(&value), &back) == 0);
	if (utf8_valid(text))
		must_equal(buf_span(&back), buf_span(&expected));
	buf_free(&value);
	buf_free(&back);
	buf_free(&expected);
}

void
fuzz(struct span input)
{
	struct buf text;

	buf_init(&text, 8 * input.n + 64);
	MUST(words_decode(input, &text) == 0);
	MUST(utf8_valid(buf_span(&text)));
	for (size_t i = 0; i < text.len; i++)
		MUST(!is_control(text.data[i]));
	buf_free(&text);
	there_and_back(input);
}

#include "words.h"

#include <string.h>

#include "codec.h"

enum {
	WORD = 75,	/* RFC 2047 2: an encoded word */
	LINE = 76,	/* and a line with one */
	PLAIN = 78,	/* RFC 5322 2.1.1: any other line */
	ENCODED = 2000, /* of a peer's word: more is no word */
	LONGEST = 900	/* a run of ASCII without a space that is longer is encoded: lines may have 998 */
};

static void
blank_controls(struct buf *out, size_t from)
{
	for (size_t i = from; i < out->len; i++)
		if ((unsigned char)out->data[i] < ' ' || out->data[i] == 0x7f)
			out->data[i] = ' ';
}

/* Text that says no charset. */
static int
add_raw(struct span s, struct buf *out)
{
	return utf8_valid(s) ? buf_add_span(out, s) : utf8_from(s, span_of("windows-1252"), out);
}

/* Decoding. */

struct word {
	struct span charset, text;
	char encoding; /* 'q' or 'b' */
	size_t n;      /* bytes of the whole word */
};

/* =?charset*language?encoding?text?= at the start of s. */
static bool
word_at(struct span s, struct word *word)
{
	struct span rest, language;

	if (s.n < 2 || s.at[0] != '=' || s.at[1] != '?')
		return false;
	word->charset = span_until(span_until(span_slice(s, 2, s.n), '?', &rest), '*', &language);
	if (!span_is_word(word->charset) || rest.n < 4 || rest.at[1] != '?')
		return false;
	word->encoding = ascii_lower(rest.at[0]);
	struct span text = span_slice(rest, 2, 2 + ENCODED);
	for (size_t i = 0; i + 1 < text.n && text.at[i] != '\n'; i++)
		if (text.at[i] == '?' && text.at[i + 1] == '=') {
			word->text = span_slice(text, 0, i);
			word->n = (size_t)(text.at - s.at) + i + 2;
			return word->encoding == 'q' || word->encoding == 'b';
		}
	return false;
}

/*
 * One run of words that only white space parts and that have one charset: their bytes are put together before they become UTF-8, for
 * there are mailers that split a character between two words. Returns the length of the run; white space behind it is not in it.
 */
static size_t
decode_run(struct span s, const struct word *first, struct buf *out)
{
	struct word word = *first;
	struct buf bytes;
	size_t n = 0, next = 0;

	buf_init(&bytes, s.n);
	do {
		if (word.encoding == 'q')
			q_decode(word.text, &bytes);
		else
			base64_decode_lenient(word.text, &bytes);
		n = next + word.n;
		for (next = n; next < s.n && ascii_is_space(s.at[next]);)
			next++;
	} while (word_at(span_slice(s, next, s.n), &word) && span_equal_nocase(word.charset, first->charset));
	out->failed |= bytes.failed;
	utf8_from(buf_span(&bytes), first->charset, out);
	buf_free(&bytes);
	return n;
}

/* White space of a value: as it is, but a fold with all around it is one space. */
static void
add_blanks(struct span blanks, struct buf *out)
{
	if (blanks.n > 0 && memchr(blanks.at, '\n', blanks.n) != NULL)
		buf_add_char(out, ' ');
	else
		buf_add_span(out, blanks);
}

int
words_decode(struct span value, struct buf *out)
{
	size_t start = out->len;
	bool after_word = false;
	struct word word;

	value = span_trim(value);
	for (size_t i = 0, n; i < value.n && !out->failed; i += n) {
		struct span rest = span_slice(value, i, value.n);
		for (n = 0; n < rest.n && ascii_is_space(rest.at[n]);)
			n++;
		bool is_word = word_at(span_slice(rest, n, rest.n), &word);
		if (!(after_word && is_word))
			add_blanks(span_slice(rest, 0, n), out);
		rest = span_slice(rest, n, rest.n);
		after_word = is_word;
		if (is_word) {
			n += decode_run(rest, &word, out);
			continue;
		}
		size_t text = 0;
		while (text < rest.n && !ascii_is_space(rest.at[text]) &&
		       (text == 0 || !word_at(span_slice(rest, text, rest.n), &word)))
			text++;
		add_raw(span_slice(rest, 0, text), out);
		n += text;
	}
	blank_controls(out, start);
	return out->failed ? -1 : 0;
}

/* Encoding. */

/* It has a run that cannot be folded and is too long, or a sign that the text as it is would read as something else. */
static bool
needs_words(struct span text)
{
	size_t run = 0;

	for (size_t i = 0; i < text.n; i++) {
		bool foldable = text.at[i] == ' ' && i > 0 && text.at[i - 1] != ' ';
		run = foldable ? 0 : run + 1;
		if (run > LONGEST || (text.at[i] == '=' && i + 1 < text.n && text.at[i + 1] == '?'))
			return true;
	}
	return !span_is_ascii(text) || (text.n > 0 && (text.at[0] == ' ' || text.at[text.n - 1] == ' '));
}

static void
fold(struct buf *out, size_t *column)
{
	buf_add_string(out, "\r\n ");
	*column = 1;
}

/* ASCII: folded at single spaces only, so that unfolding gives back what was there. */
static void
add_plain(struct span text, size_t column, struct buf *out)
{
	for (size_t i = 0, end; i < text.n; i = end) {
		for (end = i + 1; end < text.n && text.at[end] != ' ';)
			end++;
		bool single = text.at[i] == ' ' && i > 0 && text.at[i - 1] != ' ' && end > i + 1;
		if (single && column + (end - i) > PLAIN) {
			fold(out, &column);
			i++;
		}
		buf_add_span(out, span_slice(text, i, end));
		column += end - i;
	}
}

static void
add_words(struct span text, size_t column, struct buf *out)
{
	static const char begin[] = "=?UTF-8?B?", end[] = "?=";
	const size_t frame = strlen(begin) + strlen(end), least = 8; /* a character of 4 bytes */

	while (text.n > 0 && !out->failed) {
		if (column + frame + least > LINE)
			fold(out, &column);
		size_t room = column < LINE - WORD ? WORD - frame : LINE - column - frame;
		size_t n = room / 4 * 3;
		while (n < text.n && ((unsigned char)text.at[n] & 0xc0) == 0x80)
			n--; /* no character is split */
		buf_add_string(out, begin);
		base64_encode(span_slice(text, 0, n), out);
		buf_add_string(out, end);
		text = span_slice(text, n, text.n);
		if (text.n > 0)
			fold(out, &column);
	}
}

int
words_encode(struct span text, size_t column, struct buf *out)
{
	struct buf clean;

	buf_init(&clean, out->max);
	add_raw(text, &clean);
	blank_controls(&clean, 0);
	out->failed |= clean.failed;
	if (needs_words(buf_span(&clean)))
		add_words(buf_span(&clean), column, out);
	else
		add_plain(buf_span(&clean), column, out);
	buf_free(&clean);
	return out->failed ? -1 : 0;
}

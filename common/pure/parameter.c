/* Parameters of header fields: RFC 2045 5.1, in pieces and other alphabets RFC 2231. */
#include "words.h"

#include <stdio.h>
#include <string.h>

#include "codec.h"

/* Parameters: RFC 2045 5.1, RFC 2231 3 and 4. */

enum { SECTIONS = 100, PARAMETER = 16 * 1024 };

/* The end of one parameter: the next semicolon that is not within quotes. */
static size_t
parameter_length(struct span s)
{
	bool quoted = false;
	size_t i = 0;

	for (; i < s.n && (quoted || s.at[i] != ';'); i++) {
		if (s.at[i] == '"')
			quoted = !quoted;
		else if (s.at[i] == '\\' && quoted && i + 1 < s.n)
			i++;
	}
	return i;
}

/* As it stands, quotes and all: the parameter with this name and this ending, "*0*" for one. */
static bool
parameter_named(struct span rest, const char *name, const char *ending, struct span *value)
{
	size_t n = strlen(name);

	while (rest.n > 0) {
		size_t length = parameter_length(rest);
		struct span its = span_trim(span_until(span_slice(rest, 0, length), '=', value));
		if (value->at != NULL && its.n >= n && span_is_nocase(span_slice(its, 0, n), name) &&
		    span_is(span_slice(its, n, its.n), ending)) {
			*value = span_trim(*value);
			return true;
		}
		rest = span_slice(rest, length + 1, rest.n);
	}
	return false;
}

/* A token up to white space or a comment, or what the quotes hold. */
static void
add_value(struct span value, struct buf *out)
{
	bool quoted = value.n > 0 && value.at[0] == '"';

	for (size_t i = quoted ? 1 : 0; i < value.n; i++) {
		char c = value.at[i];
		if (quoted ? c == '"' : ascii_is_space(c) || c == '(')
			return;
		if (quoted && c == '\\' && i + 1 < value.n)
			c = value.at[++i];
		if (c != '\r' && c != '\n')
			buf_add_char(out, c);
	}
}

/* charset'language'text with its %XX, of which the first section has all, the others only text. */
static void
add_extended(struct span value, bool first, struct buf *charset, struct buf *bytes)
{
	struct buf plain;
	struct span text, language;

	buf_init(&plain, PARAMETER);
	add_value(value, &plain);
	text = buf_span(&plain);
	struct span set = span_until(text, '\'', &language);
	if (first && language.at != NULL) {
		buf_add_span(charset, set);
		span_until(language, '\'', &text);
	}
	for (size_t i = 0; i < text.n; i++) {
		bool escape = text.at[i] == '%' && text.n - i >= 3;
		int high = escape ? ascii_hex(text.at[i + 1]) : -1,
		    low = escape ? ascii_hex(text.at[i + 2]) : -1;

		buf_add_char(bytes, high >= 0 && low >= 0 ? (char)(high * 16 + low) : text.at[i]);
		i += high >= 0 && low >= 0 ? 2 : 0;
	}
	bytes->failed |= plain.failed;
	buf_free(&plain);
}

/* name*=, or name*0=, name*0*=, …, or name= into bytes. False where there is none of them. */
static bool
add_sections(struct span value, const char *name, struct buf *charset, struct buf *bytes)
{
	struct span found;
	int section = 0;

	if (parameter_named(value, name, "*", &found)) {
		add_extended(found, true, charset, bytes);
		return true;
	}
	for (; section < SECTIONS; section++) {
		char plain[16], extended[16];
		snprintf(plain, sizeof(plain), "*%d", section);
		snprintf(extended, sizeof(extended), "*%d*", section);
		if (parameter_named(value, name, plain, &found))
			add_value(found, bytes);
		else if (parameter_named(value, name, extended, &found))
			add_extended(found, section == 0, charset, bytes);
		else
			break;
	}
	if (section > 0 || !parameter_named(value, name, "", &found))
		return section > 0;
	add_value(found, bytes);
	return true;
}

bool
parameter_find(struct span value, const char *name, struct buf *out)
{
	struct buf bytes, charset;

	buf_init(&bytes, PARAMETER);
	buf_init(&charset, PARAMETER);
	bool there = add_sections(value, name, &charset, &bytes);
	if (charset.len > 0)
		utf8_from(buf_span(&bytes), buf_span(&charset), out);
	else /* encoded words do not belong here, but are what many mailers send */
		words_decode(buf_span(&bytes), out);
	there = there && !bytes.failed && !out->failed;
	buf_free(&bytes);
	buf_free(&charset);
	return there;
}

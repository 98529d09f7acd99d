#include "words.h"

#include <stdio.h>
#include <string.h>

#include "codec.h"

/* Parameters: RFC 2045 5.1, RFC 2231 3 and 4. */

enum { SECTIONS = 100, PARAMETER = 16 * 1024 };

struct parameter {
	struct span name;
	struct span value; /* as it stands, with its quotes */
};

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

/* The next name=value; what stands before the first semicolon is none. */
static bool
parameter_next(struct span *rest, struct parameter *parameter)
{
	while (rest->n > 0) {
		size_t n = parameter_length(*rest);
		struct span part = span_slice(*rest, 0, n);
		*rest = span_slice(*rest, n + 1, rest->n);
		parameter->name = span_trim(span_until(part, '=', &parameter->value));
		parameter->value = span_trim(parameter->value);
		if (parameter->value.at != NULL)
			return true;
	}
	return false;
}

/* The parameter with this name and this ending, "*0*" for one. */
static bool
parameter_named(struct span value, const char *name, const char *ending, struct span *found)
{
	struct parameter p;
	size_t n = strlen(name);

	while (parameter_next(&value, &p))
		if (p.name.n >= n && span_is_nocase(span_slice(p.name, 0, n), name) &&
		    span_is(span_slice(p.name, n, p.name.n), ending)) {
			*found = p.value;
			return true;
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

static void
add_percent_decoded(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		int high = s.at[i] == '%' && i + 2 < s.n ? ascii_hex(s.at[i + 1]) : -1;
		int low = high >= 0 ? ascii_hex(s.at[i + 2]) : -1;
		if (low < 0) {
			buf_add_char(out, s.at[i]);
			continue;
		}
		buf_add_char(out, (char)(high * 16 + low));
		i += 2;
	}
}

/* charset'language'text, of which the first section has all, the others only text. */
static void
add_extended(struct span value, bool first, struct buf *charset, struct buf *bytes)
{
	struct buf plain;
	struct span text, language;

	buf_init(&plain, PARAMETER);
	add_value(value, &plain);
	text = buf_span(&plain);
	if (first) {
		struct span set = span_until(text, '\'', &language);
		if (language.at != NULL) {
			buf_add_span(charset, set);
			span_until(language, '\'', &text);
		}
	}
	add_percent_decoded(text, bytes);
	bytes->failed |= plain.failed;
	buf_free(&plain);
}

/* name*=, name*0=, name*0*=, … into bytes. False where there is none of them. */
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
		char ending[16];
		snprintf(ending, sizeof(ending), "*%d", section);
		if (parameter_named(value, name, ending, &found)) {
			add_value(found, bytes);
			continue;
		}
		snprintf(ending, sizeof(ending), "*%d*", section);
		if (!parameter_named(value, name, ending, &found))
			break;
		add_extended(found, section == 0, charset, bytes);
	}
	return section > 0;
}

bool
parameter_find(struct span value, const char *name, struct buf *out)
{
	struct buf bytes, charset;
	struct span found;
	bool there = true;

	buf_init(&bytes, PARAMETER);
	buf_init(&charset, PARAMETER);
	if (!add_sections(value, name, &charset, &bytes)) {
		there = parameter_named(value, name, "", &found);
		if (there)
			add_value(found, &bytes);
	}
	if (charset.len > 0)
		utf8_from(buf_span(&bytes), buf_span(&charset), out);
	else if (there) /* encoded words do not belong here, but are what many mailers send */
		words_decode(buf_span(&bytes), out);
	there = there && !bytes.failed && !out->failed;
	buf_free(&bytes);
	buf_free(&charset);
	return there;
}

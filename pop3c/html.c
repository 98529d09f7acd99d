#include "html.h"

#include <string.h>

#include "codec.h"

struct writer {
	struct buf *out;
	bool blank; /* one is due before the next character */
	int breaks; /* line ends that are due */
	bool empty; /* nothing was written yet */
	bool open;  /* there is no ">" any more: looked for once, not at every "<" */
};

/* What is due before the next character. */
static void
begin(struct writer *w)
{
	if (!w->empty && w->breaks > 0)
		buf_add(w->out, "\n\n", w->breaks > 1 ? 2 : 1);
	else if (!w->empty && w->blank)
		buf_add_char(w->out, ' ');
	w->breaks = 0;
	w->blank = w->empty = false;
}

static void
put(struct writer *w, char byte)
{
	begin(w);
	buf_add_char(w->out, byte);
}

/* "#8364", "#x20ac", "amp": the character; 0 where it is not known. */
static uint32_t
entity(struct span name)
{
	static const struct {
		const char *name;
		uint32_t c;
	} known[] = { { "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' },
		{ "nbsp", ' ' }, { "copy", 0xa9 }, { "euro", 0x20ac }, { "ndash", 0x2013 },
		{ "mdash", 0x2014 }, { "hellip", 0x2026 }, { "auml", 0xe4 }, { "ouml", 0xf6 },
		{ "uuml", 0xfc }, { "Auml", 0xc4 }, { "Ouml", 0xd6 }, { "Uuml", 0xdc }, { "szlig", 0xdf },
		{ "eacute", 0xe9 }, { "egrave", 0xe8 }, { "lsquo", 0x2018 }, { "rsquo", 0x2019 },
		{ "ldquo", 0x201c }, { "rdquo", 0x201d } };
	uint32_t c = 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (span_is(name, known[i].name))
			return known[i].c;
	if (name.n < 2 || name.at[0] != '#')
		return 0;
	bool hex = ascii_lower(name.at[1]) == 'x';
	for (size_t i = hex ? 2 : 1; i < name.n && c <= 0x10ffff; i++) {
		int digit = ascii_hex(name.at[i]);
		if (digit < 0 || (digit > 9 && !hex))
			return 0;
		c = c * (hex ? 16 : 10) + (uint32_t)digit;
	}
	return c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : c;
}

/* At an "&": how many bytes were taken. */
static size_t
put_entity(struct writer *w, struct span s)
{
	size_t n = 1;

	while (n < s.n && n < 12 && (ascii_is_alnum(s.at[n]) || s.at[n] == '#'))
		n++;
	uint32_t c = entity(span_slice(s, 1, n));
	if (c == 0) {
		put(w, s.at[0]);
		return 1;
	}
	begin(w);
	utf8_add(c, w->out);
	return n < s.n && s.at[n] == ';' ? n + 1 : n;
}

static struct span
tag_name(struct span tag)
{
	size_t n = 0;

	while (n < tag.n && ascii_is_alnum(tag.at[n]))
		n++;
	return span_slice(tag, 0, n);
}

static void
block(struct writer *w, struct span name)
{
	static const char *const line[] = { "br", "div", "tr", "li", "dt", "dd", "title" };
	static const char *const paragraph[] = { "p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol",
		"pre", "blockquote", "hr" };

	for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++)
		if (span_is_nocase(name, line[i]))
			w->breaks += w->breaks < 2 && (w->breaks == 0 || span_is_nocase(name, "br"));
	for (size_t i = 0; i < sizeof(paragraph) / sizeof(paragraph[0]); i++)
		if (span_is_nocase(name, paragraph[i]))
			w->breaks = 2;
	if (span_is_nocase(name, "td") || span_is_nocase(name, "th"))
		w->blank = true;
}

/* Behind "<script…>" or "<style…>": how many bytes come before its end tag. */
static size_t
hidden_length(struct span s, struct span name)
{
	for (size_t i = 0; i + 1 < s.n; i++) {
		const char *lt = memchr(s.at + i, '<', s.n - i);
		if (lt == NULL)
			break;
		i = (size_t)(lt - s.at);
		if (i + 1 < s.n && s.at[i + 1] == '/' &&
		    span_equal_nocase(tag_name(span_slice(s, i + 2, s.n)), name))
			return i;
	}
	return s.n;
}

/* At a "<": how many bytes were taken. */
static size_t
take_tag(struct writer *w, struct span s)
{
	if (s.n >= 4 && memcmp(s.at, "<!--", 4) == 0) {
		for (size_t i = 4; i + 2 < s.n; i++)
			if (memcmp(s.at + i, "-->", 3) == 0)
				return i + 3;
		return s.n;
	}
	bool closing = s.n > 1 && s.at[1] == '/';
	struct span name = tag_name(span_slice(s, closing ? 2 : 1, s.n));
	bool is_tag = name.n > 0 || closing || (s.n > 1 && (s.at[1] == '!' || s.at[1] == '?'));
	const char *end = is_tag && !w->open ? memchr(s.at, '>', s.n) : NULL;
	if (end == NULL) {
		w->open |= is_tag;
		put(w, s.at[0]);
		return 1;
	}
	size_t taken = (size_t)(end - s.at) + 1;
	block(w, name);
	if (!closing && (span_is_nocase(name, "script") || span_is_nocase(name, "style")))
		taken += hidden_length(span_slice(s, taken, s.n), name);
	return taken;
}

int
html_to_text(struct span s, struct buf *out)
{
	struct writer w = { .out = out, .empty = true };

	while (s.n > 0 && !out->failed) {
		size_t taken = 1;
		char c = s.at[0];
		if (c == '<')
			taken = take_tag(&w, s);
		else if (c == '&')
			taken = put_entity(&w, s);
		else if (ascii_is_space(c))
			w.blank = true;
		else
			put(&w, c);
		s = span_slice(s, taken, s.n);
	}
	if (!w.empty)
		buf_add_char(out, '\n');
	return out->failed ? -1 : 0;
}

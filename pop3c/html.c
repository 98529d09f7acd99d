/* HTML as plain text, for who has no other form of a message. Pure. */
#include "show.h"

#include <stdlib.h>
#include <string.h>

#include "codec.h"

enum { ENTITY = 12 }; /* most bytes of "&name" */

/* What is due before the next character; the larger counts. */
enum gap { NONE, BLANK, LINE, PARAGRAPH };

struct writer {
	struct buf *out;
	enum gap gap;
	bool begun;   /* something was written */
	bool no_more; /* there is no ">" any more: looked for once, not at every "<" */
};

static struct buf *
begin(struct writer *w)
{
	static const char *const gaps[] = { "", " ", "\n", "\n\n" };

	if (w->begun)
		buf_add_string(w->out, gaps[w->gap]);
	w->gap = NONE;
	w->begun = true;
	return w->out;
}

/* "#8364", "#x20ac", "amp": the character; 0 where it is not known. */
static unsigned long
entity(const char *name)
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
	bool hex = ascii_lower(name[1]) == 'x';
	char *end;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i].name) == 0)
			return known[i].c;
	if (name[0] != '#')
		return 0;
	unsigned long c = strtoul(name + (hex ? 2 : 1), &end, hex ? 16 : 10);
	return *end != '\0' || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : c;
}

/* At an "&": how many bytes were taken. */
static size_t
take_entity(struct writer *w, struct span s)
{
	char name[ENTITY + 1] = "";
	size_t n = 1;

	for (; n < s.n && n < ENTITY && (ascii_is_alnum(s.at[n]) || s.at[n] == '#'); n++)
		name[n - 1] = s.at[n];
	unsigned long c = entity(name);
	utf8_add(c == 0 ? '&' : (uint32_t)c, begin(w));
	return c == 0 ? 1 : n < s.n && s.at[n] == ';' ? n + 1 : n;
}

/* Up to `end`, without regard to case, or all. */
static size_t
length_to(struct span s, const char *end)
{
	size_t i = 0;

	while (i < s.n && !span_is_nocase(span_slice(s, i, i + strlen(end)), end))
		i++;
	return i;
}

/* What a tag leaves between what stands before and behind it. */
static void
leave_gap(struct writer *w, struct span name)
{
	static const char *const tags[] = { [BLANK] = "td th",
		[LINE] = "br div tr li dt dd title",
		[PARAGRAPH] = "p h1 h2 h3 h4 h5 h6 table ul ol pre blockquote hr" };
	bool again = span_is_nocase(name, "br") && w->gap == LINE;

	for (enum gap gap = BLANK; gap <= PARAGRAPH; gap++)
		for (struct span rest = span_of(tags[gap]); rest.n > 0;)
			if (span_equal_nocase(name, span_word(&rest)) && w->gap < gap)
				w->gap = gap;
	if (again)
		w->gap = PARAGRAPH;
}

/* At a "<": how many bytes were taken. */
static size_t
take_tag(struct writer *w, struct span s)
{
	size_t start = s.n > 1 && s.at[1] == '/' ? 2 : 1, n = start;

	if (span_is(span_slice(s, 0, 4), "<!--"))
		return length_to(s, "-->") + strlen("-->");
	while (n < s.n && ascii_is_alnum(s.at[n]))
		n++;
	struct span name = span_slice(s, start, n);
	bool is_tag = n > 1 || (s.n > 1 && (s.at[1] == '!' || s.at[1] == '?'));
	const char *end = is_tag && !w->no_more ? memchr(s.at, '>', s.n) : NULL;
	w->no_more |= is_tag && end == NULL;
	if (end == NULL) {
		buf_add_char(begin(w), '<');
		return 1;
	}
	leave_gap(w, name);
	n = (size_t)(end - s.at) + 1;
	if (start == 1 && span_is_nocase(name, "script"))
		n += length_to(span_slice(s, n, s.n), "</script");
	if (start == 1 && span_is_nocase(name, "style"))
		n += length_to(span_slice(s, n, s.n), "</style");
	return n;
}

void
html_to_text(struct span s, struct buf *out)
{
	struct writer w = { .out = out };

	while (s.n > 0 && !out->failed) {
		size_t taken = 1;
		char c = s.at[0];
		if (c == '<')
			taken = take_tag(&w, s);
		else if (c == '&')
			taken = take_entity(&w, s);
		else if (!ascii_is_space(c))
			buf_add_char(begin(&w), c);
		else if (w.gap == NONE)
			w.gap = BLANK;
		s = span_slice(s, taken, s.n);
	}
	if (w.begun)
		buf_add_char(out, '\n');
}

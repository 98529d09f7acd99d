/*
 * "From " after an empty line begins a message, unless it looks like text: no date in it, and no header below it. Elsewhere it does only
 * where it looks like nothing else: a date in it, and a header (or an entry line of ours) below it. An entry line of ours always
 * stands behind a From_ line, whatever has become of that.
 */
#include "boundary.h"

#include <string.h>

#include "prefix.h"

/* The lines that are looked at, and what went before. */
struct walk {
	struct window *window;
	off_t at;	  /* of this line */
	off_t before;	  /* of the line before it; -1: none */
	bool after_blank; /* that is empty */
	bool mid_line;	  /* this is the rest of a long one */
};

static bool
is_entry_line(struct span line)
{
	struct mbox_entry entry;

	while (line.n > 0 && (line.at[line.n - 1] == '\n' || line.at[line.n - 1] == '\r'))
		line.n--;
	return mbox_entry_parse(line, &entry);
}

static bool
begins_message(struct span text, bool after_blank)
{
	struct span line = span_line(text);
	struct span next = span_line(span_slice(text, line.n, text.n));
	bool header = prefix_is_field(next), dated = prefix_is_dated(line);

	if (is_entry_line(next))
		return true;
	/* The end of the file may have cut it. */
	return after_blank ? dated || header || next.n == 0 : dated && header;
}

/* An entry line stands here. Where in the line before it does the message begin? -1: nowhere; -2 with errno. */
static off_t
find_from_line(struct walk *walk)
{
	struct span line;

	if (walk->before < 0)
		return -1;
	if (window_at(walk->window, walk->before, (size_t)(walk->at - walk->before), WINDOW, &line) < 0)
		return -2;
	line.n = (size_t)(walk->at - walk->before);
	for (size_t i = 0; i + 5 < line.n; i++)
		if (memcmp(line.at + i, "From ", 5) == 0 && prefix_is_dated(span_slice(line, i, line.n)))
			return walk->before + (off_t)i;
	size_t wrong = 0;
	for (size_t i = 0; i < 5 && i < line.n; i++)
		wrong += line.at[i] != "From "[i];
	return wrong < 2 && prefix_is_dated(line) ? walk->before : -1;
}

/* Behind the last NUL of a line: what was never written has no line ends, either. */
static off_t
look_behind_hole(struct walk *walk, struct span text, struct span line)
{
	size_t i = line.n;

	if (!span_has(line, '\0'))
		return -1;
	while (line.at[i - 1] != '\0')
		i--;
	struct span rest = span_slice(text, i, text.n);
	return mbox_is_from_line(rest) && begins_message(rest, true) ? walk->at + (off_t)i : -1;
}

/* Does a message begin in this line, or, if this is an entry line, in the one before? Where; -1: no; -2 with errno. */
static off_t
look(struct walk *walk, struct span text, off_t start)
{
	if (walk->mid_line || text.n == 0)
		return -1;
	if (text.at[0] == 'X' && is_entry_line(span_line(text))) {
		off_t at = find_from_line(walk);
		return at == start ? -1 : at;
	}
	if (text.at[0] != 'F')
		return -1;
	if (mbox_is_from_line(text))
		return begins_message(text, walk->after_blank) ? walk->at : -1;
	bool stump = walk->after_blank && walk->at + (off_t)text.n == walk->window->size && text.n < 5;
	return stump && prefix_may_begin(text, "From ") ? walk->at : -1;
}

int
boundary_find(struct window *w, off_t start, off_t *end)
{
	struct walk walk = { .window = w, .at = start, .before = -1 };
	struct span text;

	while (walk.at < w->size) {
		if (window_at(w, walk.at, 2 * MBOX_PREFIX, WINDOW, &text) < 0)
			return -1;
		struct span line = span_line(text);
		bool whole = line.at[line.n - 1] == '\n';
		off_t found = walk.at == start ? -1 : look(&walk, text, start);
		if (found == -1)
			found = look_behind_hole(&walk, text, line);
		if (found != -1) {
			*end = found;
			return found < 0 ? -1 : 0;
		}
		walk.after_blank =
		    whole && !walk.mid_line && (line.n == 1 || (line.n == 2 && line.at[0] == '\r'));
		walk.mid_line = !whole;
		walk.before = walk.at;
		walk.at += (off_t)line.n;
	}
	*end = w->size;
	return 0;
}

int
boundary_skip_hole(struct window *w, off_t at, off_t *end)
{
	struct span text;

	for (*end = at; *end < w->size;) {
		size_t n = 0;
		if (window_at(w, *end, 1, WINDOW, &text) < 0)
			return -1;
		while (n < text.n && text.at[n] == '\0')
			n++;
		*end += (off_t)n;
		if (n < text.n)
			break;
	}
	return 0;
}

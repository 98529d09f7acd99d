/*
 * A message of ours proves itself: where length and sum of its entry line fit what follows, mended or not, nothing in it is looked at
 * as if it were structure. Only where they do not fit is the end of a message searched for.
 */
#include "inspect.h"

#include <errno.h>
#include <string.h>

#include "scan.h"
#include "survey.h"

/* What a crash leaves unwritten are whole blocks; fewer NULs than that, and not at the end, are bytes gone bad. */
enum { SECTOR = 512 };

/* The lines that are looked at, and what went before. */
struct walk {
	struct window *window;
	off_t start;	  /* of all of them */
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

/*
 * Does a message begin in this line, or, if this is an entry line, in the one before? Or behind the last NUL of the line: what was never
 * written has no line ends, either. Where; -1: no; -2 with errno.
 */
static off_t
look(struct walk *walk, struct span text, struct span line)
{
	bool first = walk->at == walk->start || walk->mid_line;

	if (!first && is_entry_line(line)) {
		off_t at = find_from_line(walk);
		return at == walk->start ? -1 : at;
	}
	if (!first && mbox_is_from_line(text) && begins_message(text, walk->after_blank))
		return walk->at;
	/* The file ends in the first bytes of a From_ line. */
	if (!first && walk->after_blank && walk->at + (off_t)text.n == walk->window->size && text.n < 5 &&
	    prefix_may_begin(text, "From "))
		return walk->at;
	size_t i = span_has(line, '\0') ? line.n : 0;
	while (i > 0 && line.at[i - 1] != '\0')
		i--;
	struct span rest = span_slice(text, i, text.n);
	return i > 0 && mbox_is_from_line(rest) && begins_message(rest, true) ? walk->at + (off_t)i : -1;
}

/*
 * From the message (or the text that is none) at `start`: where the next one begins, or the file ends. "From " after an empty line begins a
 * message, unless it looks like text: no date in it, and no header below it. Elsewhere it does only where it looks like nothing else: a date
 * in it, and a header (or an entry line of ours) below it. An entry line of ours always stands behind a From_ line, whatever has become of that.
 */
static int
find_boundary(struct window *w, off_t start, off_t *end)
{
	struct walk walk = { .window = w, .start = start, .at = start, .before = -1 };
	struct span text;

	for (*end = -1; walk.at < w->size && *end == -1;) {
		if (window_at(w, walk.at, 2 * MBOX_PREFIX, WINDOW, &text) < 0)
			return -1;
		struct span line = span_line(text);
		bool whole = line.at[line.n - 1] == '\n';
		bool blank = line.n == 1 || (line.n == 2 && line.at[0] == '\r');
		*end = look(&walk, text, line);
		walk.after_blank = whole && !walk.mid_line && blank;
		walk.mid_line = !whole;
		walk.before = walk.at;
		walk.at += (off_t)line.n;
	}
	if (*end == -1)
		*end = w->size;
	return *end < 0 ? -1 : 0;
}

/* Where the run of NULs at `at` ends. */
static int
skip_hole(struct window *w, off_t at, off_t *end)
{
	struct span text = { NULL, 0 };

	for (*end = at; *end < w->size && text.n == 0;) {
		if (window_some(w, *end, w->size, &text) < 0)
			return -1;
		for (; text.n > 0 && text.at[0] == '\0'; span_skip(&text, 1))
			++*end;
	}
	return 0;
}

struct judge {
	struct window window;
	struct buf out; /* mended text, looked at and thrown away */
	size_t number;
};

/* What the end of a message is measured with. */
struct measure {
	off_t from, to;
	uint64_t until; /* bytes that are to come out; 0 for all */
	enum scan_part first;
	struct mend mend;
	struct scan scan;
	off_t end; /* how far it went */
};

/* The out buffer keeps what the scan has not taken yet. */
static int
feed_scan(struct judge *j, struct measure *m, bool at_end)
{
	size_t used;

	if (j->out.failed) {
		errno = ENOMEM;
		return -1;
	}
	scan_push(&m->scan, j->out.data, j->out.len, at_end, &used);
	buf_drop(&j->out, used);
	return 0;
}

static int
measure(struct judge *j, struct measure *m)
{
	struct span line;

	m->mend = (struct mend){ .sum = 1, .mid_line = m->first == SCAN_FROM };
	scan_init(&m->scan, m->first);
	buf_clear(&j->out);
	for (m->end = m->from; m->end < m->to; m->end += (off_t)line.n) {
		if (m->until > 0 && m->mend.stored >= m->until && !m->mend.mid_line)
			break;
		if (window_line(&j->window, m->end, m->to, &line) < 0)
			return -1;
		mend_line(&m->mend, line, &j->out);
		if (j->out.len > WINDOW && feed_scan(j, m, false) < 0)
			return -1;
	}
	return feed_scan(j, m, true);
}

/* Do length and sum fit, as it stands there or once it is mended? 1, 0, or -1 with errno. */
static int
is_proved(struct judge *j, struct inspect_part *part)
{
	const struct prefix *p = &part->prefix;
	const uint64_t left = (uint64_t)(j->window.size - part->from);

	if (p->entry.stored <= p->length || p->entry.stored > 2 * left)
		return 0;
	struct measure m = { .from = part->from + (off_t)p->raw,
		.to = j->window.size,
		.until = p->entry.stored - p->length,
		.first = SCAN_HEADER };
	if (measure(j, &m) < 0)
		return -1;
	part->mend = m.mend;
	part->to = m.end;
	return prefix_fits(p, m.mend.stored, m.mend.sum);
}

/* One bit of the prefix may have flipped: does another reading of it fit? 1, 0, or -1 with errno. */
static int
restore(struct judge *j, struct inspect_part *part)
{
	struct measure m = { .from = -1, .to = part->to, .first = SCAN_HEADER };
	struct prefix p;
	struct span text;
	size_t bit = 0;

	for (;;) {
		if (window_at(&j->window, part->from, 2 * MBOX_PREFIX, WINDOW, &text) < 0)
			return -1;
		if (!prefix_flip(text, &bit, &p))
			return 0;
		if (part->from + (off_t)p.raw != m.from) {
			m.from = part->from + (off_t)p.raw;
			if (m.from > m.to || measure(j, &m) < 0)
				return m.from > m.to ? 0 : -1;
		}
		if (!prefix_fits(&p, m.mend.stored, m.mend.sum))
			continue;
		part->prefix = p;
		part->mend = m.mend;
		part->restored = true;
		part->kind = INSPECT_OURS;
		return 1;
	}
}

/* Where it ends: where the entry line says, if the next message begins there (*fits), else before the next From_ line. */
static int
find_end(struct judge *j, struct inspect_part *part, bool *fits)
{
	const struct prefix *p = &part->prefix;
	int ends = 0;

	part->to = part->from + (off_t)p->entry.stored;
	if (p->entry.stored > p->length && p->entry.stored <= (uint64_t)(j->window.size - part->from))
		ends = survey_is_boundary(&j->window, part->to);
	*fits = ends == 1;
	return ends == 0 ? find_boundary(&j->window, part->from, &part->to) : ends < 0 ? -1 : 0;
}

static int
measure_part(struct judge *j, struct inspect_part *part, struct measure *m)
{
	m->from = part->from + (off_t)part->prefix.raw;
	m->to = part->to;
	int result = measure(j, m);
	part->mend = m->mend;
	return result;
}

/* With an entry line of ours that is not proved. */
static int
judge_unproved(struct judge *j, struct inspect_part *part)
{
	const struct prefix *p = &part->prefix;
	struct measure m = { .first = SCAN_HEADER };
	struct span last;
	bool fits;

	if (find_end(j, part, &fits) < 0)
		return -1;
	int restored = restore(j, part);
	if (restored != 0)
		return restored < 0 ? -1 : 0;
	if (measure_part(j, part, &m) < 0 || window_at(&j->window, part->to - 1, 1, 1, &last) < 0)
		return -1;
	const uint64_t total = p->length + m.mend.stored;
	const uint64_t nuls = last.at[0] != '\0' && m.mend.nul.n < SECTOR ? m.mend.nul.n : 0;
	if (total + nuls < p->entry.stored && !m.scan.read_mark) {
		part->kind = INSPECT_TORN;
		return 0;
	}
	part->kind = INSPECT_DAMAGED;
	if (fits && m.mend.from.n > 0)
		part->kind = INSPECT_OURS; /* it was written so: that is all that is wrong */
	else if (m.scan.read_mark && total != p->entry.stored)
		part->kind = INSPECT_REWRITTEN;
	part->reseal = part->kind != INSPECT_REWRITTEN || mend_changed(&part->mend);
	/* A resealed message ends in an empty line, which is not sent. */
	part->wire = scan_wire(&m.scan);
	return 0;
}

/* A From_ line, or an entry line, of which only the first bytes were written; or one with a hole. */
static bool
is_torn_prefix(struct span text, bool to_end)
{
	struct span line = span_line(text), next = span_line(span_slice(text, line.n, text.n));
	bool next_is_whole = next.n > 0 && next.at[next.n - 1] == '\n';

	if (span_has(line, '\0'))
		return true;
	if (line.at[line.n - 1] != '\n')
		return to_end;
	return (!next_is_whole && to_end && prefix_may_begin(next, "X-UIDL: ")) || span_has(next, '\0');
}

/* Without an entry line that could be read. `text` is what it begins with. */
static int
judge_foreign(struct judge *j, struct inspect_part *part, struct span text)
{
	const bool to_end = part->from + (off_t)text.n == j->window.size;
	const bool suspect = prefix_suspect(text), torn = is_torn_prefix(text, to_end);
	const bool dead = mbox_is_marked(text), from_line = mbox_is_from_line(text);
	const bool stump = to_end && text.n < 5 && prefix_may_begin(text, "From ");
	struct measure m = { .first = from_line ? SCAN_FROM : SCAN_BODY };

	if (find_boundary(&j->window, part->from, &part->to) < 0)
		return -1;
	int restored = suspect && !dead ? restore(j, part) : 0;
	part->from_line = from_line || restored == 1;
	if (restored != 0)
		return restored < 0 ? -1 : 0;
	if (measure_part(j, part, &m) < 0)
		return -1;
	/* At the start of the file even empty lines are in the way: it must begin with a From_ line. */
	bool blank = part->from > 0 && m.mend.stored > 0 && m.mend.stored == m.mend.line_ends;
	if (from_line)
		part->kind = dead ? INSPECT_DEAD : torn ? INSPECT_TORN : INSPECT_FOREIGN;
	else
		part->kind = stump ? INSPECT_TORN : blank ? INSPECT_BLANK : INSPECT_STRAY;
	return 0;
}

static int
judge(struct judge *j, struct inspect_part *part)
{
	struct span text;

	if (window_at(&j->window, part->from, 2 * MBOX_PREFIX, WINDOW, &text) < 0)
		return -1;
	if (text.at[0] == '\0') {
		part->kind = INSPECT_HOLE;
		return skip_hole(&j->window, part->from, &part->to);
	}
	if (!prefix_read(text, &part->prefix)) {
		part->prefix.raw = part->prefix.length = 0;
		part->prefix.entry.stored = 0;
		return judge_foreign(j, part, text);
	}
	part->from_line = true;
	int proved = is_proved(j, part);
	return proved == 0 ? judge_unproved(j, part) : proved < 0 ? -1 : 0;
}

/* Does the file have an empty line before that offset? -1 with errno. */
static int
follows_empty_line(struct judge *j, off_t at)
{
	struct span text;
	size_t n = at < 3 ? (size_t)at : 3;

	if (window_at(&j->window, at - (off_t)n, n, WINDOW, &text) < 0)
		return -1;
	text = span_slice(text, 0, n);
	return span_is(text, "\n") || span_is(text, "\n\r\n") ||
	       span_is(span_slice(text, n > 2 ? n - 2 : 0, n), "\n\n");
}

static int
judge_all(struct judge *j, int (*each)(void *, const struct inspect_part *), void *context)
{
	bool parted = true; /* nothing that stays stands right before */

	for (off_t at = 0; at < j->window.size;) {
		struct inspect_part part = { .from = at };
		if (judge(j, &part) < 0)
			return -1;
		if (part.kind <= INSPECT_FOREIGN)
			part.number = ++j->number;
		part.last = part.to == j->window.size;
		int separated = part.kind <= INSPECT_DEAD && !parted ? follows_empty_line(j, at) : 1;
		if (separated < 0)
			return -1;
		part.glued = separated == 0;
		parted = part.kind > INSPECT_DEAD && part.kind != INSPECT_BLANK;
		int result = each(context, &part);
		if (result != 0)
			return result;
		at = part.to;
	}
	return 0;
}

int
inspect(int mbox, off_t size, int (*each)(void *context, const struct inspect_part *), void *context)
{
	struct judge j = { .number = 0 };

	buf_init(&j.out, 4 * WINDOW);
	window_init(&j.window, mbox, size);
	int result = judge_all(&j, each, context);
	window_free(&j.window);
	buf_free(&j.out);
	return result;
}

bool
inspect_is_wrong(const struct inspect_part *part)
{
	switch (part->kind) {
	case INSPECT_DAMAGED:
	case INSPECT_TORN:
	case INSPECT_STRAY:
	case INSPECT_HOLE:
		return true;
	case INSPECT_DEAD:
		/* What follows would be shown. */
		return part->glued || part->mend.from.n > 0;
	case INSPECT_OURS:
	case INSPECT_REWRITTEN:
	case INSPECT_FOREIGN:
	case INSPECT_BLANK:
		break;
	}
	return part->glued || part->reseal || part->restored || part->prefix.changed ||
	       mend_changed(&part->mend);
}

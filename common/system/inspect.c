/*
 * A message of ours proves itself: where length and sum of its entry line fit what follows, mended or not, nothing in it is looked at
 * as if it were structure. Only where they do not fit is the end of a message searched for.
 */
#include "inspect.h"

#include <errno.h>

#include "boundary.h"
#include "scan.h"
#include "survey.h"

/* What a crash leaves unwritten are whole blocks; fewer NULs than that, and not at the end, are bytes gone bad. */
enum { SECTOR = 512 };

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
	struct span text;

	mend_init(&m->mend);
	if (m->first == SCAN_FROM)
		m->mend.matched = MBOX_IN_LINE;
	scan_init(&m->scan, m->first);
	buf_clear(&j->out);
	for (m->end = m->from; m->end < m->to;) {
		if (window_at(&j->window, m->end, 1, WINDOW, &text) < 0)
			return -1;
		if ((off_t)text.n > m->to - m->end)
			text.n = (size_t)(m->to - m->end);
		size_t used = mend_push(&m->mend, text, m->until, &j->out);
		m->end += (off_t)used;
		if (feed_scan(j, m, false) < 0)
			return -1;
		if (used < text.n)
			break;
	}
	mend_end(&m->mend, &j->out);
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

/* Where it ends: where the entry line says, if the next message begins there, else before the next From_ line. */
static int
find_end(struct judge *j, struct inspect_part *part, bool *fits)
{
	const off_t claimed = part->from + (off_t)part->prefix.entry.stored;

	*fits = false;
	if (part->prefix.entry.stored > part->prefix.length &&
	    part->prefix.entry.stored <= (uint64_t)(j->window.size - part->from)) {
		int ends = survey_is_boundary(&j->window, claimed);
		if (ends < 0)
			return -1;
		*fits = ends == 1;
	}
	part->to = claimed;
	return *fits ? 0 : boundary_find(&j->window, part->from, &part->to);
}

static int
ends_in_hole(struct judge *j, off_t to)
{
	struct span last;

	return window_at(&j->window, to - 1, 1, 1, &last) < 0 ? -1 : last.at[0] == '\0';
}

/* With an entry line of ours that is not proved. */
static int
judge_unproved(struct judge *j, struct inspect_part *part)
{
	const struct prefix *p = &part->prefix;
	bool fits;

	if (find_end(j, part, &fits) < 0)
		return -1;
	int restored = restore(j, part);
	if (restored != 0)
		return restored < 0 ? -1 : 0;
	struct measure m = { .from = part->from + (off_t)p->raw, .to = part->to, .first = SCAN_HEADER };
	if (measure(j, &m) < 0)
		return -1;
	part->mend = m.mend;
	const uint64_t total = p->length + m.mend.stored;
	int unwritten = ends_in_hole(j, part->to);
	if (unwritten < 0)
		return -1;
	const uint64_t nuls = unwritten == 0 && m.mend.nul.n < SECTOR ? m.mend.nul.n : 0;
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

/* At the start of the file even empty lines are in the way: it must begin with a From_ line. */
static bool
is_blank(const struct mend *mend)
{
	return mend->stored > 0 && mend->stored == mend->line_ends;
}

/* Without an entry line that could be read. `text` is what it begins with. */
static int
judge_foreign(struct judge *j, struct inspect_part *part, struct span text, bool to_end)
{
	bool suspect = prefix_suspect(text), torn = is_torn_prefix(text, to_end);
	bool dead = mbox_is_marked(text);

	part->from_line = mbox_is_from_line(text);
	bool stump = !part->from_line && to_end && text.n < 5 && prefix_may_begin(text, "From ");
	if (boundary_find(&j->window, part->from, &part->to) < 0)
		return -1;
	int restored = suspect && !dead ? restore(j, part) : 0;
	if (restored != 0) {
		part->from_line = true;
		return restored < 0 ? -1 : 0;
	}
	struct measure m = {
		.from = part->from, .to = part->to, .first = part->from_line ? SCAN_FROM : SCAN_BODY
	};
	if (measure(j, &m) < 0)
		return -1;
	part->mend = m.mend;
	if (dead)
		part->kind = INSPECT_DEAD;
	else if (part->from_line)
		part->kind = torn ? INSPECT_TORN : INSPECT_FOREIGN;
	else if (stump)
		part->kind = INSPECT_TORN;
	else
		part->kind = is_blank(&m.mend) && part->from > 0 ? INSPECT_BLANK : INSPECT_STRAY;
	return 0;
}

static int
judge(struct judge *j, struct inspect_part *part)
{
	struct span text;

	if (window_at(&j->window, part->from, 2 * MBOX_PREFIX, WINDOW, &text) < 0)
		return -1;
	bool to_end = part->from + (off_t)text.n == j->window.size;
	if (text.at[0] == '\0') {
		part->kind = INSPECT_HOLE;
		return boundary_skip_hole(&j->window, part->from, &part->to);
	}
	if (!prefix_read(text, &part->prefix)) {
		part->prefix.raw = part->prefix.length = 0;
		part->prefix.entry.stored = 0;
		return judge_foreign(j, part, text, to_end);
	}
	part->from_line = true;
	int proved = is_proved(j, part);
	if (proved < 0)
		return -1;
	part->kind = INSPECT_OURS;
	return proved == 1 ? 0 : judge_unproved(j, part);
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
inspect_is_changed(const struct inspect_part *part)
{
	return part->reseal || part->restored || part->prefix.changed || mend_changed(&part->mend);
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
	return part->glued || inspect_is_changed(part);
}

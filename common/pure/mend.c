#include "mend.h"

#include <string.h>

#include "hash.h"
#include "mbox.h"

static const char from_[] = "From ";

enum { FROM_LENGTH = sizeof(from_) - 1 };

void
mend_init(struct mend *m)
{
	*m = (struct mend){ .sum = 1 };
}

static void
put(struct mend *m, const char *bytes, size_t n, struct buf *out)
{
	if (n == 0)
		return;
	buf_add(out, bytes, n);
	m->stored += n;
	m->sum = adler32(m->sum, bytes, n);
	m->line_ends = bytes[n - 1] != '\n' ? 0 : n == 1 ? m->line_ends + 1 : 1;
}

static void
note(struct mend_count *count, uint64_t at)
{
	if (count->n++ == 0)
		count->first = at;
}

/* At the start of a line. Returns how many bytes belong to "From ", or to what looked like it. */
static size_t
put_start(struct mend *m, const char *at, size_t n, struct buf *out)
{
	size_t i = 0;

	for (; i < n; i++) {
		if (at[i] != from_[m->matched]) {
			put(m, from_, (size_t)m->matched, out);
			m->matched = MBOX_IN_LINE;
			return i;
		}
		if (++m->matched == FROM_LENGTH) {
			put(m, ">From ", FROM_LENGTH + 1, out);
			m->matched = MBOX_IN_LINE;
			note(&m->from, m->line);
			return i + 1;
		}
	}
	return i;
}

/* A part of a line, without a NUL; an LF is its last byte. */
static void
put_text(struct mend *m, const char *at, size_t n, struct buf *out)
{
	if (m->cr && at[0] != '\n')
		put(m, "\r", 1, out);
	else if (m->cr)
		note(&m->crlf, m->line);
	m->cr = false;
	if (m->matched >= 0) {
		size_t start = put_start(m, at, n, out);
		at += start;
		n -= start;
	}
	if (n == 0)
		return;
	bool lf = at[n - 1] == '\n';
	size_t text = lf ? n - 1 : n;
	if (text > 0 && at[text - 1] == '\r') {
		text--;
		m->cr = !lf;
		if (lf)
			note(&m->crlf, m->line);
		put(m, at, text, out);
		if (lf)
			put(m, "\n", 1, out);
	} else if (lf && text > 0) {
		put(m, at, text, out);
		put(m, "\n", 1, out);
	} else
		put(m, at, n, out);
	if (lf)
		m->matched = 0;
}

/* A line, or what there is of it. */
static void
push_line(struct mend *m, const char *at, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n;) {
		const char *nul = memchr(at + i, '\0', n - i);
		size_t text = nul == NULL ? n - i : (size_t)(nul - at) - i;
		if (text > 0)
			put_text(m, at + i, text, out);
		i += text;
		for (; i < n && at[i] == '\0'; i++)
			note(&m->nul, m->taken + i);
	}
	m->taken += n;
	if (at[n - 1] == '\n')
		m->line = m->taken;
}

size_t
mend_push(struct mend *m, struct span text, uint64_t until, struct buf *out)
{
	size_t i = 0;

	while (i < text.n && (until == 0 || m->stored < until || m->matched != 0)) {
		const char *lf = memchr(text.at + i, '\n', text.n - i);
		size_t n = lf == NULL ? text.n - i : (size_t)(lf - text.at) + 1 - i;
		push_line(m, text.at + i, n, out);
		i += n;
	}
	return i;
}

void
mend_end(struct mend *m, struct buf *out)
{
	if (m->matched > 0)
		put(m, from_, (size_t)m->matched, out);
	if (m->cr)
		put(m, "\r", 1, out);
	m->matched = MBOX_IN_LINE;
	m->cr = false;
}

bool
mend_changed(const struct mend *m)
{
	return m->crlf.n > 0 || m->nul.n > 0 || m->from.n > 0;
}

unsigned
mend_missing(const struct mend *m)
{
	return m->line_ends < 2 ? 2 - m->line_ends : 0;
}

#include "mend.h"

#include <string.h>

#include "hash.h"
#include "mbox.h"

static void
note(struct mend_count *count, uint64_t at)
{
	if (count->n++ == 0)
		count->first = at;
}

static void
add_without_nuls(struct mend *m, struct span line, struct buf *out)
{
	struct span rest = line;

	while (rest.n > 0) {
		buf_add_span(out, span_until(rest, '\0', &rest));
		if (rest.at != NULL)
			note(&m->nul, m->taken + (uint64_t)(rest.at - line.at) - 1);
	}
}

void
mend_line(struct mend *m, struct span line, struct buf *out)
{
	const size_t from = out->len;
	const bool whole = line.n > 0 && line.at[line.n - 1] == '\n';

	add_without_nuls(m, line, out);
	if (whole && out->len >= from + 2 && out->data[out->len - 2] == '\r') {
		out->data[--out->len - 1] = '\n';
		note(&m->crlf, m->line);
	}
	if (!m->mid_line && mbox_is_from_line(span_slice(buf_span(out), from, out->len)) &&
	    buf_add_char(out, '>') == 0) {
		memmove(out->data + from + 1, out->data + from, out->len - from - 1);
		out->data[from] = '>';
		note(&m->from, m->line);
	}
	const size_t n = out->len - from;
	m->stored += n;
	if (n > 0) {
		m->sum = adler32(m->sum, out->data + from, n);
		m->line_ends = !whole ? 0 : n == 1 ? m->line_ends + 1 : 1;
	}
	m->mid_line = !whole && (m->mid_line || n > 0);
	m->taken += line.n;
	if (whole)
		m->line = m->taken;
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

#include "mbox.h"

#include <string.h>

#include "hash.h"
#include "message.h"

static const char from_[] = "From ";

enum { FROM_LENGTH = sizeof(from_) - 1 };

void
mbox_quoter_init(struct mbox_quoter *q)
{
	*q = (struct mbox_quoter){ .sum = 1 };
}

/* Content that goes through unchanged. */
static void
put(struct mbox_quoter *q, const char *bytes, size_t n, struct buf *out)
{
	buf_add(out, bytes, n);
	q->stored += n;
	q->wire += n;
}

static void
put_line_end(struct mbox_quoter *q, struct buf *out)
{
	put(q, "\n", 1, out);
	q->wire++;
	q->quotes = false;
	q->matched = 0;
}

/*
 * At the start of a line: quotes pass, "From " gets one more. Where among them the new one stands does not matter, so
 * no more than "From " is ever held back.
 */
static size_t
quote_start(struct mbox_quoter *q, struct span content, struct buf *out)
{
	size_t i = 0;

	while (i < content.n && q->matched == 0 && content.at[i] == '>')
		i++;
	put(q, content.at, i, out);
	q->quotes |= i > 0;
	for (; i < content.n; i++) {
		if (content.at[i] != from_[q->matched]) {
			put(q, from_, (size_t)q->matched, out);
			q->matched = MBOX_IN_LINE;
			break;
		}
		if (++q->matched == FROM_LENGTH) {
			buf_add_char(out, '>');
			q->stored++;
			put(q, from_, FROM_LENGTH, out);
			q->matched = MBOX_IN_LINE;
			i++;
			break;
		}
	}
	return i;
}

static size_t
quote_rest(struct mbox_quoter *q, struct span content, struct buf *out)
{
	const char *lf = memchr(content.at, '\n', content.n);
	size_t text = lf == NULL ? content.n : (size_t)(lf - content.at);
	size_t used = lf == NULL ? text : text + 1;

	if (q->pending_cr && content.at[0] != '\n')
		put(q, "\r", 1, out);
	q->pending_cr = false;
	if (text > 0 && content.at[text - 1] == '\r') {
		text--;
		q->pending_cr = lf == NULL;
	}
	put(q, content.at, text, out);
	if (lf != NULL)
		put_line_end(q, out);
	return used;
}

/* What was added to out since `before` becomes part of the sum. */
static int
add_up(struct mbox_quoter *q, size_t before, const struct buf *out)
{
	if (out->failed)
		return -1;
	if (out->len > before)
		q->sum = adler32(q->sum, out->data + before, out->len - before);
	return 0;
}

int
mbox_quote(struct mbox_quoter *q, struct span content, struct buf *out)
{
	size_t before = out->len;

	for (size_t i = 0; i < content.n;) {
		struct span rest = { content.at + i, content.n - i };
		i += q->verbatim || q->matched == MBOX_IN_LINE ? quote_rest(q, rest, out)
							       : quote_start(q, rest, out);
	}
	return add_up(q, before, out);
}

int
mbox_quote_end(struct mbox_quoter *q, struct buf *out)
{
	size_t before = out->len;
	bool in_line = q->quotes || q->matched != 0;

	if (q->matched > 0)
		put(q, from_, (size_t)q->matched, out);
	if (q->pending_cr)
		put(q, "\r", 1, out);
	q->pending_cr = false;
	if (in_line)
		put_line_end(q, out);
	buf_add_char(out, '\n');
	q->stored++;
	return add_up(q, before, out);
}

/*
 * A line that begins with ">": one of them is held back until it is known whether "From " follows the last.
 * Returns how many bytes were taken; while in_line is still false afterwards, more is needed.
 */
static size_t
unquote_start(struct mbox_wire *w, struct span stored, struct buf *out)
{
	size_t i = 0;

	for (; i < stored.n && w->matched == 0 && stored.at[i] == '>'; i++) {
		if (w->quote)
			buf_add_char(out, '>');
		w->quote = true;
	}
	for (; i < stored.n; i++) {
		bool same = stored.at[i] == from_[w->matched];
		if (same && ++w->matched < FROM_LENGTH)
			continue;
		if (!same)
			buf_add_char(out, '>');
		buf_add(out, from_, (size_t)w->matched);
		w->quote = false;
		w->matched = 0;
		w->in_line = true;
		return same ? i + 1 : i;
	}
	return i;
}

static size_t
wire_rest(struct mbox_wire *w, struct span stored, struct buf *out)
{
	const char *lf = memchr(stored.at, '\n', stored.n);
	size_t text = lf == NULL ? stored.n : (size_t)(lf - stored.at);
	size_t used = lf == NULL ? text : text + 1;

	if (w->pending_cr && stored.at[0] != '\n')
		buf_add_char(out, '\r');
	w->pending_cr = false;
	if (text > 0 && stored.at[text - 1] == '\r') {
		text--;
		w->pending_cr = lf == NULL;
	}
	buf_add(out, stored.at, text);
	if (lf != NULL)
		buf_add(out, "\r\n", 2);
	w->in_line = lf == NULL;
	return used;
}

/* The common case, at the speed of memory: whole lines, up to one that begins with ">" or has no end here. Returns how many bytes were taken. */
static size_t
wire_lines(const struct mbox_wire *w, struct span stored, struct buf *out)
{
	const char *at = stored.at, *end = at + stored.n, *lf;
	char *to = buf_reserve(out, 2 * stored.n); /* no line grows by more than itself */

	while (to != NULL && at < end && *at != '>' && (lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		size_t text = (size_t)(lf - at);
		if (w->stuff && *at == '.')
			*to++ = '.';
		if (text > 0 && lf[-1] == '\r')
			text--;
		memcpy(to, at, text);
		to += text;
		*to++ = '\r';
		*to++ = '\n';
		at = lf + 1;
	}
	if (to != NULL)
		out->len = (size_t)(to - out->data);
	return (size_t)(at - stored.at);
}

int
mbox_to_wire(struct mbox_wire *w, struct span stored, struct buf *out)
{
	size_t used;

	for (size_t i = 0; i < stored.n;) {
		struct span rest = { stored.at + i, stored.n - i };
		if (!w->in_line && (w->quote || rest.at[0] == '>')) {
			i += unquote_start(w, rest, out);
			continue;
		}
		if (!w->in_line && (used = wire_lines(w, rest, out)) > 0) {
			i += used;
			continue;
		}
		if (!w->in_line && w->stuff && rest.at[0] == '.')
			buf_add_char(out, '.');
		i += wire_rest(w, rest, out);
	}
	return out->failed ? -1 : 0;
}

int
mbox_to_wire_end(struct mbox_wire *w, struct buf *out)
{
	if (w->quote) {
		buf_add_char(out, '>');
		buf_add(out, from_, (size_t)w->matched);
	}
	if (w->in_line || w->quote)
		buf_add_string(out, "\r\n");
	*w = (struct mbox_wire){ .stuff = w->stuff };
	return out->failed ? -1 : 0;
}

int
mbox_from_line(const char *sender, int64_t now, struct buf *out)
{
	if (*sender == '\0')
		sender = "MAILER-DAEMON";
	buf_add_string(out, from_);
	for (; *sender != '\0'; sender++) {
		unsigned char c = (unsigned char)*sender;
		buf_add_char(out, c > ' ' && c != 0x7f ? *sender : '-');
	}
	buf_add_char(out, ' ');
	date_format_ctime(now, out);
	return buf_add_char(out, '\n');
}

bool
mbox_is_from_line(struct span line)
{
	return line.n >= FROM_LENGTH && memcmp(line.at, from_, FROM_LENGTH) == 0;
}

const char mbox_mark[] = "X-Status: D expunged; ";

size_t
mbox_mark_at(struct span text)
{
	text = span_slice(text, 0, MBOX_PREFIX);
	const char *lf = mbox_is_from_line(text) ? memchr(text.at, '\n', text.n) : NULL;
	size_t at = lf == NULL ? 0 : (size_t)(lf - text.at) + 1;

	return at + MBOX_MARK <= text.n ? at : 0;
}

bool
mbox_is_marked(struct span text)
{
	size_t at = mbox_mark_at(text);

	return at > 0 && memcmp(text.at + at, mbox_mark, MBOX_MARK) == 0;
}

static const char entry_name[] = "X-UIDL: ";

int
mbox_entry_begin(const struct mbox_entry *entry, struct buf *out)
{
	return buf_printf(out, "%s%s %llu %llu ", entry_name, entry->uidl, (unsigned long long)entry->stored,
	    (unsigned long long)entry->wire);
}

int
mbox_entry_end(uint32_t sum, struct buf *out)
{
	return buf_printf(out, "%08lx\n", (unsigned long)sum);
}

int
mbox_entry_write(struct mbox_entry *entry, uint64_t n, uint32_t sum, struct buf *out)
{
	const size_t from = out->len;
	uint64_t length = from;

	/* The length counts its own digits. */
	entry->stored = 0;
	while (entry->stored != length + n) {
		entry->stored = length + n;
		buf_cut(out, from);
		mbox_entry_begin(entry, out);
		length = out->len + strlen("01234567\n");
	}
	if (out->failed)
		return -1;
	entry->sum = adler32_combine(adler32(1, out->data, out->len), sum, n);
	return mbox_entry_end(entry->sum, out);
}

static bool
parse_sum(struct span text, uint32_t *sum)
{
	static const char digits[] = "0123456789abcdef";

	*sum = 0;
	for (size_t i = 0; i < text.n; i++) {
		const char *digit = memchr(digits, text.at[i], 16);
		if (digit == NULL)
			return false;
		*sum = *sum << 4 | (uint32_t)(digit - digits);
	}
	return text.n == 8;
}

bool
mbox_entry_parse(struct span line, struct mbox_entry *entry)
{
	const long long most = 1LL << 62;
	struct span rest = span_slice(line, sizeof(entry_name) - 1, line.n);

	if (line.n < sizeof(entry_name) || memcmp(line.at, entry_name, sizeof(entry_name) - 1) != 0)
		return false;
	struct span uidl = span_until(rest, ' ', &rest);
	long long stored = span_number(span_until(rest, ' ', &rest), most);
	long long wire = span_number(span_until(rest, ' ', &rest), most);
	if (!span_is_word(uidl) || uidl.n > MBOX_UIDL || stored < 0 || wire < 0 ||
	    !parse_sum(rest, &entry->sum))
		return false;
	memcpy(entry->uidl, uidl.at, uidl.n);
	entry->uidl[uidl.n] = '\0';
	entry->stored = (uint64_t)stored;
	entry->wire = (uint64_t)wire;
	return true;
}

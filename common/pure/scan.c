#include "scan.h"

#include <string.h>

#include "codec.h"

void
scan_init(struct scan *scan, enum scan_part first)
{
	*scan = (struct scan){ .part = first };
	sha256_init(&scan->identity);
}

/* Fields that mail readers add and rewrite: they do not tell one message from another. */
static const struct {
	const char *name; /* lower case */
	bool mark;	  /* only a reader of mail writes it */
} rewritten[] = {
	{ "status:", true },
	{ "x-status:", true },
	{ "x-keywords:", true },
	{ "x-uid:", true },
	{ "x-imap:", true },
	{ "x-imapbase:", true },
	{ "content-length:", false },
	{ "lines:", false },
};

static bool
begins_with(const char *line, size_t n, const char *name)
{
	for (; *name != '\0'; name++, line++, n--)
		if (n == 0 || ascii_lower(*line) != *name)
			return false;
	return true;
}

static void
look_at_field(struct scan *scan, const char *line, size_t n)
{
	if (ascii_is_blank(line[0]))
		return;
	scan->skip_field = false;
	for (size_t i = 0; i < sizeof(rewritten) / sizeof(rewritten[0]); i++) {
		if (begins_with(line, n, rewritten[i].name)) {
			scan->skip_field = true;
			scan->read_mark |= rewritten[i].mark;
		}
	}
}

/* One quote of a quoted From_ line is not sent. */
static bool
is_quoted_from(const char *line, size_t n)
{
	size_t quotes = 0;

	while (quotes < n && line[quotes] == '>')
		quotes++;
	return quotes > 0 && mbox_is_from_line((struct span){ line + quotes, n - quotes });
}

static void
count(struct scan *scan, const char *line, size_t n, bool whole)
{
	scan->stored += n;
	if (scan->part == SCAN_FROM) {
		scan->from += n;
		return;
	}
	size_t text = whole ? n - 1 : n;
	scan->wire += text;
	if (!whole)
		return;
	bool cr = text > 0 ? line[text - 1] == '\r' : scan->cr;
	scan->wire += cr ? 1 : 2;
}

/* A line, or what there is of it. */
static void
take(struct scan *scan, const char *line, size_t n, bool whole)
{
	bool empty = whole && !scan->mid_line && (n == 1 || (n == 2 && line[0] == '\r'));

	if (!scan->mid_line && scan->part == SCAN_HEADER && !empty)
		look_at_field(scan, line, n);
	if (scan->part == SCAN_FROM || (scan->part == SCAN_HEADER && !scan->skip_field && !empty))
		sha256_add(&scan->identity, line, n);
	if (!scan->mid_line && line[0] == '>' && is_quoted_from(line, n))
		scan->wire--;
	count(scan, line, n, whole);
	scan->cr = !whole && line[n - 1] == '\r';
	scan->blank = empty ? (unsigned)n : 0;
	scan->after_blank = empty;
	scan->mid_line = !whole;
	if (whole && scan->part == SCAN_FROM)
		scan->part = SCAN_HEADER;
	else if (empty)
		scan->part = SCAN_BODY;
}

/* Without a whole line in sight: is there enough of it to see what it begins as? Many quotes may precede "From ". */
static bool
can_tell(const struct scan *scan, const char *line, size_t n)
{
	return scan->mid_line || n >= SCAN_LOOK || (n >= 16 && line[0] != '>');
}

enum scan_result
scan_push(struct scan *scan, const char *bytes, size_t n, bool at_end, size_t *used)
{
	size_t i = 0;

	while (i < n) {
		const char *line = bytes + i;
		const char *lf = memchr(line, '\n', n - i);
		size_t length = lf == NULL ? n - i : (size_t)(lf - line) + 1;

		if (lf == NULL && !at_end && !can_tell(scan, line, length))
			break;
		if (scan->after_blank && line[0] == 'F' && scan->part != SCAN_FROM &&
		    mbox_is_from_line((struct span){ line, length })) {
			*used = i;
			scan->nul |= memchr(bytes, '\0', i) != NULL;
			return SCAN_NEXT;
		}
		take(scan, line, length, lf != NULL);
		i += length;
	}
	scan->nul |= i > 0 && memchr(bytes, '\0', i) != NULL;
	*used = i;
	return SCAN_MORE;
}

unsigned
scan_separator(const struct scan *scan)
{
	return scan->blank;
}

uint64_t
scan_wire(const struct scan *scan)
{
	uint64_t wire = scan->wire - (scan->blank > 0 ? 2 : 0);

	if (scan->mid_line && scan->part != SCAN_FROM)
		wire += scan->cr ? 1 : 2;
	return wire;
}

void
scan_uidl(struct scan *scan, char uidl[MBOX_UIDL + 1])
{
	uint8_t digest[SHA256_SIZE];

	/* A header that ends without a line end will have one as soon as another message follows. */
	if (scan->mid_line && scan->part != SCAN_BODY && !scan->skip_field)
		sha256_add(&scan->identity, "\n", 1);
	sha256_end(&scan->identity, digest);
	base32_id(digest, uidl);
}

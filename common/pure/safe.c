#include "safe.h"

#include "codec.h"

enum { MALFORMED = -1 }; /* of utf8_next */

/* Invisible, or able to turn what stands around it. */
static bool
is_hidden(int32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x180e ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	       c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

static bool
is_line_end(int32_t c)
{
	return c == '\n' || c == 0x2028 || c == 0x2029;
}

int
safe_add(struct span s, enum safe_kind kind, struct buf *out)
{
	size_t start = out->len, n;
	bool blank = false;

	for (; s.n > 0; s = span_slice(s, n, s.n)) {
		int32_t c = utf8_next(s, &n);
		if (kind == SAFE_LINE && (c == ' ' || c == '\t' || c == '\r' || is_line_end(c))) {
			blank = out->len > start;
			continue;
		}
		if (c == MALFORMED || is_line_end(c) || (kind == SAFE_TEXT && c == '\t') || !is_hidden(c)) {
			if (blank)
				buf_add_char(out, ' ');
			blank = false;
			if (c == MALFORMED)
				buf_add_string(out, "\xef\xbf\xbd");
			else if (is_line_end(c))
				buf_add_char(out, '\n');
			else
				buf_add(out, s.at, n);
		}
	}
	return out->failed ? -1 : 0;
}

size_t
safe_width(struct span s)
{
	size_t width = 0, n;

	for (; s.n > 0; s = span_slice(s, n, s.n)) {
		utf8_next(s, &n);
		width++;
	}
	return width;
}

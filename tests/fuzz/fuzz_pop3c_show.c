/* A message as a terminal shows it: nothing that comes out can do anything to a terminal. */
#include "show.h"

#include "codec.h"
#include "fuzz.h"
#include "safe.h"

/* The three bytes of a character that turns the direction of writing, or of a mark that begins a file. */
static bool
turns(const char *at, size_t n)
{
	if (n < 3)
		return false;
	unsigned char a = (unsigned char)at[0], b = (unsigned char)at[1], c = (unsigned char)at[2];
	if (a == 0xe2 && b == 0x80)
		return (c >= 0x8b && c <= 0x8f) || (c >= 0xaa && c <= 0xae);
	if (a == 0xe2 && b == 0x81)
		return c >= 0xa0 && c <= 0xaf;
	return a == 0xef && b == 0xbb && c == 0xbf;
}

static void
must_be_safe(struct span text, bool lines)
{
	MUST(utf8_valid(text));
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.at[i],
			      next = i + 1 < text.n ? (unsigned char)text.at[i + 1] : 0;
		MUST(c >= ' ' || (lines && (c == '\n' || c == '\t')));
		MUST(c != 0x7f);
		MUST(c != 0xc2 || next >= 0xa0);
		MUST(!turns(text.at + i, text.n - i));
	}
}

static int
zone(int64_t seconds)
{
	return seconds % 2 == 0 ? 0 : -345;
}

void
fuzz(struct span input)
{
	struct buf out;

	buf_init(&out, 64 * input.n + SHOW_HEADER);
	MUST(show_message(input, &out) == 0);
	must_be_safe(buf_span(&out), true);
	buf_clear(&out);
	MUST(show_summary(input, zone, &out) == 0);
	must_be_safe(buf_span(&out), false);
	buf_clear(&out);
	MUST(safe_add(input, SAFE_LINE, &out) == 0);
	must_be_safe(buf_span(&out), false);
	MUST(safe_width(buf_span(&out)) <= out.len);
	buf_clear(&out);
	html_to_text(input, &out);
	MUST(!out.failed);
	buf_free(&out);
}

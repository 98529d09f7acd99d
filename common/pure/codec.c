#include "codec.h"

#include <stdint.h>
#include <string.h>

enum {
	MIME_LINE = 76,		       /* RFC 2045 6.7, 6.8: characters in a line, CRLF not counted */
	MIME_GROUP = MIME_LINE / 4 * 3 /* bytes that make a line of base64 */
};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";

enum { PADDING = 64 };

/* A character's value in base64, -1 where it is none. */
static int
sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The end of each that adds to out: what was added is taken back where not all went well. */
static int
finish(struct buf *out, size_t before, bool good)
{
	if (!good)
		buf_cut(out, before);
	return good ? 0 : -1;
}

int
base64_encode(struct span s, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)s.at;
	size_t n = (s.n + 2) / 3 * 4;
	char *at = buf_reserve(out, n);

	if (at == NULL)
		return -1;
	for (size_t i = 0; i < s.n; i += 3) {
		unsigned group = (unsigned)p[i] << 16;

		if (i + 1 < s.n)
			group |= (unsigned)p[i + 1] << 8;
		if (i + 2 < s.n)
			group |= p[i + 2];
		*at++ = alphabet[group >> 18];
		*at++ = alphabet[group >> 12 & 63];
		*at++ = alphabet[i + 1 < s.n ? group >> 6 & 63 : PADDING];
		*at++ = alphabet[i + 2 < s.n ? group & 63 : PADDING];
	}
	out->len += n;
	return 0;
}

/* Bits that wait for their byte to be full. */
struct bits {
	uint32_t held;
	unsigned n;
};

static int
bits_add(struct bits *b, int value, struct buf *out)
{
	b->held = b->held << 6 | (uint32_t)value;
	b->n += 6;
	if (b->n < 8)
		return 0;
	b->n -= 8;
	return buf_add_char(out, (char)(b->held >> b->n));
}

int
base64_decode(struct span s, struct buf *out)
{
	struct bits bits = { 0 };
	size_t before = out->len, n = s.n;
	bool good = s.n % 4 == 0;

	while (n > 0 && s.n - n < 2 && s.at[n - 1] == '=')
		n--;
	for (size_t i = 0; i < n && good; i++) {
		int value = sextet(s.at[i]);
		good = value >= 0 && bits_add(&bits, value, out) == 0;
	}
	/* Bits that encode nothing must be 0: one text for one meaning (RFC 4648 3.5). */
	return finish(out, before, good && (bits.held & ((1u << bits.n) - 1)) == 0);
}

int
base64_decode_lenient(struct span s, struct buf *out)
{
	struct bits bits = { 0 };
	size_t before = out->len;
	bool good = true;

	for (size_t i = 0; i < s.n && s.at[i] != '=' && good; i++) {
		int value = sextet(s.at[i]);
		good = value < 0 || bits_add(&bits, value, out) == 0;
	}
	return finish(out, before, good);
}

int
base64_encode_lines(struct span s, struct buf *out)
{
	size_t before = out->len;
	bool good = true;

	for (size_t i = 0; i < s.n && good; i += MIME_GROUP)
		good = base64_encode(span_slice(s, i, i + MIME_GROUP), out) == 0 &&
		       buf_add_string(out, "\r\n") == 0;
	return finish(out, before, good);
}

/* Does s go on at i with a CRLF, or end there? */
static bool
at_line_end(struct span s, size_t i)
{
	return i >= s.n || (s.at[i] == '\r' && i + 1 < s.n && s.at[i + 1] == '\n');
}

/* May the character stand for itself? What a line begins with must not look like a From_ line or a dot-stuffed one. */
static bool
qp_is_plain(struct span s, size_t i, bool begins)
{
	char c = s.at[i];

	if (ascii_is_blank(c))
		return !at_line_end(s, i + 1);
	if (begins && (c == '.' || span_is(span_slice(s, i, i + 5), "From ")))
		return false;
	return ascii_is_print(c) && c != '=';
}

int
qp_encode(struct span s, struct buf *out)
{
	size_t before = out->len, column = 0;
	int failed = 0;

	for (size_t i = 0; i < s.n && failed == 0; i++) {
		if (at_line_end(s, i)) {
			failed = buf_add_string(out, "\r\n");
			column = 0;
			i++;
			continue;
		}
		size_t width = qp_is_plain(s, i, column == 0) ? 1 : 3;
		size_t most = at_line_end(s, i + 1) ? MIME_LINE : MIME_LINE - 1; /* the = of a soft break */

		if (column + width > most) {
			failed |= buf_add_string(out, "=\r\n");
			column = 0;
			width = qp_is_plain(s, i, true) ? 1 : 3;
		}
		failed |= width == 1 ? buf_add_char(out, s.at[i])
				     : buf_printf(out, "=%02X", (unsigned char)s.at[i]);
		column += width;
	}
	return finish(out, before, failed == 0);
}

/* The byte that the "=XX" at i stands for, -1 where there is none. */
static int
escaped(struct span s, size_t i)
{
	if (s.n - i < 3 || s.at[i] != '=')
		return -1;
	int high = ascii_hex(s.at[i + 1]), low = ascii_hex(s.at[i + 2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* The line at the start of s without its end, which goes to *end; empty where s is over. */
static struct span
first_line(struct span s, struct span *end)
{
	const char *lf = s.n == 0 ? NULL : memchr(s.at, '\n', s.n);
	size_t n = lf == NULL ? s.n : (size_t)(lf - s.at) + 1;
	size_t ending = lf == NULL ? 0 : n > 1 && s.at[n - 2] == '\r' ? 2 : 1;

	*end = span_slice(s, n - ending, n);
	return span_slice(s, 0, n - ending);
}

int
qp_decode(struct span s, struct buf *out)
{
	size_t before = out->len;
	bool good = true;

	while (s.n > 0 && good) {
		struct span end, line = first_line(s, &end);
		s = span_slice(s, line.n + end.n, s.n);
		while (line.n > 0 && ascii_is_blank(line.at[line.n - 1]))
			line.n--; /* not the author's (RFC 2045 6.7 rule 3) */
		bool soft = line.n > 0 && line.at[line.n - 1] == '=';
		line.n -= soft;
		for (size_t i = 0; i < line.n && good; i++) {
			int value = escaped(line, i);
			good = buf_add_char(out, value < 0 ? line.at[i] : (char)value) == 0;
			i += value < 0 ? 0 : 2;
		}
		good = good && (soft || buf_add_span(out, end) == 0);
	}
	return finish(out, before, good);
}

int
q_decode(struct span s, struct buf *out)
{
	size_t before = out->len;
	bool good = true;

	for (size_t i = 0; i < s.n && good; i++) {
		int value = escaped(s, i);
		char c = s.at[i] == '_' ? ' ' : s.at[i];

		good = buf_add_char(out, value < 0 ? c : (char)value) == 0;
		i += value < 0 ? 0 : 2;
	}
	return finish(out, before, good);
}

void
base32_id(const uint8_t bytes[17], char id[BASE32_ID + 1])
{
	static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";

	for (unsigned i = 0, bit = 0; i < BASE32_ID; i++, bit += 5) {
		unsigned pair = (unsigned)bytes[bit / 8] << 8 | bytes[bit / 8 + 1];
		id[i] = letters[pair >> (11 - bit % 8) & 31];
	}
	id[BASE32_ID] = '\0';
}

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

/* False where something else is inside, but for the lenient, who leave it out and stop at padding; or bits are left that are not 0. */
static bool
decode(struct span s, bool lenient, struct buf *out)
{
	uint32_t held = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < s.n; i++) {
		int value = sextet(s.at[i]);
		if (value < 0 && (!lenient || s.at[i] == '='))
			return lenient;
		if (value < 0)
			continue;
		held = held << 6 | (uint32_t)value;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buf_add_char(out, (char)(held >> bits));
		}
	}
	return (held & ((1u << bits) - 1)) == 0;
}

int
base64_decode(struct span s, struct buf *out)
{
	size_t before = out->len, n = s.n;

	while (n > 0 && s.n - n < 2 && s.at[n - 1] == '=')
		n--;
	/* Bits that encode nothing must be 0: one text for one meaning (RFC 4648 3.5). */
	bool good = s.n % 4 == 0 && decode(span_slice(s, 0, n), false, out) && !out->failed;
	if (!good)
		buf_cut(out, before);
	return good ? 0 : -1;
}

int
base64_decode_lenient(struct span s, struct buf *out)
{
	decode(s, true, out);
	return out->failed ? -1 : 0;
}

int
base64_encode_lines(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i += MIME_GROUP) {
		base64_encode(span_slice(s, i, i + MIME_GROUP), out);
		buf_add_string(out, "\r\n");
	}
	return out->failed ? -1 : 0;
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
	size_t column = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (at_line_end(s, i)) {
			buf_add_string(out, "\r\n");
			column = 0;
			i++;
			continue;
		}
		size_t width = qp_is_plain(s, i, column == 0) ? 1 : 3;
		size_t most = at_line_end(s, i + 1) ? MIME_LINE : MIME_LINE - 1; /* the = of a soft break */

		if (column + width > most) {
			buf_add_string(out, "=\r\n");
			column = 0;
			width = qp_is_plain(s, i, true) ? 1 : 3;
		}
		if (width == 1)
			buf_add_char(out, s.at[i]);
		else
			buf_printf(out, "=%02X", (unsigned char)s.at[i]);
		column += width;
	}
	return out->failed ? -1 : 0;
}

/* Each "=XX" as its byte; what is malformed as it is. */
static void
add_unescaped(struct span s, bool underscores, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		bool escape = s.at[i] == '=' && s.n - i >= 3;
		int high = escape ? ascii_hex(s.at[i + 1]) : -1, low = escape ? ascii_hex(s.at[i + 2]) : -1;

		if (high >= 0 && low >= 0) {
			buf_add_char(out, (char)(high * 16 + low));
			i += 2;
		} else
			buf_add_char(out, underscores && s.at[i] == '_' ? ' ' : s.at[i]);
	}
}

int
qp_decode(struct span s, struct buf *out)
{
	while (s.n > 0) {
		struct span line = span_line(s), text = line;
		s = span_slice(s, line.n, s.n);
		if (text.at[text.n - 1] == '\n')
			text.n--;
		if (text.n < line.n && text.n > 0 && text.at[text.n - 1] == '\r')
			text.n--;
		struct span end = { text.at + text.n, line.n - text.n };
		while (text.n > 0 && ascii_is_blank(text.at[text.n - 1]))
			text.n--; /* not the author's (RFC 2045 6.7 rule 3) */
		bool soft = text.n > 0 && text.at[text.n - 1] == '=';
		add_unescaped(span_slice(text, 0, text.n - soft), false, out);
		if (!soft)
			buf_add_span(out, end);
	}
	return out->failed ? -1 : 0;
}

int
q_decode(struct span s, struct buf *out)
{
	add_unescaped(s, true, out);
	return out->failed ? -1 : 0;
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

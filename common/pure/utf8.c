/* UTF-8 (RFC 3629): whether text is that, and text of other charsets made that. */
#include <stdint.h>

#include "codec.h"

/* How many bytes has the character at the start of s, which goes to *c? 0: it is none. RFC 3629 3. */
static size_t
character(struct span s, int32_t *c)
{
	static const int32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 }; /* else overlong */
	const uint8_t *p = (const uint8_t *)s.at;
	size_t n = p[0] < 0x80	 ? 1
		   : p[0] < 0xc0 ? 0
		   : p[0] < 0xe0 ? 2
		   : p[0] < 0xf0 ? 3
		   : p[0] < 0xf8 ? 4
				 : 0;

	if (n == 0 || n > s.n)
		return 0;
	*c = n == 1 ? p[0] : p[0] & 0xff >> (n + 1);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (p[i] & 0x3f);
	}
	bool surrogate = *c >= 0xd800 && *c <= 0xdfff;
	return *c < least[n] || surrogate || *c > 0x10ffff ? 0 : n;
}

int32_t
utf8_next(struct span s, size_t *n)
{
	int32_t c;
	size_t bytes = character(s, &c);

	*n = bytes == 0 ? 1 : bytes;
	return bytes == 0 ? -1 : c;
}

int
utf8_add(uint32_t c, struct buf *out)
{
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	char bytes[4];

	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		bytes[i] = (char)(0x80 | (c & 0x3f));
	bytes[0] = (char)(lead[n] | c);
	return buf_add(out, bytes, n);
}

bool
utf8_valid(struct span s)
{
	size_t n;

	for (; s.n > 0; s = span_slice(s, n, s.n))
		if (utf8_next(s, &n) < 0)
			return false;
	return true;
}

/* windows-1252, 80 to 9F, as code points; 0: no character. */
static const uint16_t windows_1252[32] = { 0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6,
	0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013,
	0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178 };

/* Where ISO-8859-15 is not ISO-8859-1. */
static const struct {
	uint8_t byte;
	uint16_t point;
} latin_9[] = { { 0xa4, 0x20ac }, { 0xa6, 0x0160 }, { 0xa8, 0x0161 }, { 0xb4, 0x017d }, { 0xb8, 0x017e },
	{ 0xbc, 0x0152 }, { 0xbd, 0x0153 }, { 0xbe, 0x0178 } };

enum charset { UTF_8, WINDOWS_1252, LATIN_9, UNKNOWN };

/* What says ISO-8859-1 is windows-1252 more often than not, and the control characters that ISO has there mean nothing in mail. */
static enum charset
charset_of(struct span name)
{
	static const struct {
		const char *name;
		enum charset charset;
	} charsets[] = { { "utf-8", UTF_8 }, { "utf8", UTF_8 }, { "us-ascii", UTF_8 }, { "ascii", UTF_8 },
		{ "", UTF_8 }, { "iso-8859-1", WINDOWS_1252 }, { "latin1", WINDOWS_1252 },
		{ "windows-1252", WINDOWS_1252 }, { "cp1252", WINDOWS_1252 }, { "iso-8859-15", LATIN_9 },
		{ "latin-9", LATIN_9 } };

	for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++)
		if (span_is_nocase(name, charsets[i].name))
			return charsets[i].charset;
	return UNKNOWN;
}

/* The byte's code point, '?' for none. */
static uint32_t
point_of(uint8_t byte, enum charset charset)
{
	uint32_t point = byte;

	if (byte >= 0x80 && charset == UNKNOWN)
		point = 0;
	else if (byte >= 0x80 && byte < 0xa0)
		point = windows_1252[byte - 0x80];
	for (size_t i = 0; i < sizeof(latin_9) / sizeof(latin_9[0]) && charset == LATIN_9; i++)
		if (latin_9[i].byte == byte)
			point = latin_9[i].point;
	return point == 0 ? '?' : point;
}

int
utf8_from(struct span text, struct span charset, struct buf *out)
{
	enum charset from = charset_of(charset);

	for (size_t n = 1; text.n > 0; text = span_slice(text, n, text.n))
		if (from != UTF_8)
			utf8_add(point_of((uint8_t)text.at[0], from), out);
		else if (utf8_next(text, &n) >= 0)
			buf_add(out, text.at, n);
		else
			buf_add_char(out, '?');
	return out->failed ? -1 : 0;
}

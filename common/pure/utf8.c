#include <stdint.h>

#include "codec.h"

/* RFC 3629 4 as a table: what a first byte says about the bytes behind it. */
static const struct {
	uint8_t first, last;	 /* this range of first bytes */
	uint8_t lowest, highest; /* the second byte */
	uint8_t n;		 /* bytes in all; from the third on 80 to BF */
} sequences[] = {
	{ 0x00, 0x7f, 0x00, 0x00, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
	{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },				      /* else overlong */
	{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, /* else a surrogate */
	{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 }, /* else overlong */
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 }, /* else past U+10FFFF */
};

enum { SEQUENCES = sizeof(sequences) / sizeof(sequences[0]) };

/* How many bytes has the character at p, of which n bytes are there? 0: it is none. */
static size_t
character(const uint8_t *p, size_t n)
{
	unsigned row = 0;

	while (row < SEQUENCES && p[0] > sequences[row].last)
		row++;
	if (row == SEQUENCES || p[0] < sequences[row].first || n < sequences[row].n)
		return 0;
	if (sequences[row].n > 1 && (p[1] < sequences[row].lowest || p[1] > sequences[row].highest))
		return 0;
	for (size_t i = 2; i < sequences[row].n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return sequences[row].n;
}

int32_t
utf8_next(struct span s, size_t *n)
{
	const uint8_t *p = (const uint8_t *)s.at;
	size_t bytes = character(p, s.n);
	int32_t c = bytes < 2 ? p[0] : p[0] & 0xff >> (bytes + 1);

	for (size_t i = 1; i < bytes; i++)
		c = c << 6 | (p[i] & 0x3f);
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
	const uint8_t *p = (const uint8_t *)s.at;
	size_t n;

	for (size_t i = 0; i < s.n; i += n) {
		n = character(p + i, s.n - i);
		if (n == 0)
			return false;
	}
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

/*
 * What says ISO-8859-1 is windows-1252 more often than not, and the control characters that ISO has there mean
 * nothing in mail, so both are read as the latter.
 */
static unsigned
point_latin_1(uint8_t byte)
{
	return byte >= 0x80 && byte < 0xa0 ? windows_1252[byte - 0x80] : byte;
}

static unsigned
point_latin_9(uint8_t byte)
{
	for (size_t i = 0; i < sizeof(latin_9) / sizeof(latin_9[0]); i++)
		if (latin_9[i].byte == byte)
			return latin_9[i].point;
	return point_latin_1(byte);
}

static unsigned
point_unknown(uint8_t byte)
{
	return byte < 0x80 ? byte : 0;
}

/* The byte's code point, 0 for none; NULL: the text is UTF-8. */
typedef unsigned (*charset_point)(uint8_t);

static charset_point
charset_find(struct span name)
{
	static const struct {
		const char *name;
		charset_point point;
	} charsets[] = { { "utf-8", NULL }, { "utf8", NULL }, { "us-ascii", NULL }, { "ascii", NULL },
		{ "", NULL }, { "iso-8859-1", point_latin_1 }, { "latin1", point_latin_1 },
		{ "windows-1252", point_latin_1 }, { "cp1252", point_latin_1 },
		{ "iso-8859-15", point_latin_9 }, { "latin-9", point_latin_9 } };

	for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++)
		if (span_is_nocase(name, charsets[i].name))
			return charsets[i].point;
	return point_unknown;
}

int
utf8_from(struct span text, struct span charset, struct buf *out)
{
	const uint8_t *p = (const uint8_t *)text.at;
	charset_point point = charset_find(charset);
	size_t before = out->len, n = 1;
	int failed = 0;

	for (size_t i = 0; i < text.n && failed == 0; i += n > 0 ? n : 1) {
		n = point == NULL ? character(p + i, text.n - i) : 1;
		if (point == NULL && n > 0)
			failed = buf_add(out, p + i, n);
		else {
			unsigned c = point == NULL ? 0 : point(p[i]);
			failed = utf8_add(c == 0 ? '?' : c, out);
		}
	}
	if (failed != 0)
		buf_cut(out, before);
	return failed;
}

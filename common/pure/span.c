#include "span.h"

#include <string.h>

struct span
span_of(const char *string)
{
	return (struct span){ string, strlen(string) };
}

struct span
span_slice(struct span s, size_t from, size_t to)
{
	if (to > s.n)
		to = s.n;
	if (from >= to)
		return (struct span){ NULL, 0 };
	return (struct span){ s.at + from, to - from };
}

void
span_skip(struct span *s, size_t n)
{
	s->at += n;
	s->n -= n;
}

struct span
span_trim(struct span s)
{
	while (s.n > 0 && ascii_is_space(s.at[0])) {
		s.at++;
		s.n--;
	}
	while (s.n > 0 && ascii_is_space(s.at[s.n - 1]))
		s.n--;
	return s;
}

struct span
span_line(struct span s)
{
	const char *lf = s.n > 0 ? memchr(s.at, '\n', s.n) : NULL;

	return lf == NULL ? s : span_slice(s, 0, (size_t)(lf - s.at) + 1);
}

bool
span_has(struct span s, char c)
{
	return s.n > 0 && memchr(s.at, c, s.n) != NULL;
}

struct span
span_word(struct span *s)
{
	size_t n = 0;

	*s = span_trim(*s);
	while (n < s->n && !ascii_is_space(s->at[n]))
		n++;
	struct span word = span_slice(*s, 0, n);
	*s = span_trim(span_slice(*s, n, s->n));
	return word;
}

bool
span_equal(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.at, b.at, a.n) == 0);
}

bool
span_is(struct span s, const char *string)
{
	return span_equal(s, span_of(string));
}

bool
span_equal_nocase(struct span a, struct span b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
			return false;
	return true;
}

bool
span_is_nocase(struct span s, const char *string)
{
	return span_equal_nocase(s, span_of(string));
}

struct span
span_until(struct span s, char c, struct span *rest)
{
	const char *found = s.n > 0 ? memchr(s.at, c, s.n) : NULL;

	if (found == NULL) {
		*rest = (struct span){ NULL, 0 };
		return s;
	}
	size_t n = (size_t)(found - s.at);
	*rest = (struct span){ found + 1, s.n - n - 1 };
	return (struct span){ s.at, n };
}

long long
span_number(struct span s, long long max)
{
	long long value = 0;

	if (s.n == 0 || s.n > 19)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_is_digit(s.at[i]))
			return -1;
		int digit = s.at[i] - '0';
		if (digit > max || value > (max - digit) / 10)
			return -1;
		value = value * 10 + digit;
	}
	return value;
}

bool
span_is_word(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_print(s.at[i]) || s.at[i] == ' ')
			return false;
	return s.n > 0;
}

bool
span_is_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.at[i] >= 0x80)
			return false;
	return true;
}

char
ascii_lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c + ('a' - 'A'));
	return c;
}

bool
ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
ascii_is_alnum(char c)
{
	char lower = ascii_lower(c);

	return ascii_is_digit(c) || (lower >= 'a' && lower <= 'z');
}

bool
ascii_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool
ascii_is_space(char c)
{
	return ascii_is_blank(c) || c == '\r' || c == '\n';
}

bool
ascii_is_print(char c)
{
	return c >= ' ' && c <= '~';
}

int
ascii_hex(char c)
{
	char lower = ascii_lower(c);

	if (ascii_is_digit(c))
		return c - '0';
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

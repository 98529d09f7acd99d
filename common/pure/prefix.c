#include "prefix.h"

#include <string.h>

#include "hash.h"

static const char entry_name[] = "X-UIDL: ";

enum { NAME = sizeof(entry_name) - 1, SUM = 9 /* digits and line end */, NEAR = 512 };

/* A line without CR before its LF and without NULs, behind *length of the prefix. Returns its bytes in text; 0: no whole line, or too long. */
static size_t
take_line(struct span text, struct prefix *p)
{
	const char *lf = text.n > 0 ? memchr(text.at, '\n', text.n) : NULL;
	size_t n = lf == NULL ? 0 : (size_t)(lf - text.at) + 1;

	for (size_t i = 0; i < n; i++) {
		bool cr = text.at[i] == '\r' && i + 2 == n;
		if (cr || text.at[i] == '\0') {
			p->changed = true;
			continue;
		}
		if (p->length == sizeof(p->text))
			return 0;
		p->text[p->length++] = text.at[i];
	}
	p->raw += n;
	return n;
}

bool
prefix_read(struct span text, struct prefix *p)
{
	p->length = p->raw = p->from = 0;
	p->changed = false;
	size_t n = take_line(text, p);
	p->from = p->length;
	if (n == 0 || !mbox_is_from_line((struct span){ p->text, p->from }))
		return false;
	if (take_line(span_slice(text, n, text.n), p) == 0)
		return false;
	struct span line = { p->text + p->from, p->length - p->from };
	return mbox_entry_parse(span_slice(line, 0, line.n - 1), &p->entry);
}

bool
prefix_suspect(struct span text)
{
	for (size_t i = 0; i + NAME <= text.n && i < NEAR; i++) {
		size_t wrong = 0;
		for (size_t j = 0; j < NAME && wrong < 2; j++)
			wrong += text.at[i + j] != entry_name[j];
		if (wrong < 2)
			return true;
	}
	return false;
}

bool
prefix_flip(struct span text, size_t *bit, struct prefix *p)
{
	char copy[NEAR];
	size_t n = text.n < sizeof(copy) ? text.n : sizeof(copy);

	if (n == 0)
		return false;
	memcpy(copy, text.at, n);
	while (*bit < n * 8) {
		char *byte = &copy[*bit / 8];
		char was = *byte;
		*byte = (char)(was ^ (1 << *bit % 8));
		++*bit;
		bool found = prefix_read((struct span){ copy, n }, p) && !p->changed;
		*byte = was;
		if (found) {
			p->changed = true;
			return true;
		}
	}
	return false;
}

bool
prefix_fits(const struct prefix *p, uint64_t n, uint32_t sum)
{
	if (p->entry.stored != p->length + n || p->length < SUM)
		return false;
	return adler32_combine(adler32(1, p->text, p->length - SUM), sum, n) == p->entry.sum;
}

bool
prefix_may_begin(struct span line, const char *words)
{
	size_t n = line.n < strlen(words) ? line.n : strlen(words);

	return n == 0 || memcmp(line.at, words, n) == 0;
}

bool
prefix_is_dated(struct span line)
{
	bool time = false, year = false;

	for (size_t i = 0; i + 5 <= line.n; i++) {
		const char *c = line.at + i;
		bool four = ascii_is_digit(c[1]) && ascii_is_digit(c[2]) && ascii_is_digit(c[3]) &&
			    ascii_is_digit(c[4]);
		time |= ascii_is_digit(c[0]) && ascii_is_digit(c[1]) && c[2] == ':' && ascii_is_digit(c[3]) &&
			ascii_is_digit(c[4]);
		year |= c[0] == ' ' && four && (c[1] == '1' || c[1] == '2');
	}
	return time && year;
}

bool
prefix_is_field(struct span line)
{
	size_t i = 0;

	while (i < line.n && line.at[i] > ' ' && line.at[i] < 0x7f && line.at[i] != ':')
		i++;
	return i > 0 && i < line.n && line.at[i] == ':';
}

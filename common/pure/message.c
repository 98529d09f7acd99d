#include "message.h"

#include <string.h>

/* Where the line that begins at `from` ends, its LF included. */
static size_t
line_end(struct span s, size_t from)
{
	const char *lf = from < s.n ? memchr(s.at + from, '\n', s.n - from) : NULL;

	return lf == NULL ? s.n : (size_t)(lf - s.at) + 1;
}

/* The field name at the start of s, its length; 0 where there is none. *colon is where the colon stands. */
static size_t
name_length(struct span s, size_t *colon)
{
	size_t n = 0;

	while (n < s.n && s.at[n] > ' ' && s.at[n] <= '~' && s.at[n] != ':')
		n++;
	*colon = n;
	while (*colon < s.n && ascii_is_blank(s.at[*colon]))
		(*colon)++;
	return *colon < s.n && s.at[*colon] == ':' ? n : 0;
}

/* "From …", quoted or not. */
static bool
is_envelope_line(struct span s)
{
	size_t quoted = s.n > 0 && s.at[0] == '>' ? 1 : 0;

	return span_is(span_slice(s, quoted, quoted + strlen("From ")), "From ");
}

/* At the end of the header: leave out the empty line, if there is one. */
static bool
end_header(struct span *rest)
{
	if (rest->n >= 1 && rest->at[0] == '\n')
		*rest = span_slice(*rest, 1, rest->n);
	else if (rest->n >= 2 && rest->at[0] == '\r' && rest->at[1] == '\n')
		*rest = span_slice(*rest, 2, rest->n);
	return false;
}

bool
field_next(struct span *rest, struct field *field)
{
	struct span s = *rest;
	size_t colon;

	while (is_envelope_line(s))
		s = span_slice(s, line_end(s, 0), s.n);
	*rest = s;
	size_t n = name_length(s, &colon);

	if (n == 0)
		return end_header(rest);
	size_t end = line_end(s, colon);
	while (end < s.n && ascii_is_blank(s.at[end]))
		end = line_end(s, end);
	size_t last = end;
	if (last > colon + 1 && s.at[last - 1] == '\n')
		last--;
	if (last < end && last > colon + 1 && s.at[last - 1] == '\r')
		last--;
	field->name = span_slice(s, 0, n);
	field->value = span_slice(s, colon + 1, last);
	field->whole = span_slice(s, 0, end);
	*rest = span_slice(s, end, s.n);
	return true;
}

bool
field_find(struct span message, const char *name, struct field *field)
{
	while (field_next(&message, field))
		if (span_is_nocase(field->name, name))
			return true;
	return false;
}

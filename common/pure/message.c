#include "message.h"

#include <string.h>

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

bool
field_next(struct span *rest, struct field *field)
{
	struct span line;
	size_t colon;

	for (line = span_line(*rest); is_envelope_line(line); line = span_line(*rest))
		span_skip(rest, line.n);
	struct span s = *rest;
	size_t n = name_length(s, &colon);
	if (n == 0) {
		if (span_is(line, "\n") || span_is(line, "\r\n"))
			span_skip(rest, line.n);
		return false;
	}
	size_t end = colon + span_line(span_slice(s, colon, s.n)).n;
	while (end < s.n && ascii_is_blank(s.at[end]))
		end += span_line(span_slice(s, end, s.n)).n;
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

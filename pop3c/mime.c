#include "mime.h"

#include <string.h>

#include "codec.h"
#include "message.h"

enum { VALUE = 1024, BOUNDARY = 256 }; /* RFC 2046 5.1.1: 70 */

/* One that is there, whole and not empty, takes the place of what was known. */
static void
take_parameter(struct span value, const char *name, struct buf *known)
{
	struct buf found;

	buf_init(&found, known->max);
	if (parameter_find(value, name, &found) && found.len > 0) {
		buf_clear(known);
		buf_add_span(known, buf_span(&found));
	}
	buf_free(&found);
}

static void
parse_type(struct part *p, struct span value)
{
	struct span rest, type = span_trim(span_until(value, ';', &rest));

	buf_clear(&p->type);
	for (size_t i = 0; i < type.n; i++)
		buf_add_char(&p->type, ascii_lower(type.at[i]));
	if (p->type.failed || memchr(type.at, '/', type.n) == NULL) {
		buf_clear(&p->type);
		buf_add_string(&p->type, "text/plain");
	}
	take_parameter(value, "charset", &p->charset);
	take_parameter(value, "boundary", &p->boundary);
	take_parameter(value, "name", &p->name);
}

static void
parse_disposition(struct part *p, struct span value)
{
	struct span rest, kind = span_trim(span_until(value, ';', &rest));

	p->attachment = kind.n > 0 && !span_is_nocase(kind, "inline");
	take_parameter(value, "filename", &p->name);
}

static void
parse_encoding(struct part *p, struct span value)
{
	struct span rest, word = span_trim(span_until(span_trim(value), ';', &rest));

	if (span_is_nocase(word, "base64"))
		p->encoding = MIME_BASE64;
	else if (span_is_nocase(word, "quoted-printable"))
		p->encoding = MIME_QUOTED_PRINTABLE;
}

/* The value of the first field of that name, on one line; empty where there is none. */
static struct span
value_of(struct span entity, const char *name, struct buf *value)
{
	struct field field;

	buf_clear(value);
	if (field_find(entity, name, &field))
		field_unfold(field.value, value);
	return value->failed ? (struct span){ NULL, 0 } : buf_span(value);
}

void
part_parse(struct part *p, struct span entity)
{
	struct field field;
	struct buf value;
	struct span words;

	*p = (struct part){ .body = entity };
	buf_init(&p->type, VALUE);
	buf_init(&p->charset, VALUE);
	buf_init(&p->boundary, BOUNDARY);
	buf_init(&p->name, 4 * VALUE);
	buf_init(&value, 16 * VALUE);
	buf_add_string(&p->type, "text/plain");
	while (field_next(&p->body, &field))
		;
	words = value_of(entity, "Content-Type", &value);
	if (words.n > 0)
		parse_type(p, words);
	words = value_of(entity, "Content-Disposition", &value);
	if (words.n > 0)
		parse_disposition(p, words);
	parse_encoding(p, value_of(entity, "Content-Transfer-Encoding", &value));
	buf_free(&value);
}

void
part_free(struct part *p)
{
	buf_free(&p->type);
	buf_free(&p->charset);
	buf_free(&p->boundary);
	buf_free(&p->name);
}

bool
part_is(const struct part *p, const char *prefix)
{
	size_t n = strlen(prefix);

	return p->type.len >= n && memcmp(p->type.data, prefix, n) == 0;
}

/* How a line stands to the boundary: 0 not at all, 1 a delimiter, 2 the last one. */
static int
delimits(const struct part *p, struct span line)
{
	line = span_trim(line);
	if (line.n < p->boundary.len + 2 || memcmp(line.at, "--", 2) != 0 ||
	    memcmp(line.at + 2, p->boundary.data, p->boundary.len) != 0)
		return 0;
	line = span_slice(line, p->boundary.len + 2, line.n);
	return line.n == 0 ? 1 : span_is(line, "--") ? 2 : 0;
}

/* Text up to a delimiter, without the line end before it, which is the delimiter's. */
static struct span
before(struct span text, const char *delimiter)
{
	size_t n = (size_t)(delimiter - text.at);

	if (n > 0 && text.at[n - 1] == '\n')
		n--;
	if (n > 0 && text.at[n - 1] == '\r')
		n--;
	return (struct span){ text.at, n };
}

bool
part_child(const struct part *p, struct span *rest, bool *begun, struct span *child)
{
	struct span text = *rest, at = *rest;

	if (p->boundary.len == 0)
		return false;
	while (at.n > 0) {
		struct span line = at;
		const char *end = memchr(at.at, '\n', at.n);
		line.n = end == NULL ? at.n : (size_t)(end - at.at) + 1;
		int kind = at.n > 1 && at.at[0] == '-' && at.at[1] == '-' ? delimits(p, line) : 0;
		at = span_slice(at, line.n, at.n);
		if (kind == 0)
			continue;
		bool first = !*begun;
		*begun = true;
		*rest = kind == 2 ? (struct span){ NULL, 0 } : at;
		if (!first) {
			*child = before(text, line.at);
			return true;
		}
		if (kind == 2)
			return false;
		text = at;
	}
	*rest = (struct span){ NULL, 0 };
	*child = text;
	return *begun && text.n > 0;
}

int
part_decode(const struct part *p, struct buf *out)
{
	switch (p->encoding) {
	case MIME_BASE64:
		return base64_decode_lenient(p->body, out);
	case MIME_QUOTED_PRINTABLE:
		return qp_decode(p->body, out);
	case MIME_AS_IS:
		break;
	}
	return buf_add_span(out, p->body);
}

int
part_utf8(const struct part *p, struct span decoded, struct buf *out)
{
	struct span charset = buf_span(&p->charset);
	bool unsaid = charset.n == 0 || span_is_nocase(charset, "us-ascii");

	if ((unsaid || span_is_nocase(charset, "utf-8")) && utf8_valid(decoded))
		return buf_add_span(out, decoded);
	if (unsaid)
		charset = span_of("windows-1252");
	return utf8_from(decoded, charset, out);
}

#include "show.h"

#include "address.h"
#include "codec.h"
#include "message.h"
#include "safe.h"

enum { FIELD = 16 * 1024, VALUE = 1024, BOUNDARY = 256 }; /* RFC 2046 5.1.1: 70 */

/* A message, or a child of one, taken apart (RFC 2045, 2046); what is malformed is plain text. The spans point into it. */
struct part {
	struct span type, body;
	int (*decode)(struct span, struct buf *out); /* the transfer encoding; NULL: none */
	bool attachment;			     /* Content-Disposition says so */
	struct buf charset, boundary, name; /* empty where it is not said; the name may hold anything */
};

/* What is under way: how deep, how many parts so far. */
struct view {
	struct buf *out;
	size_t max; /* bytes of a decoded part */
	int depth, parts;
};

/* Without regard to case. */
static bool
begins(struct span s, const char *prefix)
{
	return span_is_nocase(span_slice(s, 0, span_of(prefix).n), prefix);
}

/* Unless it is known already. */
static void
take_parameter(struct span value, const char *name, struct buf *found)
{
	if (found->len == 0 && !parameter_find(value, name, found))
		buf_clear(found);
}

static struct span
value_of(struct span entity, const char *name)
{
	struct field field;

	return field_find(entity, name, &field) ? span_slice(field.value, 0, FIELD) : span_of("");
}

static void
part_parse(struct part *p, struct span entity)
{
	struct span rest, kind, value = value_of(entity, "Content-Disposition");
	struct field field;

	*p = (struct part){ .body = entity };
	buf_init(&p->charset, VALUE);
	buf_init(&p->boundary, BOUNDARY);
	buf_init(&p->name, 4 * VALUE);
	while (field_next(&p->body, &field))
		continue;
	kind = span_trim(span_until(value, ';', &rest));
	p->attachment = kind.n > 0 && !span_is_nocase(kind, "inline");
	take_parameter(value, "filename", &p->name);
	value = value_of(entity, "Content-Type");
	p->type = span_trim(span_until(value, ';', &rest));
	if (!span_has(p->type, '/'))
		p->type = span_of("text/plain");
	take_parameter(value, "charset", &p->charset);
	take_parameter(value, "boundary", &p->boundary);
	take_parameter(value, "name", &p->name);
	value = span_trim(span_until(value_of(entity, "Content-Transfer-Encoding"), ';', &rest));
	if (span_is_nocase(value, "base64"))
		p->decode = base64_decode_lenient;
	else if (span_is_nocase(value, "quoted-printable"))
		p->decode = qp_decode;
}

static void
part_free(struct part *p)
{
	buf_free(&p->charset);
	buf_free(&p->boundary);
	buf_free(&p->name);
}

/*
 * The text up to the next delimiter of a multipart, without the line end before it, which is the delimiter's. False: there is none, and the text is
 * all the rest. *last: no child follows.
 */
static bool
next_child(const struct part *p, struct span *rest, struct span *text, bool *last)
{
	struct span boundary = buf_span(&p->boundary), all = *rest;

	while (boundary.n > 0 && rest->n > 0) {
		size_t end = (size_t)(rest->at - all.at);
		struct span line = span_line(*rest),
			    tail = span_trim(span_slice(line, boundary.n + 2, line.n));
		*rest = span_slice(*rest, line.n, rest->n);
		*last = span_is(tail, "--");
		if (!begins(line, "--") || !span_equal(span_slice(line, 2, boundary.n + 2), boundary) ||
		    (tail.n > 0 && !*last))
			continue;
		if (end > 0 && all.at[end - 1] == '\n')
			end--;
		if (end > 0 && all.at[end - 1] == '\r')
			end--;
		*text = span_slice(all, 0, end);
		return true;
	}
	*text = all;
	*last = true;
	return false;
}

/* With its encoded words read, in one line. */
static void
add_words(struct span value, struct buf *out)
{
	struct buf words;

	buf_init(&words, 4 * SHOW_HEADER);
	words_decode(value, &words);
	safe_add(buf_span(&words), SAFE_LINE, out);
	buf_free(&words);
}

static void
add_header(struct span message, struct buf *out)
{
	static const char *const names[] = { "From", "To", "Cc", "Date", "Subject" };
	struct field field;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (field_find(message, names[i], &field)) {
			buf_printf(out, "%s: ", names[i]);
			add_words(field.value, out);
			buf_add_char(out, '\n');
		}
}

/* Parts stand apart by one empty line. */
static void
part_from_last(struct buf *out)
{
	if (out->len > 0 && out->data[out->len - 1] != '\n')
		buf_add_char(out, '\n');
	if (out->len > 1 && out->data[out->len - 2] != '\n')
		buf_add_char(out, '\n');
}

static void
add_note(struct view *v, const char *note)
{
	part_from_last(v->out);
	buf_add_string(v->out, note);
}

/* Where nothing is said of the charset, UTF-8 if it is valid, else windows-1252. */
static void
show_text(struct view *v, const struct part *p)
{
	struct span text = p->body, charset = buf_span(&p->charset);
	bool unsaid = charset.n == 0 || span_is_nocase(charset, "us-ascii");
	struct buf decoded, utf8, plain;

	buf_init(&decoded, v->max);
	buf_init(&utf8, 4 * v->max);
	buf_init(&plain, 4 * v->max);
	if (p->decode != NULL) {
		p->decode(text, &decoded);
		text = buf_span(&decoded);
	}
	if (!(unsaid || span_is_nocase(charset, "utf-8")) || !utf8_valid(text)) {
		utf8_from(text, unsaid ? span_of("windows-1252") : charset, &utf8);
		text = buf_span(&utf8);
	}
	part_from_last(v->out);
	if (begins(p->type, "text/html")) {
		html_to_text(text, &plain);
		text = buf_span(&plain);
		buf_add_string(v->out, "[HTML, shown without its tags]\n\n");
	}
	safe_add(text, SAFE_TEXT, v->out);
	if (decoded.failed || utf8.failed || plain.failed)
		buf_add_string(v->out, "[too long to be shown]\n");
	buf_free(&decoded);
	buf_free(&utf8);
	buf_free(&plain);
}

static void
show_attachment(struct view *v, const struct part *p)
{
	bool base64 = p->decode == base64_decode_lenient;
	size_t octets = base64 ? (p->body.n - p->body.n / 78 * 2) / 4 * 3 : p->body.n;

	add_note(v, "[attachment: ");
	size_t before = v->out->len;
	safe_add(buf_span(&p->name), SAFE_LINE, v->out);
	buf_add_string(v->out, v->out->len > before ? ", " : "");
	safe_add(p->type, SAFE_LINE, v->out);
	if (octets < 10240)
		buf_printf(v->out, ", %zu bytes]\n", octets);
	else
		buf_printf(v->out, ", %zu KB]\n", octets / 1024);
}

/* How much a part of multipart/alternative is worth to a terminal. */
static int
rank(struct span entity)
{
	struct part p;

	part_parse(&p, entity);
	int worth = begins(p.type, "text/plain")   ? 4
		    : begins(p.type, "multipart/") ? 3
		    : begins(p.type, "text/html")  ? 2
						   : begins(p.type, "text/");
	part_free(&p);
	return worth;
}

static void show_entity(struct view *, struct span entity, bool chosen);

static void
show_children(struct view *v, const struct part *p)
{
	bool alternative = begins(p->type, "multipart/alternative"), last;
	struct span rest = p->body, child, best = { NULL, 0 };
	int best_rank = -1;

	if (!next_child(p, &rest, &child, &last))
		show_text(v, p); /* its boundary is nowhere: better all of it than nothing */
	while (!last && v->parts < SHOW_PARTS) {
		if (!next_child(p, &rest, &child, &last) && child.n == 0)
			break;
		if (!alternative) {
			show_entity(v, child, false);
			continue;
		}
		v->parts++;
		int worth = rank(child);
		if (worth > best_rank) {
			best = child;
			best_rank = worth;
		}
	}
	if (best_rank >= 0)
		show_entity(v, best, true);
	else if (!last && rest.n > 0)
		add_note(v, "[more parts than are shown]\n");
}

/* One that was chosen from alternatives is no attachment. */
static void
show_entity(struct view *v, struct span entity, bool chosen)
{
	struct part p;

	v->parts++;
	part_parse(&p, entity);
	if (++v->depth > SHOW_DEPTH)
		add_note(v, "[parts within parts, too deep to be shown]\n");
	else if (begins(p.type, "multipart/"))
		show_children(v, &p);
	else if (begins(p.type, "message/rfc822") && !p.attachment) {
		part_from_last(v->out);
		add_header(p.body, v->out);
		buf_add_char(v->out, '\n');
		show_entity(v, p.body, false);
	} else if (begins(p.type, "text/") && (chosen || !p.attachment))
		show_text(v, &p);
	else
		show_attachment(v, &p);
	v->depth--;
	part_free(&p);
}

int
show_message(struct span message, struct buf *out)
{
	struct view v = { .out = out, .max = message.n + 64 };

	add_header(message, out);
	buf_add_char(out, '\n');
	show_entity(&v, message, true);
	if (out->len > 0 && out->data[out->len - 1] != '\n')
		buf_add_char(out, '\n');
	return out->failed ? -1 : 0;
}

/* The first address of a list, its name decoded; where it has none, all that stands there. */
static void
add_address(struct span value, struct buf *out)
{
	struct span rest = value;
	struct buf name, address;
	size_t before = out->len;
	const char *reason;

	buf_init(&name, SHOW_HEADER);
	buf_init(&address, SHOW_HEADER);
	if (address_next(&rest, &name, &address, &reason) == 1) {
		add_words(buf_span(&name), out);
		bool named = out->len > before;
		buf_add_string(out, named ? " <" : "");
		safe_add(buf_span(&address), SAFE_LINE, out);
		buf_add_string(out, named ? ">" : "");
	} else
		add_words(value, out);
	buf_free(&name);
	buf_free(&address);
}

static void
add_sender(struct span header, struct buf *out)
{
	static const char *const names[] = { "From", "Sender", "Return-Path" };
	struct field field;
	size_t before = out->len;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && out->len == before; i++)
		if (field_find(header, names[i], &field))
			add_address(field.value, out);
	if (out->len == before)
		buf_add_char(out, '-');
}

/* When it was written; else when it came here, which stands behind the last semicolon of the topmost Received (RFC 5321 4.4). */
static void
add_date(struct span header, show_zone *zone, struct buf *out)
{
	struct field field;
	int64_t seconds;

	bool found = field_find(header, "Date", &field) && date_parse(field.value, &seconds, NULL) == 0;
	if (!found && field_find(header, "Received", &field)) {
		size_t at = field.value.n;
		while (at > 0 && field.value.at[at - 1] != ';')
			at--;
		found = date_parse(span_slice(field.value, at, field.value.n), &seconds, NULL) == 0;
	}
	if (!found) {
		buf_add_string(out, "---------- --:--");
		return;
	}
	struct tm tm = date_split(seconds, zone(seconds));
	buf_printf(out, "%04d-%02d-%02d %02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
	    tm.tm_min);
}

int
show_summary(struct span header, show_zone *zone, struct buf *out)
{
	size_t before = out->len;
	struct field field;

	add_sender(header, out);
	size_t width = safe_width(span_slice(buf_span(out), before, out->len));
	while (width++ < SHOW_SENDER)
		buf_add_char(out, ' ');
	buf_add_string(out, "  ");
	add_date(header, zone, out);
	buf_add_string(out, "  ");
	before = out->len;
	if (field_find(header, "Subject", &field))
		add_words(field.value, out);
	if (out->len == before)
		buf_add_string(out, "(no subject)");
	return out->failed ? -1 : 0;
}

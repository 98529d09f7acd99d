#include "show.h"

#include "address.h"
#include "codec.h"
#include "message.h"
#include "mime.h"
#include "safe.h"

/* What is under way: how deep, how many parts so far. */
struct view {
	struct buf *out;
	size_t max; /* bytes of a decoded part */
	int depth, parts;
};

static void show_entity(struct view *, struct span entity, int alternative);

/* A field's value, decoded, in one line. False where there is no such field. */
static bool
add_value(struct span message, const char *name, struct buf *out)
{
	struct field field;
	struct buf words;

	if (!field_find(message, name, &field))
		return false;
	buf_init(&words, 4 * SHOW_HEADER);
	words_decode(field.value, &words);
	safe_add(buf_span(&words), SAFE_LINE, out);
	buf_free(&words);
	return true;
}

static void
add_header(struct span message, struct buf *out)
{
	static const char *const names[] = { "From", "To", "Cc", "Date", "Subject" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t before = out->len;
		buf_printf(out, "%s: ", names[i]);
		if (add_value(message, names[i], out))
			buf_add_char(out, '\n');
		else
			buf_cut(out, before);
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
show_text(struct view *v, const struct part *p)
{
	struct buf decoded, utf8, plain;
	bool html = part_is(p, "text/html");

	buf_init(&decoded, v->max);
	buf_init(&utf8, 4 * v->max);
	buf_init(&plain, 4 * v->max);
	part_decode(p, &decoded);
	part_utf8(p, buf_span(&decoded), &utf8);
	buf_free(&decoded);
	part_from_last(v->out);
	if (html) {
		buf_add_string(v->out, "[HTML, shown without its tags]\n\n");
		html_to_text(buf_span(&utf8), &plain);
	}
	safe_add(buf_span(html ? &plain : &utf8), SAFE_TEXT, v->out);
	if (utf8.failed || plain.failed)
		buf_add_string(v->out, "[too long to be shown]\n");
	buf_free(&utf8);
	buf_free(&plain);
}

static void
show_attachment(struct view *v, const struct part *p)
{
	size_t octets = p->encoding == MIME_BASE64 ? (p->body.n - p->body.n / 78 * 2) / 4 * 3 : p->body.n;

	part_from_last(v->out);
	buf_add_string(v->out, "[attachment: ");
	size_t before = v->out->len;
	safe_add(buf_span(&p->name), SAFE_LINE, v->out);
	buf_add_string(v->out, v->out->len > before ? ", " : "");
	safe_add(buf_span(&p->type), SAFE_LINE, v->out);
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
	int worth = part_is(&p, "text/plain")	? 4
		    : part_is(&p, "multipart/") ? 3
		    : part_is(&p, "text/html")	? 2
						: part_is(&p, "text/");
	part_free(&p);
	return worth;
}

static void
show_alternative(struct view *v, const struct part *p)
{
	struct span rest = p->body, child, best = { NULL, 0 };
	bool begun = false;
	int best_rank = -1;

	while (v->parts < SHOW_PARTS && part_child(p, &rest, &begun, &child)) {
		int worth = rank(child);
		v->parts++;
		if (worth > best_rank) {
			best = child;
			best_rank = worth;
		}
	}
	if (best_rank >= 0)
		show_entity(v, best, 1);
}

static void
show_children(struct view *v, const struct part *p)
{
	struct span rest = p->body, child;
	bool begun = false;

	while (v->parts < SHOW_PARTS && part_child(p, &rest, &begun, &child))
		show_entity(v, child, 0);
	if (!begun)
		show_text(v, p); /* its boundary is nowhere: better all of it than nothing */
	else if (v->parts >= SHOW_PARTS && rest.n > 0) {
		part_from_last(v->out);
		buf_add_string(v->out, "[more parts than are shown]\n");
	}
}

/* alternative: it was chosen from others, so it is no attachment. */
static void
show_entity(struct view *v, struct span entity, int alternative)
{
	struct part p;

	v->parts++;
	part_parse(&p, entity);
	if (++v->depth > SHOW_DEPTH) {
		part_from_last(v->out);
		buf_add_string(v->out, "[parts within parts, too deep to be shown]\n");
	} else if (part_is(&p, "multipart/alternative"))
		show_alternative(v, &p);
	else if (part_is(&p, "multipart/"))
		show_children(v, &p);
	else if (part_is(&p, "message/rfc822") && !p.attachment) {
		part_from_last(v->out);
		add_header(p.body, v->out);
		buf_add_char(v->out, '\n');
		show_entity(v, p.body, 0);
	} else if (part_is(&p, "text/") && (alternative || !p.attachment))
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
	show_entity(&v, message, 1);
	if (out->len > 0 && out->data[out->len - 1] != '\n')
		buf_add_char(out, '\n');
	return out->failed ? -1 : 0;
}

/* The first address of a list, its name decoded. False where it has none. */
static bool
add_address(struct span value, struct buf *out)
{
	struct buf name, address, words;
	const char *reason;

	buf_init(&name, SHOW_HEADER);
	buf_init(&address, SHOW_HEADER);
	buf_init(&words, SHOW_HEADER);
	bool found = address_next(&value, &name, &address, &reason) == 1;
	if (found) {
		words_decode(buf_span(&name), &words);
		size_t before = out->len;
		safe_add(buf_span(&words), SAFE_LINE, out);
		bool named = out->len > before;
		buf_add_string(out, named ? " <" : "");
		safe_add(buf_span(&address), SAFE_LINE, out);
		buf_add_string(out, named ? ">" : "");
	}
	buf_free(&name);
	buf_free(&address);
	buf_free(&words);
	return found;
}

static void
add_sender(struct span header, struct buf *out)
{
	static const char *const names[] = { "From", "Sender", "Return-Path" };
	struct field field;
	size_t before = out->len;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && out->len == before; i++)
		if (field_find(header, names[i], &field) && !add_address(field.value, out))
			add_value(header, names[i], out);
	if (out->len == before)
		buf_add_char(out, '-');
}

/* When it was written; else when it came here, which stands behind the last semicolon of the topmost Received (RFC 5321 4.4). */
static bool
find_date(struct span header, int64_t *seconds)
{
	struct field field;

	if (field_find(header, "Date", &field) && date_parse(field.value, seconds, NULL) == 0)
		return true;
	if (!field_find(header, "Received", &field))
		return false;
	struct span rest = field.value, date = { NULL, 0 };
	while (rest.n > 0) {
		span_until(rest, ';', &rest);
		if (rest.at != NULL)
			date = rest;
	}
	return date_parse(date, seconds, NULL) == 0;
}

static void
add_date(struct span header, show_zone *zone, struct buf *out)
{
	int64_t seconds;

	if (!find_date(header, &seconds)) {
		buf_add_string(out, "---------- --:--");
		return;
	}
	struct civil c = civil_of(seconds, zone(seconds));
	buf_printf(out, "%04d-%02d-%02d %02d:%02d", c.year, c.month, c.day, c.hour, c.minute);
}

int
show_summary(struct span header, show_zone *zone, struct buf *out)
{
	size_t before = out->len;

	add_sender(header, out);
	size_t width = safe_width(span_slice(buf_span(out), before, out->len));
	while (width++ < SHOW_SENDER)
		buf_add_char(out, ' ');
	buf_add_string(out, "  ");
	add_date(header, zone, out);
	buf_add_string(out, "  ");
	before = out->len;
	add_value(header, "Subject", out);
	if (out->len == before)
		buf_add_string(out, "(no subject)");
	return out->failed ? -1 : 0;
}

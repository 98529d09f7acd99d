#include "address.h"

#include <string.h>

/*
 * RFC 5322 3.4 and 4.4, as a reader of one element at a time. An element is read as words first; what stands behind them (<, :, @)
 * tells what they were. White space and comments may stand between any two.
 */
struct reader {
	struct span rest;
	struct span comment; /* the last one, without its parentheses: "user@host (Name)" of old */
	bool gap;	     /* white space or a comment before the next word */
	const char *reason;
};

static bool
at_char(const struct reader *r, const char *any)
{
	return r->rest.n > 0 && r->rest.at[0] != '\0' && strchr(any, r->rest.at[0]) != NULL;
}

static bool
fail(struct reader *r, const char *reason)
{
	r->reason = reason;
	return false;
}

/* Comments nest; a depth is enough, and nothing recurses. */
static bool
read_comment(struct reader *r)
{
	struct span start = r->rest;
	size_t depth = 0;

	for (size_t i = 0; i < start.n; i++) {
		if (start.at[i] == '\\')
			i++;
		else if (start.at[i] == '(')
			depth++;
		else if (start.at[i] == ')' && --depth == 0) {
			r->comment = span_slice(start, 1, i);
			span_skip(&r->rest, i + 1);
			return true;
		}
	}
	span_skip(&r->rest, start.n);
	return fail(r, "a ( has no )");
}

static bool
skip_space(struct reader *r)
{
	while (at_char(r, " \t\r\n(")) {
		r->gap = true;
		if (r->rest.at[0] != '(')
			span_skip(&r->rest, 1);
		else if (!read_comment(r))
			return false;
	}
	return true;
}

/* Quoted text without its quotes, backslashes and line ends. */
static void
add_unquoted(struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.at[i] == '\\' && i + 1 < text.n)
			i++;
		if (text.at[i] != '\r' && text.at[i] != '\n')
			buf_add_char(out, text.at[i]);
	}
}

static bool
read_quoted(struct reader *r, struct buf *name, struct buf *raw)
{
	struct span start = r->rest;

	for (size_t i = 1; i < start.n; i++) {
		if (start.at[i] == '\\')
			i++;
		else if (start.at[i] == '"') {
			add_unquoted(span_slice(start, 1, i), name);
			buf_add(raw, start.at, i + 1);
			span_skip(&r->rest, i + 1);
			return true;
		}
	}
	span_skip(&r->rest, start.n);
	return fail(r, "a \" has no second one");
}

static bool
ends_with(const struct buf *b, char c)
{
	return b->len > 0 && b->data[b->len - 1] == c;
}

/*
 * Words and dots up to one of `end`: into name with single spaces, into raw as an address would have them: a space only where one is
 * too many, so that path_parse_bare refuses it.
 */
static bool
read_words(struct reader *r, const char *end, struct buf *name, struct buf *raw)
{
	while (skip_space(r) && r->rest.n > 0 && !at_char(r, end)) {
		if (r->gap && name->len > 0)
			buf_add_char(name, ' ');
		if (r->gap && raw->len > 0 && !ends_with(raw, '.') && !at_char(r, "."))
			buf_add_char(raw, ' ');
		r->gap = false;
		if (at_char(r, "\"")) {
			if (!read_quoted(r, name, raw))
				return false;
			continue;
		}
		buf_add_char(name, r->rest.at[0]);
		buf_add_char(raw, r->rest.at[0]);
		span_skip(&r->rest, 1);
	}
	r->gap = false;
	return r->reason == NULL;
}

/* Behind an @: a domain, up to one of `end`. */
static bool
read_domain(struct reader *r, const char *end, struct buf *address)
{
	struct buf ignored = { .max = 0 };
	struct buf domain;

	buf_init(&domain, address->max);
	bool ok = skip_space(r) && read_words(r, at_char(r, "[") ? "]" : end, &ignored, &domain);
	if (ok && at_char(r, "]")) {
		buf_add_char(&domain, ']');
		span_skip(&r->rest, 1);
		ok = skip_space(r);
	}
	buf_add_char(address, '@');
	buf_add_span(address, buf_span(&domain));
	ok = ok && !domain.failed;
	buf_free(&domain);
	return ok;
}

/* <@route:local@domain>, from the < on. */
static bool
read_angle(struct reader *r, struct buf *address)
{
	struct buf ignored = { .max = 0 };

	buf_clear(address);
	span_skip(&r->rest, 1);
	if (skip_space(r) && at_char(r, "@")) {
		if (!read_words(r, ":>", &ignored, address) || !at_char(r, ":"))
			return fail(r, "a < has no >");
		span_skip(&r->rest, 1);
		buf_clear(address);
	}
	if (!read_words(r, "@>,", &ignored, address))
		return false;
	if (at_char(r, "@")) {
		span_skip(&r->rest, 1);
		if (!read_domain(r, ">,", address))
			return false;
	}
	if (!at_char(r, ">"))
		return fail(r, "a < has no >");
	span_skip(&r->rest, 1);
	return skip_space(r);
}

/* An element that is none: a group's name, up to its colon, or nothing between two commas. True where it was one. */
static bool
skip_empty(struct reader *r, struct buf *name, struct buf *address)
{
	if (!at_char(r, ":") && !(name->len == 0 && at_char(r, ",;")))
		return false;
	span_skip(&r->rest, 1);
	buf_clear(name);
	buf_clear(address);
	r->comment = (struct span){ NULL, 0 };
	return true;
}

/* One element. True with an empty address: the end of the list. */
static bool
read_element(struct reader *r, struct buf *name, struct buf *address)
{
	do {
		if (!read_words(r, "@<>:,;", name, address))
			return false;
	} while (skip_empty(r, name, address));
	if (r->rest.n == 0 && address->len == 0)
		return true;
	if (at_char(r, "<")) {
		if (!read_angle(r, address))
			return false;
		if (address->len == 0)
			return fail(r, "the address in <> is empty");
	} else if (at_char(r, "@")) {
		buf_clear(name);
		span_skip(&r->rest, 1);
		if (!read_domain(r, "@<>:,;", address))
			return false;
	} else
		return fail(r, "there is no @ in the address");
	if (r->rest.n > 0 && !at_char(r, ",;"))
		return fail(r, "there is something behind the address");
	if (name->len == 0)
		add_unquoted(span_trim(r->comment), name);
	return true;
}

int
address_next(struct span *rest, struct buf *name, struct buf *address, const char **reason)
{
	struct reader r = { .rest = *rest };
	struct path path;

	buf_clear(name);
	buf_clear(address);
	bool ok = read_element(&r, name, address);
	if (ok && (name->failed || address->failed))
		ok = fail(&r, "the address is too long");
	if (ok && address->len > 0)
		ok = path_parse_bare(buf_span(address), &path, &r.reason) == 0;
	while (r.rest.n > 0 && !at_char(&r, ",;"))
		span_skip(&r.rest, 1);
	if (r.rest.n > 0)
		span_skip(&r.rest, 1);
	*rest = r.rest;
	if (!ok) {
		*reason = r.reason;
		return -1;
	}
	return address->len > 0 ? 1 : 0;
}

/* Lists of addresses as RFC 5322 3.4 has them, groups and comments included. */
#include "address.h"

#include <string.h>

/*
 * RFC 5322 3.4 and 4.4: one element at a time, each character going to a name and to an address until what stands behind (<, :) tells which it
 * was. White space and comments may stand between any two words.
 */
struct reader {
	struct span rest;
	struct span comment; /* the last one, without its parentheses: "user@host (Name)" of old */
	bool gap;	     /* white space or a comment before the next word */
	bool angle, closed;  /* behind a <; behind its > */
	bool at;	     /* behind an @ */
	bool literal;	     /* within [] */
	struct buf *name, *address;
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

int
path_unquote_local(struct span local, struct buf *out)
{
	if (local.n >= 2 && local.at[0] == '"')
		add_unquoted(span_slice(local, 1, local.n - 1), out);
	else
		buf_add_span(out, local);
	return out->failed ? -1 : 0;
}

static bool
read_quoted(struct reader *r)
{
	struct span start = r->rest;

	for (size_t i = 1; i < start.n; i++) {
		if (start.at[i] == '\\')
			i++;
		else if (start.at[i] == '"') {
			if (!r->angle)
				add_unquoted(span_slice(start, 1, i), r->name);
			buf_add(r->address, start.at, i + 1);
			span_skip(&r->rest, i + 1);
			return true;
		}
	}
	span_skip(&r->rest, start.n);
	return fail(r, "a \" has no second one");
}

/* A word or a part of it. In an address a space stands only where one is too many, so that path_parse_bare refuses it. */
static bool
read_text(struct reader *r)
{
	const struct buf *address = r->address;
	char last = address->len > 0 ? address->data[address->len - 1] : '.', c = r->rest.at[0];

	if (r->gap && !r->angle && r->name->len > 0)
		buf_add_char(r->name, ' ');
	if (r->gap && last != '.' && last != '@' && c != '.' && c != '@')
		buf_add_char(r->address, ' ');
	r->gap = false;
	if (c == '"')
		return read_quoted(r);
	r->at |= c == '@';
	r->literal = (c == '[' && last == '@') || (r->literal && c != ']');
	if (!r->angle)
		buf_add_char(r->name, c);
	buf_add_char(r->address, c);
	span_skip(&r->rest, 1);
	return true;
}

/*
 * Leave out the character that tells that the address so far was none: the name before a <, a route; and, with `all`, that the name was none
 * either: that of a group, or nothing between two commas.
 */
static void
begin_again(struct reader *r, bool all)
{
	span_skip(&r->rest, 1);
	buf_clear(r->address);
	r->gap = r->at = false;
	if (all) {
		buf_clear(r->name);
		r->comment = (struct span){ NULL, 0 };
	}
}

/* Up to the end of one element. With an empty address it is the end of the list. */
static bool
read_element(struct reader *r)
{
	while (skip_space(r) && r->rest.n > 0) {
		bool ends = at_char(r, ",;");
		bool route = r->angle && r->address->len > 0 && r->address->data[0] == '@';
		bool parts = at_char(r, "<:>") && !r->angle && !r->literal;

		if ((r->closed && !ends) || (parts && r->at))
			return fail(r, "there is something behind the address");
		if (parts && at_char(r, ">"))
			return fail(r, "a > has no <");
		if (ends && !r->literal && !(route && at_char(r, ","))) {
			if (r->angle || r->closed || r->name->len > 0)
				break;
			begin_again(r, true);
		} else if (parts && at_char(r, ":"))
			begin_again(r, true);
		else if (parts || (route && at_char(r, ":"))) {
			begin_again(r, false);
			r->angle = true;
		} else if (at_char(r, ">") && !r->literal) {
			span_skip(&r->rest, 1);
			r->closed = true;
			r->angle = false;
		} else if (!read_text(r))
			return false;
	}
	if (r->reason == NULL && r->angle)
		return fail(r, "a < has no >");
	return r->reason == NULL;
}

int
address_next(struct span *rest, struct buf *name, struct buf *address, const char **reason)
{
	struct reader r = { .rest = *rest, .name = name, .address = address };
	struct path path;

	buf_clear(name);
	buf_clear(address);
	bool ok = read_element(&r);
	if (!r.closed)
		buf_clear(name);
	if (name->len == 0)
		add_unquoted(span_trim(r.comment), name);
	if (ok && r.closed && address->len == 0)
		ok = fail(&r, "the address in <> is empty");
	if (ok && (name->failed || address->failed))
		ok = fail(&r, "the address is too long");
	if (ok && address->len > 0)
		ok = path_parse_bare(buf_span(address), &path, &r.reason) == 0;
	while (r.rest.n > 0 && !at_char(&r, ",;"))
		span_skip(&r.rest, 1);
	if (r.rest.n > 0)
		span_skip(&r.rest, 1);
	*rest = r.rest;
	if (!ok)
		*reason = r.reason;
	return !ok ? -1 : address->len > 0;
}

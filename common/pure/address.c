#include "address.h"

#include <string.h>

#include "bounds.h"
#include "codec.h"

/* Paths, RFC 5321 4.1.2. Each reader below takes what it knows off the front of *rest, and says in *reason what it misses. */

static bool
starts(struct span s, char c)
{
	return s.n > 0 && s.at[0] == c;
}

static int
bad(const char **reason, const char *sentence)
{
	*reason = sentence;
	return -1;
}

static bool
is_utf8_byte(char c)
{
	return (unsigned char)c >= 0x80;
}

static bool
is_atext(char c)
{
	return ascii_is_alnum(c) || is_utf8_byte(c) ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Valid UTF-8 without U+0080 to U+009F, which are control characters like those of ASCII. */
static bool
is_clean_utf8(struct span s)
{
	for (size_t i = 0; i + 1 < s.n; i++)
		if (s.at[i] == '\xc2' && (unsigned char)s.at[i + 1] < 0xa0)
			return false;
	return utf8_valid(s);
}

/* The length of the quoted string at the start of s, with its quotes; 0 where it has no end or a byte it may not have. */
static size_t
quoted_length(struct span s)
{
	for (size_t i = 1; i < s.n; i++) {
		bool escaped = s.at[i] == '\\';

		if (s.at[i] == '"')
			return i + 1;
		if (escaped && ++i == s.n)
			return 0;
		if (!ascii_is_print(s.at[i]) && (escaped || !is_utf8_byte(s.at[i])))
			return 0;
	}
	return 0;
}

/* RFC 5321 Dot-string: atoms with one dot between each two. */
static int
read_dot_string(struct span *rest, const char **reason)
{
	bool dot = true; /* the start is as a dot: an atom must follow */

	while (rest->n > 0 && (is_atext(rest->at[0]) || rest->at[0] == '.')) {
		if (dot && rest->at[0] == '.')
			return bad(reason, "there is a dot too many before the @");
		dot = rest->at[0] == '.';
		span_skip(rest, 1);
	}
	if (dot && starts(*rest, '@'))
		return bad(reason, "there is nothing, or a dot, right before the @");
	return 0;
}

static int
read_local(struct span *rest, struct span *local, const char **reason)
{
	struct span start = *rest;

	if (starts(start, '"')) {
		size_t n = quoted_length(start);
		if (n == 0)
			return bad(reason,
			    "the quoted part before the @ has no end, or a character it must not have");
		span_skip(rest, n);
	} else if (read_dot_string(rest, reason) < 0)
		return -1;
	*local = span_slice(start, 0, start.n - rest->n);
	if (local->n > SMTP_LOCAL_PART)
		return bad(reason, "the part before the @ is too long");
	if (!is_clean_utf8(*local))
		return bad(reason, "the part before the @ is not valid UTF-8");
	return 0;
}

static bool
is_ipv4(struct span s)
{
	for (int i = 0; i < 4; i++) {
		struct span part = span_until(s, '.', &s);
		if (part.n > 3 || span_number(part, 255) < 0 || (i < 3) != (s.at != NULL))
			return false;
	}
	return true;
}

static bool
is_hex_group(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (ascii_hex(s.at[i]) < 0)
			return false;
	return s.n >= 1 && s.n <= 4;
}

/* The groups of 16 bits in one side of "::" ("" has none); an IPv4 address may stand for the last two. -1: malformed. */
static int
ipv6_groups(struct span s, bool last)
{
	int groups = 0;

	if (s.n == 0)
		return 0;
	while (s.at != NULL) {
		struct span part = span_until(s, ':', &s);
		if (last && s.at == NULL && is_ipv4(part))
			groups++;
		else if (!is_hex_group(part))
			return -1;
		groups++;
	}
	return groups;
}

static bool
is_ipv6(struct span s)
{
	for (size_t i = 0; i + 1 < s.n; i++) {
		if (s.at[i] != ':' || s.at[i + 1] != ':')
			continue;
		int left = ipv6_groups(span_slice(s, 0, i), false);
		int right = ipv6_groups(span_slice(s, i + 2, s.n), true);
		return left >= 0 && right >= 0 && left + right < 8;
	}
	return ipv6_groups(s, true) == 8;
}

/* RFC 5321 General-address-literal, "tag:content": only the syntax is known. */
static bool
is_general_literal(struct span s)
{
	struct span content;
	struct span tag = span_until(s, ':', &content);

	if (tag.n == 0 || tag.at[tag.n - 1] == '-')
		return false;
	for (size_t i = 0; i < tag.n; i++)
		if (!ascii_is_alnum(tag.at[i]) && tag.at[i] != '-')
			return false;
	for (size_t i = 0; i < content.n; i++)
		if (strchr("[\\]", content.at[i]) != NULL)
			return false;
	return span_is_word(content);
}

static bool
is_literal(struct span s)
{
	if (s.n >= 5 && span_is_nocase(span_slice(s, 0, 5), "IPv6:"))
		return is_ipv6(span_slice(s, 5, s.n));
	return is_ipv4(s) || is_general_literal(s);
}

/* Underscores are no letters of RFC 5321, but of real hosts. A label in UTF-8 is bounded by the whole domain: its A-label is what DNS counts. */
static int
check_label(struct span label, const char **reason)
{
	if (label.n == 0)
		return bad(reason, "the domain has an empty part, or a dot at its end");
	if (label.n > 63 && span_is_ascii(label))
		return bad(reason, "a part of the domain is longer than 63 characters");
	if (label.at[0] == '-' || label.at[label.n - 1] == '-')
		return bad(reason, "a part of the domain begins or ends with a hyphen");
	return 0;
}

static int
read_domain(struct span *rest, struct span *domain, const char **reason)
{
	struct span start = *rest;

	while (rest->n > 0 && (ascii_is_alnum(rest->at[0]) || is_utf8_byte(rest->at[0]) ||
				  rest->at[0] == '-' || rest->at[0] == '_' || rest->at[0] == '.'))
		span_skip(rest, 1);
	*domain = span_slice(start, 0, start.n - rest->n);
	if (domain->n == 0)
		return bad(reason, "there is no domain after the @");
	if (domain->n > SMTP_DOMAIN)
		return bad(reason, "the domain is too long");
	struct span labels = *domain;
	do
		if (check_label(span_until(labels, '.', &labels), reason) < 0)
			return -1;
	while (labels.at != NULL);
	if (!is_clean_utf8(*domain))
		return bad(reason, "the domain is not valid UTF-8");
	return 0;
}

static int
read_domain_or_literal(struct span *rest, struct span *domain, const char **reason)
{
	if (!starts(*rest, '['))
		return read_domain(rest, domain, reason);
	const char *end = memchr(rest->at, ']', rest->n);
	size_t n = end == NULL ? 0 : (size_t)(end - rest->at) + 1;
	if (n < 2 || n > SMTP_DOMAIN || !is_literal(span_slice(*rest, 1, n - 1)))
		return bad(reason, "the address literal in [] is malformed");
	*domain = span_slice(*rest, 0, n);
	span_skip(rest, n);
	return 0;
}

static int
read_mailbox(struct span *rest, struct path *path, const char **reason)
{
	struct span start = *rest;

	if (read_local(rest, &path->local, reason) < 0)
		return -1;
	if (rest->n == 0 || starts(*rest, '>'))
		return bad(reason, "there is no @ in the address");
	if (!starts(*rest, '@'))
		return bad(reason, "there is a character before the @ that must not be there");
	span_skip(rest, 1);
	if (read_domain_or_literal(rest, &path->domain, reason) < 0)
		return -1;
	path->whole = span_slice(start, 0, start.n - rest->n);
	path->utf8 = !span_is_ascii(path->whole);
	return 0;
}

/* RFC 5321 4.1.2, appendix C: a source route is taken, and not used. */
static int
skip_route(struct span *rest, const char **reason)
{
	struct span domain;

	while (starts(*rest, '@')) {
		span_skip(rest, 1);
		if (read_domain(rest, &domain, reason) < 0)
			return -1;
		if (starts(*rest, ':')) {
			span_skip(rest, 1);
			return 0;
		}
		if (!starts(*rest, ',') || rest->n < 2 || rest->at[1] != '@')
			return bad(reason, "the source route is malformed");
		span_skip(rest, 1);
	}
	return 0;
}

static int
read_path(struct span *rest, enum path_kind kind, struct path *path, const char **reason)
{
	const size_t postmaster = strlen("postmaster");

	if (starts(*rest, '>'))
		return kind == PATH_REVERSE ? 0 : bad(reason, "the address is empty");
	if (kind == PATH_FORWARD && rest->n > postmaster && rest->at[postmaster] == '>' &&
	    span_is_nocase(span_slice(*rest, 0, postmaster), "postmaster")) {
		path->local = path->whole = span_slice(*rest, 0, postmaster);
		span_skip(rest, postmaster);
		return 0;
	}
	return skip_route(rest, reason) < 0 ? -1 : read_mailbox(rest, path, reason);
}

int
path_parse(struct span text, enum path_kind kind, struct path *path, size_t *used, const char **reason)
{
	struct span rest = text;

	*path = (struct path){ .utf8 = false };
	if (!starts(rest, '<'))
		return bad(reason, "the address must stand in <>");
	span_skip(&rest, 1);
	if (read_path(&rest, kind, path, reason) < 0)
		return -1;
	if (!starts(rest, '>'))
		return bad(reason, rest.n == 0 ? "the > at the end is missing"
					       : "there is a character in the domain that must not be there");
	span_skip(&rest, 1);
	if (text.n - rest.n > SMTP_PATH)
		return bad(reason, "the address is too long");
	*used = text.n - rest.n;
	return 0;
}

int
path_parse_bare(struct span text, struct path *path, const char **reason)
{
	struct span rest = text;

	*path = (struct path){ .utf8 = false };
	if (text.n == 0)
		return bad(reason, "the address is empty");
	if (read_mailbox(&rest, path, reason) < 0)
		return -1;
	if (rest.n > 0)
		return bad(reason, "there is a character in the domain that must not be there");
	return 0;
}

int
path_unquote_local(struct span local, struct buf *out)
{
	if (local.n < 2 || local.at[0] != '"')
		return buf_add_span(out, local);
	for (size_t i = 1; i + 1 < local.n; i++) {
		if (local.at[i] == '\\' && i + 2 < local.n)
			i++;
		buf_add_char(out, local.at[i]);
	}
	return out->failed ? -1 : 0;
}

#include "address.h"

#include <arpa/inet.h>

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

/* The length of the Dot-string at the start of s: atoms with one dot between each two. Where dots stand otherwise: 0. */
static size_t
dot_string_length(struct span s)
{
	size_t n = 0;

	for (; n < s.n && (is_atext(s.at[n]) || s.at[n] == '.'); n++)
		if (s.at[n] == '.' && (n == 0 || s.at[n - 1] == '.'))
			return 0;
	return n > 0 && s.at[n - 1] == '.' ? 0 : n;
}

static int
read_local(struct span *rest, struct span *local, const char **reason)
{
	bool quoted = starts(*rest, '"');
	size_t n = quoted ? quoted_length(*rest) : dot_string_length(*rest);

	if (n == 0)
		return bad(reason,
		    quoted ? "the quoted part before the @ has no end, or a character it must not have"
			   : "before the @ there is nothing, a dot too many, or a character that must not be "
			     "there");
	*local = span_slice(*rest, 0, n);
	span_skip(rest, n);
	if (n > SMTP_LOCAL_PART)
		return bad(reason, "the part before the @ is too long");
	return is_clean_utf8(*local) ? 0 : bad(reason, "the part before the @ is not valid UTF-8");
}

/* RFC 5321 General-address-literal, "tag:content": only the syntax is known. */
static bool
is_general_literal(struct span s)
{
	struct span content;
	struct span tag = span_until(s, ':', &content);

	for (size_t i = 0; i < tag.n; i++)
		if (!ascii_is_alnum(tag.at[i]) && (tag.at[i] != '-' || i + 1 == tag.n))
			return false;
	return tag.n > 0 && span_is_word(content) && !span_has(content, '[') && !span_has(content, '\\');
}

/* What stands within []. */
static bool
is_literal(struct span s)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char address[16];
	bool v6 = span_is_nocase(span_slice(s, 0, 5), "IPv6:");

	if (!v6 && is_general_literal(s))
		return true;
	if (v6)
		s = span_slice(s, 5, s.n);
	if (!span_is_word(s) || s.n >= sizeof text)
		return false;
	memcpy(text, s.at, s.n);
	text[s.n] = '\0';
	return inet_pton(v6 ? AF_INET6 : AF_INET, text, address) == 1;
}

/* Underscores are no letters of RFC 5321, but of real hosts. A label in UTF-8 is bounded by the whole domain: its A-label is what DNS counts. */
static int
read_domain(struct span *rest, struct span *domain, const char **reason)
{
	size_t n = 0;

	while (n < rest->n &&
	       (ascii_is_alnum(rest->at[n]) || is_utf8_byte(rest->at[n]) ||
		   strchr("-_.", rest->at[n]) != NULL) &&
	       rest->at[n] != '\0')
		n++;
	*domain = span_slice(*rest, 0, n);
	span_skip(rest, n);
	if (n == 0)
		return bad(reason, "there is no domain after the @");
	if (n > SMTP_DOMAIN)
		return bad(reason, "the domain is too long");
	struct span label, labels = *domain;
	do {
		label = span_until(labels, '.', &labels);
		if (label.n == 0 || (label.n > 63 && span_is_ascii(label)) || label.at[0] == '-' ||
		    label.at[label.n - 1] == '-')
			return bad(reason, "a part of the domain is empty, longer than 63 characters, or has "
					   "a hyphen at its end");
	} while (labels.at != NULL);
	return is_clean_utf8(*domain) ? 0 : bad(reason, "the domain is not valid UTF-8");
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
	struct span end, word = span_until(*rest, '>', &end);

	if (starts(*rest, '>'))
		return kind == PATH_REVERSE ? 0 : bad(reason, "the address is empty");
	if (kind == PATH_FORWARD && end.at != NULL && span_is_nocase(word, "postmaster")) {
		path->local = path->whole = word;
		span_skip(rest, word.n);
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
	return rest.n == 0 ? 0 : bad(reason, "there is a character in the domain that must not be there");
}

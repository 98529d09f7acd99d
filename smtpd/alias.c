#include "alias.h"

#include "address.h"
#include "bounds.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool
is_nothing(struct span line)
{
	struct span text = span_trim(line);

	return text.n == 0 || text.at[0] == '#';
}

/* Does the next line belong to the entry before it? A comment and an empty line do not divide. */
static bool
goes_on(struct span rest)
{
	return rest.n > 0 && (is_blank(rest.at[0]) || rest.at[0] == '#' || rest.at[0] == '\n');
}

/* The lines of the next entry, whatever they say. False where the text is over. */
static bool
take_entry(struct alias_reader *reader, struct span *entry, int *line)
{
	do {
		if (reader->rest.n == 0)
			return false;
		*line = ++reader->line;
		*entry = span_until(reader->rest, '\n', &reader->rest);
	} while (is_nothing(*entry));
	while (goes_on(reader->rest)) {
		reader->line++;
		struct span more = span_until(reader->rest, '\n', &reader->rest);
		entry->n = (size_t)(more.at - entry->at) + more.n;
	}
	return true;
}

/* The length of the quoted string at the start of s, with its quotes; 0 where it has no end on its line. */
static size_t
quoted_length(struct span s)
{
	for (size_t i = 1; i < s.n && s.at[i] != '\n'; i++) {
		if (s.at[i] == '"')
			return i + 1;
		i += s.at[i] == '\\';
	}
	return 0;
}

static struct span
skip(struct span s, size_t n)
{
	return span_slice(s, n, s.n);
}

/* "name :" off the front of an entry. */
static int
take_name(struct span *entry, struct span *name, const char **reason)
{
	size_t n = 0;

	if (entry->at[0] == '"')
		n = quoted_length(*entry);
	else
		while (n < entry->n && (unsigned char)entry->at[n] > ' ' && entry->at[n] != ':' &&
		       entry->at[n] != 0x7f)
			n++;
	*name = span_slice(*entry, 0, n);
	*entry = skip(*entry, n);
	*reason = "there is no name";
	if (n == 0)
		return -1;
	while (entry->n > 0 && is_blank(entry->at[0]))
		*entry = skip(*entry, 1);
	*reason = "there is no colon behind the name";
	if (entry->n == 0 || entry->at[0] != ':')
		return -1;
	*entry = skip(*entry, 1);
	return 0;
}

/* What stands between two targets. */
static struct span
skip_to_target(struct span s)
{
	while (s.n > 0 && (is_blank(s.at[0]) || s.at[0] == ',' || s.at[0] == '\n' || s.at[0] == '#')) {
		if (s.at[0] == '#')
			span_until(s, '\n', &s);
		else
			s = skip(s, 1);
	}
	return s;
}

/* The length of the target at the start of s; 0 where it is malformed. */
static size_t
target_length(struct span s)
{
	size_t i = 0;

	while (i < s.n && !is_blank(s.at[i]) && s.at[i] != ',' && s.at[i] != '\n') {
		size_t n = s.at[i] == '"' ? quoted_length(skip(s, i)) : 1;
		if (n == 0 || (n == 1 && (unsigned char)s.at[i] < ' ') || s.at[i] == 0x7f)
			return 0;
		i += n;
	}
	return i;
}

static bool
is_foreign(struct span target)
{
	static const char include[] = ":include:";
	struct span inner = target.at[0] == '"' ? skip(target, 1) : target;

	return inner.n > 0 && (inner.at[0] == '|' || inner.at[0] == '/' ||
				  span_is_nocase(span_slice(inner, 0, sizeof include - 1), include));
}

int
alias_target(struct span *targets, struct span *target, enum alias_kind *kind)
{
	*targets = skip_to_target(*targets);
	if (targets->n == 0)
		return 0;
	size_t n = target_length(*targets);
	*target = span_slice(*targets, 0, n);
	if (n == 0)
		return -1;
	*kind = is_foreign(*target) ? ALIAS_FOREIGN : ALIAS_ADDRESS;
	/* |command with its arguments goes on to the comma. */
	if (*kind == ALIAS_FOREIGN && target->at[0] == '|')
		span_until(*targets, ',', targets);
	else
		*targets = skip(*targets, n);
	if (target->at[0] == '\\') {
		*kind = ALIAS_MAILBOX;
		*target = skip(*target, 1);
	}
	return target->n == 0 || target->n > SMTP_PATH ? -1 : 1;
}

int
alias_next(struct alias_reader *reader, struct alias *alias, const char **reason)
{
	struct span targets, target;
	enum alias_kind kind;
	int n = 0, result;

	if (!take_entry(reader, &alias->targets, &alias->line))
		return 0;
	if (take_name(&alias->targets, &alias->name, reason) < 0)
		return -1;
	for (targets = alias->targets; (result = alias_target(&targets, &target, &kind)) > 0; n++)
		;
	*reason = "a target is missing or malformed";
	return result == 0 && n > 0 ? 1 : -1;
}

static bool
is_named(struct span written, struct span name)
{
	struct buf plain;

	if (written.at[0] != '"')
		return span_equal_nocase(written, name);
	buf_init(&plain, SMTP_LOCAL_PART);
	bool same = path_unquote_local(written, &plain) == 0 && span_equal_nocase(buf_span(&plain), name);
	buf_free(&plain);
	return same;
}

bool
alias_find(struct span text, struct span name, struct span *targets)
{
	struct alias_reader reader = { .rest = text };
	struct alias alias;
	const char *reason;
	int result;

	while ((result = alias_next(&reader, &alias, &reason)) != 0)
		if (result > 0 && is_named(alias.name, name)) {
			*targets = alias.targets;
			return true;
		}
	return false;
}

/* Paths and address lists: what is found lies within the input, what is refused has a reason, and a list has an end. */
#include "address.h"

#include "credential.h"
#include "fuzz.h"

static bool
within(struct span part, struct span whole)
{
	return part.n == 0 || (part.at >= whole.at && part.at + part.n <= whole.at + whole.n);
}

static void
look_at(const struct path *path, struct span text)
{
	struct buf local;
	char name[ACCOUNT_NAME + 1];

	MUST(within(path->local, text) && within(path->domain, text) && within(path->whole, text));
	MUST(within(path->local, path->whole) || path->whole.n == 0);
	for (size_t i = 0; i < path->whole.n; i++)
		MUST((unsigned char)path->whole.at[i] >= ' ' && path->whole.at[i] != 0x7f);
	buf_init(&local, path->local.n);
	MUST(path_unquote_local(path->local, &local) == 0);
	if (account_name(buf_span(&local), name))
		MUST(strlen(name) > 0 && strlen(name) <= ACCOUNT_NAME);
	buf_free(&local);
}

static void
parse(struct span text, enum path_kind kind)
{
	struct path path;
	size_t used;
	const char *reason = NULL;

	if (path_parse(text, kind, &path, &used, &reason) < 0) {
		MUST(reason != NULL);
		return;
	}
	MUST(used <= text.n && used >= 2 && text.at[0] == '<' && text.at[used - 1] == '>');
	look_at(&path, span_slice(text, 0, used));
	if (path.domain.n == 0)
		return;
	/* What it means does not depend on the brackets. */
	struct path bare;
	MUST(path_parse_bare(path.whole, &bare, &reason) == 0);
	must_equal(bare.local, path.local);
	must_equal(bare.domain, path.domain);
}

static void
parse_list(struct span text)
{
	struct buf name, address;
	struct path path;
	const char *reason;
	int found;

	buf_init(&name, text.n + 16);
	buf_init(&address, text.n + 16);
	for (struct span rest = text; rest.n > 0;) {
		size_t before = rest.n;
		reason = NULL;
		buf_clear(&name);
		buf_clear(&address);
		found = address_next(&rest, &name, &address, &reason);
		MUST(within(rest, text) && rest.n <= before);
		MUST(found >= 0 || reason != NULL);
		if (found == 0)
			break;
		MUST(rest.n < before);
		if (found == 1)
			MUST(path_parse_bare(buf_span(&address), &path, &reason) == 0);
	}
	buf_free(&name);
	buf_free(&address);
}

void
fuzz(struct span input)
{
	struct path path;
	const char *reason = NULL;

	parse(input, PATH_REVERSE);
	parse(input, PATH_FORWARD);
	if (path_parse_bare(input, &path, &reason) == 0)
		look_at(&path, input);
	else
		MUST(reason != NULL);
	parse_list(input);
}

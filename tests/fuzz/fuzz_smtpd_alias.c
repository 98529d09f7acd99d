/* The file `aliases`: its entries lie one behind the other, and whatever stands in them is found again. */
#include "alias.h"

#include "fuzz.h"

static bool
within(struct span part, struct span whole)
{
	return part.n == 0 || (part.at >= whole.at && part.at + part.n <= whole.at + whole.n);
}

static void
read_targets(struct span targets)
{
	struct span target;
	enum alias_kind kind;

	for (size_t before = targets.n + 1; targets.n < before;) {
		before = targets.n;
		if (alias_target(&targets, &target, &kind) != 1)
			break;
		MUST(targets.n < before && target.n > 0);
	}
}

void
fuzz(struct span input)
{
	struct alias_reader reader = { .rest = input };
	struct alias alias;
	struct span targets;
	const char *reason = NULL;
	int found, line = 0;

	while ((found = alias_next(&reader, &alias, &reason)) != 0) {
		MUST(alias.line > line && within(reader.rest, input));
		line = alias.line;
		MUST(found == 1 || reason != NULL);
		if (found < 0)
			continue;
		MUST(within(alias.name, input) && within(alias.targets, input));
		read_targets(alias.targets);
		if (alias.name.n > 0 && alias.name.at[0] != '"') {
			MUST(alias_find(input, alias.name, &targets));
			MUST(targets.at <= alias.targets.at);
		}
	}
}

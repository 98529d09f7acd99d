#include "aliases.h"

#include "alias.h"
#include "log.h"

static const char file[] = "aliases";

static void
log_malformed(struct span text)
{
	struct alias_reader reader = { .rest = text };
	struct alias alias;
	const char *reason;
	int result;

	while ((result = alias_next(&reader, &alias, &reason)) != 0) {
		if (result > 0)
			continue;
		log_begin_error("alias-malformed");
		log_text("file", file);
		log_number("line", alias.line);
		log_text("reason", reason);
		log_end();
	}
}

int
aliases_refresh(struct kept *aliases, int root)
{
	int result = kept_refresh(aliases, root, file);

	if (result > 0)
		log_malformed(buf_span(&aliases->text));
	if (result >= 0)
		return 0;
	log_failure("aliases-unreadable", "file", file);
	return -1;
}

/* Settings, `key value` a line: what is not taken has a reason, and what is taken can be used. */
#include "config.h"

#include "fuzz.h"

static void
look_at(const struct config *c)
{
	MUST(c->listens >= 0 && c->listens <= CONFIG_LISTEN);
	for (int i = 0; i < c->listens; i++)
		MUST(c->listen[i][0] != '\0');
	MUST(c->hostname[0] != '\0');
	MUST(c->message_size > 0 && c->mailbox_size >= 0);
	MUST(c->recipients > 0 && c->max_sessions > 0 && c->max_per_source > 0 && c->timeout >= 0);
}

void
fuzz(struct span input)
{
	struct config config;
	char reason[CONFIG_REASON];

	config_init(&config, "/nowhere");
	for (struct span rest = input; rest.n > 0;) {
		struct span value, line = fuzz_part(&rest, '\n');
		struct span key = span_until(line, ' ', &value);
		/* As config_read finds them: a line without NUL. */
		if (memchr(line.n > 0 ? line.at : "", '\0', line.n) != NULL)
			continue;
		reason[0] = '\0';
		if (config_set(&config, key, value, false, reason) < 0)
			MUST(reason[0] != '\0' && memchr(reason, '\0', sizeof reason) != NULL);
		look_at(&config);
		config_is_local(&config, line);
	}
}

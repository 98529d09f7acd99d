/*
 * driver: smtpd's relay from the command line.
 *
 *	driver explain ROOT DOMAIN [KEY=VALUE]...
 *
 * prints each step to the next hop, and what it comes to.
 */
#include <stdio.h>
#include <string.h>
#include <fcntl.h>

#include "log.h"
#include "nexthop.h"

static void
put(struct span s, char end)
{
	fwrite(s.at, 1, s.n, stdout);
	putchar(end);
}

static void
show_step(void *context, struct span what, const char *is, struct span whom)
{
	(void)context;
	put(what, ' ');
	printf("%s%s", is, whom.n > 0 ? " " : "");
	put(whom, '\n');
}

/* "verdict status host told reply", with | for each line end. */
static void
show_result(struct relay_result *result)
{
	static const char *const verdicts[] = { "done", "later", "failed" };
	struct span rest = buf_span(&result->reply);

	printf("%s %s %s %s", verdicts[result->verdict], result->status,
	    result->host[0] == '\0' ? "-" : result->host, result->told ? "told" : "-");
	putchar(' ');
	while (rest.at != NULL) {
		struct span line = span_until(rest, '\n', &rest);
		put(line, rest.at != NULL ? '|' : '\n');
	}
}

static int
explain(struct relay_target *target)
{
	struct relay_result result = { .told = false };

	target->tell = show_step;
	nexthop_explain(target, &result);
	show_result(&result);
	buf_free(&result.reply);
	return 0;
}

int
main(int argc, char **argv)
{
	char reason[CONFIG_REASON];
	struct config config;

	if (argc < 4 || config_init(&config, argv[2]) < 0)
		return 64;
	for (int i = 4; i < argc; i++)
		if (config_option(&config, argv[i], reason) < 0)
			return fprintf(stderr, "%s\n", reason), 64;
	log_open("driver", false);
	struct relay_target target = { .domain = span_of(argv[3]),
		.root = open(config.root, O_RDONLY | O_DIRECTORY),
		.config = &config };
	int status = explain(&target);
	config_free(&config);
	return status;
}

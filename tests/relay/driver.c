/*
 * driver: smtpd's relay from the command line.
 *
 *	driver [-o KEY=VALUE]... ROOT explain DOMAIN
 *
 * prints each step to the next hop, and what it comes to.
 *
 *	driver [-o KEY=VALUE]... [-8] [-u] [-r FULL | HDRS] [-e ENVID] [-n COUNT] ROOT send DOMAIN SENDER RECIPIENT...
 *
 * sends what is on standard input (CRLF line ends), COUNT times in one session, and prints what came of each recipient, for which
 * NOTIFY=…, ORCPT=… and OWNER=… may stand behind it in the same word, each behind a blank.
 */
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include "log.h"
#include "nexthop.h"

enum { MOST = 2000 };

static const struct {
	const char *name;
	enum dsn_ret ret;
} returns[] = { { "FULL", DSN_RET_FULL }, { "HDRS", DSN_RET_HDRS } };

static struct queue_message message;
static struct queue_recipient recipients[MOST];
static struct relay_result results[MOST];
static size_t which[MOST];
static int count = 1;

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

static void
fail(const char *what)
{
	perror(what);
	exit(70);
}

static void
read_recipient(char *text, struct queue_recipient *to)
{
	char *save, *part = strtok_r(text, " ", &save);

	to->address = span_of(part);
	while ((part = strtok_r(NULL, " ", &save)) != NULL) {
		struct span value;
		struct span key = span_until(span_of(part), '=', &value);
		if (span_is(key, "NOTIFY") && dsn_parse_notify(value, &to->dsn.notify) < 0)
			fail(part);
		if (span_is(key, "ORCPT"))
			to->dsn.orcpt = value;
		if (span_is(key, "OWNER"))
			to->owner = value;
	}
}

/* Into the queue, so that what is sent comes out of it. */
static void
store(int root)
{
	static char bytes[1 << 16];
	struct spool body;
	size_t n;

	spool_init(&body, root);
	while ((n = fread(bytes, 1, sizeof bytes, stdin)) > 0)
		spool_add(&body, (struct span){ bytes, n });
	if (spool_finish(&body) < 0)
		fail("spool");
	message.size = spool_wire(&body);
	unique_id("driver", message.id);
	if (queue_add(root, &message, span_of("Received: by driver\n"), &body) < 0)
		fail("queue_add");
	spool_free(&body);
}

static int
send_all(struct relay_target *target)
{
	struct queue_entry entry;
	bool more = true, busy;

	store(target->root);
	if (queue_open(target->root, message.id, &entry) != QUEUE_OK)
		fail("queue_open");
	for (size_t i = 0; i < entry.message.recipients_n; i++)
		which[i] = i;
	struct relay *relay = relay_open(target, &results[0], &busy);
	if (relay == NULL)
		show_result(&results[0]);
	for (; relay != NULL && more && count > 0; count--) {
		more = relay_send(relay, &entry, which, entry.message.recipients_n, results) == RELAY_STANDS;
		for (size_t i = 0; i < entry.message.recipients_n; i++)
			show_result(&results[i]);
	}
	if (relay != NULL)
		relay_close(relay);
	for (size_t i = 0; i < MOST; i++)
		buf_free(&results[i].reply);
	queue_close(&entry);
	return queue_remove(target->root, message.id);
}

static int
read_options(int argc, char **argv, struct config *config)
{
	char reason[CONFIG_REASON];
	int option;

	while ((option = getopt(argc, argv, "o:8ur:e:n:")) != -1) {
		if (option == 'o' && config_option(config, optarg, reason) < 0)
			return fprintf(stderr, "%s\n", reason), -1;
		message.eight_bit |= option == '8';
		message.utf8 |= option == 'u';
		for (size_t i = 0; option == 'r' && i < 2; i++)
			if (strcmp(optarg, returns[i].name) == 0)
				message.ret = returns[i].ret;
		if (option == 'e')
			message.envid = span_of(optarg);
		if (option == 'n')
			count = atoi(optarg);
	}
	return argc - optind < 3 ? -1 : optind;
}

int
main(int argc, char **argv)
{
	struct config config;
	struct kept routes;
	int at;

	config_init(&config, ".");
	if ((at = read_options(argc, argv, &config)) < 0)
		return 64;
	argv += at;
	log_open("driver", false);
	struct relay_target target = { .domain = span_of(argv[2]),
		.root = open(argv[0], O_RDONLY | O_DIRECTORY),
		.routes = &routes,
		.config = &config };
	kept_init(&routes, ROUTES_TEXT);
	(void)kept_refresh(&routes, target.root, "routes");
	bool send = strcmp(argv[1], "send") == 0;
	message.recipients = recipients;
	if (send)
		message.sender = span_of(argv[3]);
	for (argv += 4; send && *argv != NULL; argv++)
		read_recipient(*argv, &recipients[message.recipients_n++]);
	int status = send ? send_all(&target) : explain(&target);
	kept_free(&routes);
	return status;
}

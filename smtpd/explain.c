#include "explain.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "backend.h"
#include "bounds.h"
#include "command.h"
#include "exits.h"
#include "log.h"
#include "nexthop.h"
#include "program.h"
#include "safe.h"

/* Who sends. */
struct sender {
	const char *path, *address; /* NULL: a stranger's */
	char user[ACCOUNT_NAME + 1];
};

struct explain {
	struct delivery delivery;
	struct session session;
	struct buf line, said;
};

static void
tell(void *context, struct span what, const char *is, struct span whom)
{
	struct buf line;

	(void)context;
	buf_init(&line, ALIASES_TEXT);
	safe_add(what, SAFE_LINE, &line);
	buf_printf(&line, " %s%s", is, whom.n > 0 ? " " : "");
	safe_add(whom, SAFE_LINE, &line);
	printf("  %s\n", buf_string(&line));
	buf_free(&line);
}

/* Everything that is refused is told. */
static void
refused(void *world, const char *word, struct span argument, const struct reply *reply)
{
	(void)world;
	(void)word;
	(void)argument;
	(void)reply;
}

/* What is to be said, in e->line; what it is answered stands in e->said. Its code. */
static int
ask(struct explain *e)
{
	size_t used;

	buf_clear(&e->said);
	session_protocol.input(&e->session, buf_span(&e->line), &used, &e->said);
	buf_clear(&e->line);
	return (int)span_number(span_slice(buf_span(&e->said), 0, 3), 999);
}

void
explain_next_hop(const struct config *config, int root, struct span address, struct span domain)
{
	static const char *const now[] = { [RELAY_DONE] = "would be sent there now",
		[RELAY_LATER] = "would wait now:",
		[RELAY_FAILED] = "would fail now:" };
	struct kept routes;
	const struct relay_target target = {
		.domain = domain, .root = root, .routes = &routes, .config = config, .tell = tell
	};
	struct relay_result result = { .verdict = RELAY_DONE };

	kept_init(&routes, ROUTES_TEXT);
	(void)kept_refresh(&routes, root, "routes");
	nexthop_explain(&target, &result);
	kept_free(&routes);
	tell(NULL, address, now[result.verdict],
	    result.verdict == RELAY_DONE ? span_of("") : buf_span(&result.reply));
	buf_free(&result.reply);
}

/* Whoever of the recipients is elsewhere. */
static void
explain_hops(const struct delivery *d)
{
	struct path foreign;
	const char *reason;

	for (size_t i = 0; i < d->list.n; i++) {
		const struct queue_recipient *to = &d->list.to[i].queued;
		if (!to->mailbox && path_parse_bare(to->address, &foreign, &reason) == 0)
			explain_next_hop(d->config, d->root, to->address, foreign.domain);
	}
}

/* The dialogue up to RCPT; an address may lack its <> here. The code of what it comes to, whose reply is in e->said. */
static int
talk(struct explain *e, const struct sender *sender, const char *rcpt)
{
	const bool utf8 = !span_is_ascii(span_of(rcpt)) || !span_is_ascii(span_of(sender->path));
	const bool from = sender->path[0] == '<', to = rcpt[0] == '<';

	buf_add_string(&e->line, "EHLO explain\r\n");
	ask(e);
	if (sender->user[0] != '\0')
		command_log_in(&e->session, sender->user);
	buf_printf(&e->line, "MAIL FROM:%s%s%s%s\r\n", from ? "" : "<", sender->path, from ? "" : ">",
	    utf8 ? " SMTPUTF8" : "");
	int code = ask(e);
	if (code >= 300)
		return code;
	buf_printf(&e->line, "RCPT TO:%s%s%s\r\n", to ? "" : "<", rcpt, to ? "" : ">");
	code = ask(e);
	if (code < 300)
		explain_hops(&e->delivery);
	return code;
}

static int
explain(const struct daemon *d, struct kept *aliases, const struct session_info *info,
    const struct sender *sender, const char *rcpt)
{
	const struct session_config settings = backend_settings(&d->config, info);
	struct explain e;
	struct backend world = backend;

	world.refused = refused;
	delivery_init(&e.delivery, &d->config, info, aliases, d->root, -1);
	e.delivery.tell = tell;
	session_init(&e.session, &settings, &world, &e.delivery);
	buf_init(&e.line, ALIASES_TEXT); /* more than an argument has */
	buf_init(&e.said, CONN_OUTPUT);
	safe_add(span_of(rcpt), SAFE_LINE, &e.said);
	printf("%s\n", buf_string(&e.said));
	int code = talk(&e, sender, rcpt);
	printf("%.*s\n", (int)span_trim(buf_span(&e.said)).n, buf_string(&e.said));
	session_free(&e.session);
	delivery_free(&e.delivery);
	buf_free(&e.line);
	buf_free(&e.said);
	return code;
}

/* The ends of the connection. We are where we listen first, if that is an address. */
static int
find_ends(const struct config *config, const char *client, struct session_info *info)
{
	struct sockaddr_storage address;
	char text[NET_ADDRESS + 8];
	socklen_t n;

	*info = (struct session_info){ .id = "explain" };
	net_peer_of(-1, &info->client);
	if (net_parse(config->listens > 0 ? config->listen[0] : "127.0.0.1:0", &address, &n) == 0)
		net_peer(&info->here, (struct sockaddr *)&address, n);
	if (client == NULL)
		return EXITS_DONE;
	bool v6 = strchr(client, ':') != NULL;
	snprintf(text, sizeof text, "%s%.60s%s:0", v6 ? "[" : "", client, v6 ? "]" : "");
	if (net_parse(text, &address, &n) < 0)
		return complain(EXITS_USAGE, "explain: -a %s is not an address", client);
	net_peer(&info->client, (struct sockaddr *)&address, n);
	return EXITS_DONE;
}

/* The options. -1, or an exit status. */
static int
parse(int argc, char **argv, struct sender *sender)
{
	int option;

	*sender = (struct sender){ .path = "" };
	optind = 1;
	while ((option = getopt(argc, argv, ":f:a:u:hV-:")) != -1) {
		if (option == 'f')
			sender->path = optarg;
		else if (option == 'a')
			sender->address = optarg;
		else if (option != 'u')
			return program_option(option);
		else if (!account_name(span_of(optarg), sender->user))
			return complain(EXITS_USAGE, "explain: %s is not a user's name", optarg);
	}
	if (optind == argc)
		return complain(EXITS_USAGE, "explain takes an address, or several");
	for (int i = 1; i < argc; i++)
		if (strpbrk(argv[i], "\r\n") != NULL)
			return complain(EXITS_USAGE, "explain: there is a line end in an argument");
	return -1;
}

int
explain_command(struct daemon *d, struct kept *aliases, int argc, char **argv)
{
	static const int statuses[] = { EXITS_DONE, EXITS_LATER, EXITS_REFUSED };
	struct session_info info;
	struct sender sender;
	int worst = 0;

	int status = parse(argc, argv, &sender);
	if (status >= 0)
		return status;
	status = find_ends(&d->config, sender.address, &info);
	if (status != EXITS_DONE)
		return status;
	status = daemon_enter(d);
	if (status != EXITS_DONE)
		return status;
	log_open(d->program, false);
	if (sender.user[0] != '\0' && account_find(d->root, sender.user, NULL) != ACCOUNT_OK)
		return complain(EXITS_NO_INPUT, "explain: there is no user %s", sender.user);
	for (int i = optind; i < argc; i++) {
		int code = explain(d, aliases, &info, &sender, argv[i]);
		int kind = code < 300 ? 0 : code < 500 ? 1 : 2;
		worst = kind > worst ? kind : worst;
	}
	status = printed("the explanation");
	return status == EXITS_DONE ? statuses[worst] : status;
}

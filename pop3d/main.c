/*
 * pop3d: the options, the subcommands, and the child that serves one connection.
 */
#include <string.h>

#include "account.h"
#include "bounds.h"
#include "daemon.h"
#include "exits.h"
#include "mailbox.h"
#include "mailboxes.h"
#include "maildrop.h"
#include "program.h"
#include "serve.h"
#include "session.h"
#include "user.h"

enum { TIMEOUT = 600 }; /* seconds; RFC 1939 3 wants ten minutes at the least */

static const char usage[] =
    "usage: pop3d [-d DIR] [-l ADDR:PORT]... [-o KEY=VALUE]...   serve in the foreground\n"
    "       pop3d [-d DIR] [-o KEY=VALUE]... -i                  one session on stdin and stdout\n"
    "       pop3d [-d DIR] user [list | add NAME | passwd NAME | remove NAME]\n"
    "       pop3d [-d DIR] mailbox [check | repair] NAME...      what is wrong with users' mail; put it "
    "right\n"
    "\n"
    "  -d DIR         the mail root (else $MAILBOXES, else ./mailboxes)\n"
    "  -l ADDR:PORT   listen there; port 0 is any free one\n"
    "  -o KEY=VALUE   as a line of DIR/config\n"
    "  -h, --help     this\n"
    "  -V, --version  which version this is\n";

/* <ID@HOSTNAME>, as RFC 1939 7 wants it. */
static const char *
make_timestamp(const struct daemon *d, const struct session_info *info, struct buf *out)
{
	if (!account_any_plain(d->root))
		return NULL;
	buf_printf(out, "<%s@%s>", info->id, d->config.hostname);
	return out->failed ? NULL : buf_string(out);
}

static void
serve_client(struct conn *conn, const struct session_info *info, void *context)
{
	const struct daemon *d = context;
	struct mailboxes mailboxes = { .root = d->root, .config = &d->config, .client = info->client.text };
	struct session session;
	struct buf timestamp;

	buf_init(&timestamp, SMTP_DOMAIN + NET_ADDRESS);
	struct session_settings settings = {
		.hostname = d->config.hostname,
		.timestamp = make_timestamp(d, info, &timestamp),
		.cleartext = config_allows_cleartext(&d->config, &info->client),
	};
	session_init(&session, &mailboxes_backend, &mailboxes, &settings);
	serve(conn, &session_protocol, &session, d->config.timeout > 0 ? d->config.timeout : TIMEOUT);
	session_free(&session);
	buf_free(&timestamp);
}

static int
start(void *context)
{
	const struct daemon *d = context;

	maildrop_recover_all(d->root);
	return EXITS_DONE;
}

static int
reload(void *context)
{
	return daemon_reload(context);
}

static int
run(struct daemon *d)
{
	char **operands = d->argv + d->operand;

	if (operands[0] != NULL && strcmp(operands[0], "user") == 0)
		return user_command(d->config.root, d->argc - d->operand - 1, operands + 1);
	if (operands[0] != NULL && strcmp(operands[0], "mailbox") == 0)
		return mailbox_command(d->config.root, d->argc - d->operand - 1, operands + 1);
	if (operands[0] != NULL)
		return complain(EXITS_USAGE, "unknown subcommand %s; pop3d -h lists them", operands[0]);
	struct server server = {
		.default_port_root = "110",
		.default_port_user = "2110",
		.refusal = "-ERR [SYS/TEMP] too many sessions, try again later\r\n",
		.penalty = "-ERR [SYS/TEMP] too many failed logins, try again later\r\n",
		.serve = serve_client,
		.start = start,
		.reload = reload,
		.context = d,
	};
	return daemon_serve(d, &server);
}

int
main(int argc, char **argv)
{
	struct daemon d = { .program = "pop3d", .usage = usage };
	int status = daemon_begin(&d, argc, argv);

	if (status < 0)
		status = run(&d);
	daemon_end(&d);
	return status;
}

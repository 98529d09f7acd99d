/*
 * smtpd: the options, and the child that serves one connection.
 */
#include <string.h>

#include "backend.h"
#include "checks.h"
#include "exits.h"
#include "explain.h"
#include "io.h"
#include "maildrop.h"
#include "program.h"
#include "queue_command.h"
#include "runner.h"
#include "serve.h"

enum { TIMEOUT = 300 }; /* seconds; RFC 5321 4.5.3.2.7 wants five minutes at the least */

static const char usage[] =
    "usage: smtpd [-d DIR] [-l ADDR:PORT]... [-o KEY=VALUE]...   serve in the foreground\n"
    "       smtpd [-d DIR] [-o KEY=VALUE]... -i                  one session on stdin and stdout\n"
    "       smtpd [-d DIR] queue [list | flush | show ID | remove ID]\n"
    "       smtpd [-d DIR] [-o KEY=VALUE]... explain [-f FROM] [-a CLIENT-ADDR] [-u AUTH-USER] RCPT...\n"
    "                                                            what would become of mail, step by step\n"
    "       smtpd [-d DIR] [-o KEY=VALUE]... check               is all there that it needs?\n"
    "\n"
    "  -d DIR         the mail root (else $MAILBOXES, else ./mailboxes)\n"
    "  -l ADDR:PORT   listen there; port 0 is any free one\n"
    "  -o KEY=VALUE   as a line of DIR/config\n"
    "  -h, --help     this\n"
    "  -V, --version  which version this is\n";

struct smtpd {
	struct daemon daemon;
	struct kept aliases;
	int wake[2]; /* the runner's pipe; -1: there is none */
};

static void
serve_client(struct conn *conn, const struct session_info *info, void *context)
{
	struct smtpd *smtpd = context;
	const struct config *config = &smtpd->daemon.config;
	const struct session_config settings = backend_settings(config, info);
	struct delivery delivery;
	struct session session;

	delivery_init(&delivery, config, info, &smtpd->aliases, smtpd->daemon.root, smtpd->wake[1]);
	session_init(&session, &settings, &backend, &delivery);
	serve(conn, &session_protocol, &session, config->timeout > 0 ? config->timeout : TIMEOUT);
	session_free(&session);
	delivery_free(&delivery);
}

/* What a child would have to read is read here; a broken `aliases` is logged, and stops nobody whom it does not concern. */
static int
start(void *context)
{
	struct smtpd *smtpd = context;

	(void)rcpt_refresh(&smtpd->aliases, smtpd->daemon.root);
	maildrop_recover_all(smtpd->daemon.root);
	if (smtpd->daemon.inetd)
		return EXITS_DONE;
	return io_pipe(smtpd->wake) < 0 ? EXITS_SYSTEM : EXITS_DONE;
}

static int
reload(void *context)
{
	struct smtpd *smtpd = context;

	int result = daemon_reload(&smtpd->daemon);
	return rcpt_refresh(&smtpd->aliases, smtpd->daemon.root) < 0 ? -1 : result;
}

static int
run_queue(int stop, void *context)
{
	struct smtpd *smtpd = context;
	const struct runner_settings settings = {
		.config = &smtpd->daemon.config,
		.aliases = &smtpd->aliases,
		.root = smtpd->daemon.root,
		.wake = { smtpd->wake[0], smtpd->wake[1] },
		.stop = stop,
		.reload = reload,
		.context = smtpd,
	};

	return runner_run(&settings);
}

static int
run(struct smtpd *smtpd)
{
	const char *operand = smtpd->daemon.argv[smtpd->daemon.operand];
	struct server server = {
		.default_port_root = "25",
		.default_port_user = "2525",
		.submission = true,
		.refusal = "421 4.3.2 Too many sessions, try again later\r\n",
		.penalty = "421 4.7.0 Too many failed logins, try again later\r\n",
		.serve = serve_client,
		.start = start,
		.reload = reload,
		.companion = run_queue,
		.context = smtpd,
	};

	if (operand != NULL && strcmp(operand, "check") == 0)
		return smtpd->daemon.argv[smtpd->daemon.operand + 1] == NULL
			   ? check_run(&smtpd->daemon, &server)
			   : complain(EXITS_USAGE, "check takes no argument");
	if (operand != NULL && strcmp(operand, "explain") == 0)
		return explain_command(&smtpd->daemon, &smtpd->aliases,
		    smtpd->daemon.argc - smtpd->daemon.operand, smtpd->daemon.argv + smtpd->daemon.operand);
	if (operand != NULL && strcmp(operand, "queue") == 0)
		return queue_command(&smtpd->daemon);
	if (operand != NULL)
		return complain(EXITS_USAGE, "unknown subcommand %s; smtpd -h lists the options", operand);
	return daemon_serve(&smtpd->daemon, &server);
}

int
main(int argc, char **argv)
{
	struct smtpd smtpd = { .daemon = { .program = "smtpd", .usage = usage, .lenient = "check" },
		.wake = { -1, -1 } };
	int status = daemon_begin(&smtpd.daemon, argc, argv);

	kept_init(&smtpd.aliases, ALIASES_TEXT);
	if (status < 0)
		status = run(&smtpd);
	kept_free(&smtpd.aliases);
	daemon_end(&smtpd.daemon);
	return status;
}

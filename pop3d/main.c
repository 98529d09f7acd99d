/*
 * pop3d: the options, the subcommands, and the child that serves one connection: what its session asks for, accounts, snapshot and log
 * answer.
 */
#include <string.h>

#include "account.h"
#include "bounds.h"
#include "daemon.h"
#include "exits.h"
#include "log.h"
#include "maildrop.h"
#include "program.h"
#include "serve.h"
#include "session.h"
#include "snapshot.h"
#include "subcommand.h"

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

/* What a session's backend works on. */
struct mailbox {
	const struct daemon *daemon;
	const char *client; /* the peer, for whom [IN-USE] is told about this session */
	bool is_open;
	struct snapshot snapshot;
	struct snapshot_reader reader;
};

static int
find_credential(void *context, struct span login, char *user, struct credential *credential)
{
	const struct mailbox *m = context;

	return account_login(m->daemon->root, &m->daemon->config, login, user, credential);
}

/* The response code for what the store says. */
static const char *
told(enum maildrop_status status, struct buf *reason)
{
	if (status == MAILDROP_OK)
		return NULL;
	if (reason->len == 0)
		buf_add_string(reason, maildrop_words(status));
	if (status == MAILDROP_IN_USE)
		return "[IN-USE]";
	return status == MAILDROP_BROKEN ? "[SYS/PERM]" : "[SYS/TEMP]";
}

static const char *
open_mailbox(void *context, const char *user, size_t *count, uint64_t *total, struct buf *reason)
{
	struct mailbox *m = context;

	m->is_open = true;
	enum maildrop_status status = snapshot_open(&m->snapshot, m->daemon->root, user, m->client, reason);
	*count = m->snapshot.count;
	*total = m->snapshot.total;
	return told(status, reason);
}

static void
close_mailbox(void *context)
{
	struct mailbox *m = context;

	if (m->is_open)
		snapshot_close(&m->snapshot);
	m->is_open = false;
}

static struct message
message(void *context, size_t i)
{
	const struct mailbox *m = context;

	return (struct message){ snapshot_octets(&m->snapshot, i), snapshot_uidl(&m->snapshot, i) };
}

static const char *
read_begin(void *context, size_t i, long lines, struct buf *reason)
{
	struct mailbox *m = context;

	return told(snapshot_read_begin(&m->snapshot, i, lines, true, &m->reader), reason);
}

static const char *
read_some(void *context, size_t limit, struct buf *out, bool *done, struct buf *reason)
{
	struct mailbox *m = context;
	enum maildrop_status status = snapshot_read(&m->reader, limit, out);

	*done = m->reader.done;
	return told(status, reason);
}

static const char *
expunge(void *context, bool (*deleted)(const void *, size_t), const void *whose, struct buf *reason)
{
	struct mailbox *m = context;

	return told(snapshot_expunge(&m->snapshot, deleted, whose), reason);
}

static void
log_text_of(const char *key, const char *value)
{
	if (value != NULL && value[0] != '\0')
		log_text(key, value);
}

static void
log_note(void *context, const struct note *note)
{
	(void)context;
	log_begin(note->event);
	log_span("user", note->user);
	log_text_of("method", note->method);
	log_text_of("uidl", note->uidl);
	if (note->counted != NULL)
		log_number(note->counted, (long long)note->number);
	log_text_of("reason", note->reason);
	log_end();
}

static const struct backend backend = {
	.accounts = { account_random, find_credential },
	.open = open_mailbox,
	.close = close_mailbox,
	.message = message,
	.read_begin = read_begin,
	.read = read_some,
	.expunge = expunge,
	.log = log_note,
};

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
	struct mailbox mailbox = { .daemon = d, .client = info->client.text };
	struct session session;
	struct buf timestamp;

	buf_init(&timestamp, SMTP_DOMAIN + NET_ADDRESS);
	struct session_settings settings = {
		.hostname = d->config.hostname,
		.timestamp = make_timestamp(d, info, &timestamp),
		.cleartext = config_allows_cleartext(&d->config, &info->client),
	};
	session_init(&session, &backend, &mailbox, &settings);
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
		.reload = daemon_reload,
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

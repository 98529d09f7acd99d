/*
 * pop3c: list, read, fetch and delete mail over POP3. Options, the way to the server, the login; then one of commands, fetch, shell.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "console.h"
#include "exits.h"
#include "fetch.h"
#include "io.h"
#include "net.h"
#include "password.h"
#include "program.h"

enum { NUMBERS = 65536, REASON = 256, DAY = 86400 };

static const char usage_text[] =
    "usage: pop3c [-qv] [-S SERVER[:PORT]] [-u USER] [-P COMMAND] [-w SECONDS]\n"
    "       pop3c [options] stat | list | read N | raw N | delete N...\n"
    "       pop3c [options] fetch [-k] [DEST]\n"
    "DEST: an mbox file (~/mbox), DIR/ (a Maildir), '|command', - (standard output)\n"
    "The password: $MAIL_PASSWORD, what -P COMMAND prints, ~/.netrc, or asked. See pop3c(1).\n";

struct options {
	const char *server;
	const char *user;
	const char *command; /* of -P */
	int seconds;
	bool verbose, quiet;
	struct server_name name; /* the server, taken apart */
};

/* What is to be done. */
struct task {
	const struct command *command; /* NULL: fetch, or a session */
	struct numbers numbers;
	bool is_fetch, keep;
	const char *dest;
};

/* -1: go on; else the exit status. So do all that follow. */
static int
take_option(struct options *o, int option)
{
	switch (option) {
	case 'S':
		o->server = optarg;
		return *optarg == '\0' ? complain(EXITS_USAGE, "-S: no server (pop3c -h helps)") : -1;
	case 'u':
		o->user = optarg;
		return -1;
	case 'P':
		o->command = optarg;
		return -1;
	case 'w':
		o->seconds = (int)span_number(span_of(optarg), DAY);
		return o->seconds > 0 ? -1
				      : complain(EXITS_USAGE, "-w %s: seconds, from 1 to %d (pop3c -h helps)",
					    optarg, DAY);
	case 'v':
		o->verbose = true;
		return -1;
	case 'q':
		o->quiet = true;
		return -1;
	case 'T':
	case 'X':
		return complain(
		    EXITS_USAGE, "-%c: TLS is not there yet in this version (pop3c -h helps)", option);
	default:
		return program_option(option);
	}
}

static int
parse_options(int argc, char **argv, struct options *o)
{
	int option, result = -1;

	opterr = 0;
	while (result < 0 && (option = getopt(argc, argv, ":S:u:P:w:vqT:X:hV-:")) != -1)
		result = take_option(o, option);
	if (o->server == NULL || *o->server == '\0')
		o->server = "localhost";
	if (result < 0 && !net_server_name(o->server, "110", &o->name))
		result = complain(
		    EXITS_USAGE, "%s: not a server's name, HOST or HOST:PORT (pop3c -h helps)", o->server);
	return result;
}

static int
parse_numbers(struct task *task, int argc, char **argv)
{
	static uint32_t numbers[NUMBERS];

	if ((size_t)argc < task->command->least || (size_t)argc > task->command->most || argc > NUMBERS)
		return complain(EXITS_USAGE, "%s: %s (pop3c -h helps)", task->command->name,
		    task->command->most == 0   ? "takes no argument"
		    : task->command->most == 1 ? "the number of a message, one"
					       : "the numbers of messages");
	for (int i = 0; i < argc; i++) {
		long long number = span_number(span_of(argv[i]), UINT32_MAX);
		if (number < 0)
			return complain(EXITS_USAGE, "%s: no number of a message (pop3c -h helps)", argv[i]);
		numbers[i] = (uint32_t)number;
	}
	task->numbers = (struct numbers){ numbers, (size_t)argc };
	return -1;
}

static int
parse_fetch(struct task *task, int argc, char **argv)
{
	task->is_fetch = true;
	for (; argc > 0 && strcmp(*argv, "-k") == 0; argc--, argv++)
		task->keep = true;
	if (argc > 0 && strcmp(*argv, "--") == 0) {
		argc--;
		argv++;
	} else if (argc > 0 && argv[0][0] == '-' && argv[0][1] != '\0')
		return complain(EXITS_USAGE, "fetch: %s: no such option (pop3c -h helps)", *argv);
	if (argc > 1 || (argc == 1 && **argv == '\0'))
		return complain(EXITS_USAGE, "fetch: one DEST, and not an empty one (pop3c -h helps)");
	task->dest = argc > 0 ? *argv : NULL;
	return -1;
}

static int
parse_task(struct task *task, int argc, char **argv)
{
	if (argc == 0 && isatty(STDIN_FILENO))
		return -1;
	if (argc == 0)
		return complain(
		    EXITS_USAGE, "a command is needed where there is no terminal (pop3c -h helps)");
	if (strcmp(argv[0], "fetch") == 0)
		return parse_fetch(task, argc - 1, argv + 1);
	task->command = command_find(argv[0]);
	if (task->command == NULL)
		return complain(EXITS_USAGE, "%s: no such command (pop3c -h helps)", argv[0]);
	return parse_numbers(task, argc - 1, argv + 1);
}

/* The greeting, CAPA, the login. */
static int
enter(struct pop3_client *c, const struct options *o, struct span user, struct span password)
{
	struct peer peer;

	net_peer_of(c->conn.in, &peer);
	enum pop3_status status = pop3_greeting(c);
	if (status == POP3_REFUSED) {
		int result = command_fail(c, status);
		return span_is_nocase(buf_span(&c->code), "SYS/PERM") ? result : EXITS_LATER;
	}
	if (status == POP3_OK)
		status = pop3_capa(c);
	if (status == POP3_OK) {
		bool warn = !net_is_loopback(&peer) && !o->quiet;
		status = pop3_login(c, user, password, warn ? o->server : NULL);
	}
	return status == POP3_OK ? 0 : command_fail(c, status);
}

static int
converse(const struct options *o, const struct task *task, struct fetch *fetch, struct span user,
    struct span password)
{
	struct pop3_client client;
	char reason[REASON];
	int fd = net_dial(o->server, "110", o->seconds, reason, sizeof(reason));

	if (fd < 0)
		return complain(EXITS_UNREACHABLE, "%s", reason);
	int stop_fd = interrupt_open();
	if (stop_fd < 0 || pop3_init(&client, fd, stop_fd, o->seconds, o->verbose) < 0) {
		io_close(fd);
		return complain(EXITS_LATER, "%s", strerror(errno));
	}
	int result = enter(&client, o, user, password);
	if (result == 0)
		result = task->is_fetch		 ? fetch_run(fetch, &client)
			 : task->command != NULL ? task->command->run(&client, task->numbers)
						 : shell_run(&client, stop_fd);
	pop3_free(&client);
	return result;
}

/* "user@host:port", by which the maildrop is known here. */
static void
make_key(struct span user, const struct server_name *server, struct buf *key)
{
	buf_add_span(key, user);
	buf_add_char(key, '@');
	for (const char *c = server->host; *c != '\0'; c++)
		buf_add_char(key, ascii_lower(*c));
	buf_printf(key, ":%s", server->port);
}

static int
run(const struct options *o, const struct task *task)
{
	struct buf user, password, key;
	struct fetch fetch;

	buf_init(&user, PASSWORD_USER);
	buf_init(&password, PASSWORD_MAX);
	buf_init(&key, 2 * PASSWORD_USER);
	if (o->user != NULL)
		buf_add_string(&user, o->user);
	int result = password_find(span_of(o->name.host), o->command, &user, &password);
	bool fetches = result == 0 && task->is_fetch;
	if (fetches) {
		make_key(buf_span(&user), &o->name, &key);
		result = fetch_open(&fetch, task->dest, buf_string(&key), task->keep, o->quiet);
	}
	if (result == 0)
		result = converse(o, task, &fetch, buf_span(&user), buf_span(&password));
	if (fetches)
		fetch_close(&fetch);
	buf_free(&user);
	buf_free(&password);
	buf_free(&key);
	return result;
}

int
main(int argc, char **argv)
{
	struct options o = { .server = getenv("MAILSERVER"), .seconds = 60 };
	struct task task = { .command = NULL };

	program_begin("pop3c", usage_text);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	int result = parse_options(argc, argv, &o);
	if (result < 0)
		result = parse_task(&task, argc - optind, argv + optind);
	if (result < 0)
		result = run(&o, &task);
	if (result == EXITS_DONE)
		result = printed("standard output");
	fflush(stdout);
	interrupt_end();
	return result;
}

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
#include "complain.h"
#include "console.h"
#include "exits.h"
#include "fetch.h"
#include "io.h"
#include "login.h"
#include "net.h"
#include "password.h"
#include "shell.h"
#include "version.h"

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
	bool verbose, quiet, help, version;
};

/* What is to be done. */
struct task {
	const struct command *command; /* NULL: fetch, or a session */
	struct numbers numbers;
	bool is_fetch, keep;
	const char *dest;
};

static const char *server_name; /* for the warning */

static void
warn_of_plain(void)
{
	fprintf(stderr,
	    "pop3c: warning: %s offers no safe login: the password crosses the network readable\n",
	    server_name);
}

static int
parse_option(struct options *o, int letter)
{
	switch (letter) {
	case 'S':
		o->server = optarg;
		return *optarg == '\0' ? complain(EXITS_USAGE, "-S: no server (pop3c -h helps)") : 0;
	case 'u':
		o->user = optarg;
		return 0;
	case 'P':
		o->command = optarg;
		return 0;
	case 'w':
		o->seconds = (int)span_number(span_of(optarg), DAY);
		return o->seconds < 1 ? complain(EXITS_USAGE, "-w %s: seconds, from 1 to %d (pop3c -h helps)",
					    optarg, DAY)
				      : 0;
	case 'v':
		o->verbose = true;
		return 0;
	case 'q':
		o->quiet = true;
		return 0;
	case 'h':
		o->help = true;
		return 0;
	case 'V':
		o->version = true;
		return 0;
	case 'T':
	case 'X':
		return complain(
		    EXITS_USAGE, "-%c: TLS is not there yet in this version (pop3c -h helps)", letter);
	case ':':
		return complain(EXITS_USAGE, "-%c wants an argument (pop3c -h helps)", optopt);
	default:
		return complain(EXITS_USAGE, "-%c: no such option (pop3c -h helps)", optopt);
	}
}

static int
parse_options(int argc, char **argv, struct options *o)
{
	int letter, result = 0;

	opterr = 0;
	while (result == 0 && optind < argc) {
		const char *word = argv[optind];
		if (strcmp(word, "--help") == 0 || strcmp(word, "--version") == 0) {
			o->help |= word[2] == 'h';
			o->version |= word[2] == 'v';
			optind++;
			continue;
		}
		if (strncmp(word, "--", 2) == 0 && word[2] != '\0')
			return complain(EXITS_USAGE, "%s: no such option (pop3c -h helps)", word);
		letter = getopt(argc, argv, ":S:u:P:w:vqhVT:X:");
		if (letter == -1)
			break;
		result = parse_option(o, letter);
	}
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
	return 0;
}

static int
parse_fetch(struct task *task, int argc, char **argv)
{
	int i = 0;

	task->is_fetch = true;
	for (; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (strcmp(argv[i], "-k") != 0)
			return complain(EXITS_USAGE, "fetch: %s: no such option (pop3c -h helps)", argv[i]);
		task->keep = true;
	}
	if (argc - i > 1)
		return complain(EXITS_USAGE, "fetch: one DEST (pop3c -h helps)");
	task->dest = i < argc ? argv[i] : NULL;
	return task->dest != NULL && *task->dest == '\0'
		   ? complain(EXITS_USAGE, "fetch: DEST is empty (pop3c -h helps)")
		   : 0;
}

static int
parse_task(struct task *task, int argc, char **argv)
{
	if (argc == 0)
		return isatty(STDIN_FILENO)
			   ? 0
			   : complain(EXITS_USAGE,
				 "a command is needed where there is no terminal (pop3c -h helps)");
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
		status = login_user(c, user, password, warn ? warn_of_plain : NULL);
	}
	return status == POP3_OK ? 0 : command_fail(c, status);
}

static int
converse(const struct options *o, const struct task *task, struct fetch *fetch, struct span user,
    struct span password)
{
	struct pop3_client client;
	char reason[REASON];
	int fd;

	if (net_dial(o->server, "110", o->seconds, &fd, reason, sizeof(reason)) != NET_OK) {
		fprintf(stderr, "pop3c: %s\n", reason);
		return EXITS_UNREACHABLE;
	}
	int stop_fd = interrupt_open();
	if (stop_fd < 0 || pop3_init(&client, fd, stop_fd, o->seconds, o->verbose) < 0) {
		fprintf(stderr, "pop3c: %s\n", strerror(errno));
		close(fd);
		return EXITS_LATER;
	}
	int result = enter(&client, o, user, password);
	if (result == 0)
		result = task->is_fetch		 ? fetch_run(fetch, &client)
			 : task->command != NULL ? task->command->run(&client, task->numbers)
						 : shell_run(&client, stop_fd);
	pop3_free(&client);
	return result;
}

static int
run(const struct options *o, const struct task *task)
{
	struct buf user, password, key;
	struct fetch fetch;
	struct server_name server;

	if (!net_server_name(o->server, "110", &server))
		return complain(
		    EXITS_USAGE, "%s: not a server's name, HOST or HOST:PORT (pop3c -h helps)", o->server);
	buf_init(&user, PASSWORD_USER);
	buf_init(&password, PASSWORD_MAX);
	buf_init(&key, 2 * PASSWORD_USER);
	if (o->user != NULL)
		buf_add_string(&user, o->user);
	int result = password_find(span_of(server.host), o->command, &user, &password);
	if (result == 0 && task->is_fetch) {
		buf_add_span(&key, buf_span(&user));
		buf_add_char(&key, '@');
		for (const char *c = server.host; *c != '\0'; c++)
			buf_add_char(&key, ascii_lower(*c));
		buf_printf(&key, ":%s", server.port);
		result = fetch_open(&fetch, task->dest, buf_string(&key), task->keep, o->quiet);
		if (result == 0)
			result = converse(o, task, &fetch, buf_span(&user), buf_span(&password));
		fetch_close(&fetch);
	} else if (result == 0)
		result = converse(o, task, NULL, buf_span(&user), buf_span(&password));
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

	io_hold_standard();
	complain_as("pop3c");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	int result = parse_options(argc, argv, &o);
	if (result == 0 && (o.help || o.version)) {
		if (o.version)
			puts("pop3c (Letterbox) " LETTERBOX_VERSION);
		else
			fputs(usage_text, stdout);
	} else if (result == 0) {
		if (o.server == NULL || *o.server == '\0')
			o.server = "localhost";
		server_name = o.server;
		result = parse_task(&task, argc - optind, argv + optind);
		if (result == 0)
			result = run(&o, &task);
	}
	if ((fflush(stdout) != 0 || ferror(stdout)) && result == 0) {
		fprintf(stderr, "pop3c: standard output: %s\n", strerror(errno));
		result = EXITS_CANNOT_WRITE;
	}
	interrupt_end();
	return result;
}

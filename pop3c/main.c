/*
 * pop3c: list, read, fetch and delete mail over POP3. Options, the way to the server, the login; then one of commands, fetch, shell.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "commands.h"
#include "console.h"
#include "exits.h"
#include "fetch.h"
#include "io.h"
#include "net.h"
#include "program.h"

#define PORT "110"

enum { NUMBERS = 65536, REASON = 256 };

static const char usage_text[] =
    "usage: pop3c [-qv] [-S SERVER[:PORT]] [-u USER] [-P COMMAND] [-w SECONDS]\n"
    "       pop3c [options] stat | list | read N | raw N | delete N...\n"
    "       pop3c [options] fetch [-k] [DEST]\n"
    "DEST: an mbox file (~/mbox), DIR/ (a Maildir), '|command', - (standard output)\n"
    "The password: $MAIL_PASSWORD, what -P COMMAND prints, ~/.netrc, or asked. See pop3c(1).\n";

/* What is to be done. */
struct task {
	const struct command *command; /* NULL: fetch */
	const uint32_t *numbers;
	size_t n;
	bool keep;
	const char *dest;
};

/* -1: go on; else the exit status. So do all that follow. */
static int
parse_numbers(struct task *task, int argc, char **argv)
{
	static uint32_t numbers[NUMBERS];
	const struct command *command = task->command;

	if ((size_t)argc < command->least || (size_t)argc > command->most || argc > NUMBERS)
		return complain(EXITS_USAGE, "%s: %s (pop3c -h helps)", command->name,
		    command->most == 0	 ? "takes no argument"
		    : command->most == 1 ? "the number of a message, one"
					 : "the numbers of messages");
	for (int i = 0; i < argc; i++) {
		long long number = span_number(span_of(argv[i]), UINT32_MAX);
		if (number < 0)
			return complain(EXITS_USAGE, "%s: no number of a message (pop3c -h helps)", argv[i]);
		numbers[i] = (uint32_t)number;
	}
	task->numbers = numbers;
	task->n = (size_t)argc;
	return -1;
}

static int
parse_fetch(struct task *task, int argc, char **argv)
{
	int option;

	optind = 1;
	while ((option = getopt(argc, argv, ":k")) != -1) {
		if (option != 'k')
			return complain(EXITS_USAGE, "fetch: -%c: no such option (pop3c -h helps)", optopt);
		task->keep = true;
	}
	if (argc - optind > 1 || (argc > optind && *argv[optind] == '\0'))
		return complain(EXITS_USAGE, "fetch: one DEST, and not an empty one (pop3c -h helps)");
	task->dest = argv[optind];
	return -1;
}

static int
parse_task(struct task *task, int argc, char **argv)
{
	if (argc == 0 && !isatty(STDIN_FILENO))
		return complain(
		    EXITS_USAGE, "a command is needed where there is no terminal (pop3c -h helps)");
	if (argc > 0 && strcmp(argv[0], "fetch") == 0)
		return parse_fetch(task, argc, argv);
	task->command = argc > 0 ? command_find(argv[0]) : &shell;
	if (task->command == NULL)
		return complain(EXITS_USAGE, "%s: no such command (pop3c -h helps)", argv[0]);
	return argc > 0 ? parse_numbers(task, argc - 1, argv + 1) : -1;
}

/* The greeting, CAPA, the login. */
static int
enter(struct pop3_client *c, const struct client *client)
{
	enum pop3_status status = pop3_greeting(c);

	if (status == POP3_REFUSED) {
		int result = command_fail(c, status);
		return pop3_has_code(c, "SYS/PERM") ? result : EXITS_LATER;
	}
	if (status == POP3_OK)
		status = pop3_capa(c);
	if (status == POP3_OK)
		status = pop3_login(c, client);
	return status == POP3_OK ? 0 : command_fail(c, status);
}

/* fetch: of one that fetches. */
static int
converse(const struct client *client, const struct task *task, struct fetch *fetch)
{
	struct pop3_client c;
	char reason[REASON];
	int fd = net_dial(client->server, PORT, client->seconds, reason, sizeof(reason));

	if (fd < 0)
		return complain(EXITS_UNREACHABLE, "%s", reason);
	int stop_fd = interrupt_open();
	if (stop_fd < 0 || pop3_init(&c, fd, stop_fd, client->seconds, client->verbose) < 0) {
		io_close(fd);
		return complain(EXITS_LATER, "%s", strerror(errno));
	}
	struct session session = { .client = &c, .numbers = task->numbers, .n = task->n };
	int result = enter(&c, client);
	if (result == 0)
		result = task->command == NULL ? fetch_run(fetch, &c) : command_run(task->command, &session);
	pop3_free(&c);
	return result;
}

static int
run(struct client *client, const struct task *task)
{
	struct fetch fetch;
	int result = client_log_in(client);

	if (result >= 0)
		return result;
	if (task->command != NULL)
		return converse(client, task, NULL);
	result = fetch_open(&fetch, client, task->dest, task->keep);
	if (result == 0)
		result = converse(client, task, &fetch);
	fetch_close(&fetch);
	return result;
}

int
main(int argc, char **argv)
{
	struct task task = { .command = NULL };
	struct client client;
	int option, result = -1;

	program_begin("pop3c", usage_text);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	client_init(&client);
	opterr = 0;
	while (result < 0 && (option = getopt(argc, argv, ":" CLIENT_OPTIONS)) != -1)
		result = client_option(&client, option);
	if (result < 0)
		result = client_server(&client, PORT);
	if (result < 0)
		result = parse_task(&task, argc - optind, argv + optind);
	if (result < 0)
		result = run(&client, &task);
	client_free(&client);
	if (result == EXITS_DONE)
		result = printed("standard output");
	fflush(stdout);
	interrupt_end();
	return result;
}

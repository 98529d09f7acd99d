#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "exits.h"
#include "io.h"
#include "log.h"
#include "privilege.h"
#include "program.h"

#define OPTIONS ":d:il:o:hV-:"

/* The options but for -o and -l, which need the config that -d leads to. */
static int
first_pass(struct daemon *d, const char **root)
{
	bool listen = false;
	int option;

	opterr = 0;
	optind = 1;
	while ((option = getopt(d->argc, d->argv, OPTIONS)) != -1) {
		switch (option) {
		case 'd':
			*root = optarg;
			break;
		case 'i':
			d->inetd = true;
			break;
		case 'l':
			listen = true;
			break;
		case 'o':
			break;
		default:
			return program_option(option);
		}
	}
	d->operand = optind;
	/* Behind a subcommand, too: no operand of any begins with a dash. */
	for (char **word = d->argv + optind; *word != NULL; word++)
		if (strcmp(*word, "-h") == 0 || strcmp(*word, "--help") == 0)
			return program_option('h');
	if (d->inetd && listen)
		return complain(
		    EXITS_USAGE, "-i serves one session on standard input: -l has no place beside it");
	return -1;
}

static int
add_listen(struct config *config, const char *address, char reason[CONFIG_REASON])
{
	char option[sizeof "listen=" + NET_ADDRESS];
	int n = snprintf(option, sizeof option, "listen=%s", address);

	if (n < 0 || (size_t)n >= sizeof option) {
		snprintf(reason, CONFIG_REASON, "-l: the address is too long");
		return -1;
	}
	return config_option(config, option, reason);
}

/* EXITS_DONE, or an exit status with a sentence in reason. What -o and -l say goes first: the file does not change it. */
static int
configure(const struct daemon *d, const char *root, struct config *config, char reason[CONFIG_REASON])
{
	int option;

	if (config_init(config, root) < 0) {
		snprintf(reason, CONFIG_REASON, "%s", strerror(errno));
		return EXITS_SYSTEM;
	}
	optind = 1;
	while ((option = getopt(d->argc, d->argv, OPTIONS)) != -1) {
		if (option == 'o' && config_option(config, optarg, reason) < 0)
			return EXITS_USAGE;
		if (option == 'l' && add_listen(config, optarg, reason) < 0)
			return EXITS_USAGE;
	}
	return config_read(config, reason) < 0 ? EXITS_CONFIG : EXITS_DONE;
}

int
daemon_begin(struct daemon *d, int argc, char **argv)
{
	char reason[CONFIG_REASON];
	const char *root = NULL;

	program_begin(d->program, d->usage);
	umask(077);
	d->root = -1;
	d->argc = argc;
	d->argv = argv;
	int status = first_pass(d, &root);
	if (status >= 0)
		return status;
	status = configure(d, root, &d->config, reason);
	const char *operand = d->argv[d->operand];
	if (status == EXITS_CONFIG && operand != NULL && d->lenient != NULL &&
	    strcmp(operand, d->lenient) == 0) {
		memcpy(d->broken, reason, sizeof reason);
		return -1;
	}
	return status == EXITS_DONE ? -1 : complain(status, "%s", reason);
}

void
daemon_end(struct daemon *d)
{
	io_close(d->root);
	d->root = -1;
	config_free(&d->config);
}

int
daemon_reload(struct daemon *d)
{
	char reason[CONFIG_REASON];
	struct config fresh;

	if (configure(d, d->config.root, &fresh, reason) != EXITS_DONE) {
		log_begin_error("reload-failed");
		log_text("reason", reason);
		log_end();
		config_free(&fresh);
		return -1;
	}
	config_free(&d->config);
	d->config = fresh;
	return 0;
}

static int
open_root(struct daemon *d)
{
	d->root = open(d->config.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->root < 0)
		return complain(EXITS_CONFIG, "the mail root %s: %s", d->config.root, strerror(errno));
	return EXITS_DONE;
}

int
daemon_enter(struct daemon *d)
{
	char reason[CONFIG_REASON];
	int status = privilege_become(d->config.user, reason, sizeof reason);

	return status == EXITS_DONE ? open_root(d) : complain(status, "%s", reason);
}

int
daemon_serve(struct daemon *d, struct server *server)
{
	int status = open_root(d);

	if (status != EXITS_DONE)
		return status;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	log_open(d->program, d->config.log_syslog);
	tzset(); /* so that no child has to read the time zone */
	server->program = d->program;
	server->config = &d->config;
	return d->inetd ? server_inetd(server) : server_run(server);
}

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

/*
 * The options and the file; what -o and -l say goes first, and the file does not change it. -1: all is well; else the exit status, with a
 * sentence in reason, or "" where it was said already.
 */
static int
configure(struct daemon *d, struct config *config, char reason[CONFIG_REASON])
{
	bool listens = false;
	int option, result = 0;

	reason[0] = '\0';
	config_init(config, NULL);
	opterr = 0;
	optind = 1;
	while (result == 0 && (option = getopt(d->argc, d->argv, ":d:il:o:hV-:")) != -1) {
		switch (option) {
		case 'd':
			config->root = optarg;
			break;
		case 'i':
			d->inetd = true;
			break;
		case 'l':
			listens = true;
			result = config_set(config, span_of("listen"), span_of(optarg), true, reason);
			break;
		case 'o':
			result = config_option(config, optarg, reason);
			break;
		default:
			return program_option(option);
		}
	}
	d->operand = optind;
	/* Behind a subcommand, too: no operand of any begins with a dash. */
	for (char **word = d->argv + optind; result == 0 && *word != NULL; word++)
		if (strcmp(*word, "-h") == 0 || strcmp(*word, "--help") == 0)
			return program_option('h');
	if (result == 0 && d->inetd && listens) {
		snprintf(reason, CONFIG_REASON,
		    "-i serves one session on standard input: -l has no place beside it");
		result = -1;
	}
	if (result < 0)
		return EXITS_USAGE;
	return config_read(config, reason) < 0 ? EXITS_CONFIG : -1;
}

int
daemon_begin(struct daemon *d, int argc, char **argv)
{
	char reason[CONFIG_REASON];

	program_begin(d->program, d->usage);
	umask(077);
	d->root = -1;
	d->argc = argc;
	d->argv = argv;
	int status = configure(d, &d->config, reason);
	const char *operand = d->argv[d->operand];
	if (status == EXITS_CONFIG && operand != NULL && d->lenient != NULL &&
	    strcmp(operand, d->lenient) == 0) {
		memcpy(d->broken, reason, sizeof reason);
		return -1;
	}
	return reason[0] == '\0' ? status : complain(status, "%s", reason);
}

void
daemon_end(struct daemon *d)
{
	io_close(d->root);
	d->root = -1;
}

int
daemon_reload(void *daemon)
{
	struct daemon *d = daemon;
	char reason[CONFIG_REASON];
	struct config fresh;

	if (configure(d, &fresh, reason) >= 0) {
		log_begin_error("reload-failed");
		log_text("reason", reason);
		log_end();
		return -1;
	}
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

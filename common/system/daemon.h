/*
 * daemon: the command line that both daemons share (-d, -l, -o, -i, -h, -V; interface.md), up to the point where they serve.
 */
#ifndef DAEMON_H
#define DAEMON_H

#include "server.h"

struct daemon {
	const char *program; /* "pop3d" */
	const char *usage;   /* what -h prints */
	bool inetd;	     /* -i was given */
	int root;	     /* descriptor of the mail root; -1 before daemon_serve */
	int operand;	     /* index of the first word that is no option: the subcommand */
	int argc;
	char **argv;
	struct config config;
	const char *lenient;	    /* the subcommand that goes on with a broken DIR/config; NULL: none */
	char broken[CONFIG_REASON]; /* and what is wrong with it, or "" */
};

/*
 * program, usage and lenient are the caller's. Takes the options, reads DIR/config, sets umask 077. -1: go on; else the exit status: 0
 * after -h and -V, EXITS_USAGE, EXITS_CONFIG; what is wrong has been said in one line on standard error. Free with daemon_end in every case.
 */
int daemon_begin(struct daemon *, int argc, char **argv);
void daemon_end(struct daemon *);

/* SIGHUP, as struct server has it, of a struct daemon: read DIR/config again. 0, or -1: what is wrong was logged, and the old settings stay. */
int daemon_reload(void *daemon);

/* For a subcommand: become the user of the config, who owns what it makes, and open the mail root. 0, or an exit status: why was said. */
int daemon_enter(struct daemon *);

/* Open the mail root and the log, and serve, as a daemon or with -i. server: program and config are filled in here. Returns the exit status. */
int daemon_serve(struct daemon *, struct server *);

#endif

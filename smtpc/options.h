/*
 * options: the command line of smtpc (interface.md, "The clients").
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "net.h"

#define SMTP_PORT "25"

/* A list of addresses as it was given: TO, -c, -b. */
struct address_argument {
	char kind; /* 't', 'c', 'b' */
	const char *text;
};

struct options {
	const char *server;	 /* -S, else $MAILSERVER, else localhost */
	struct server_name name; /* the server, taken apart */
	const char *user;	 /* -u; NULL: none, as in all below */
	const char *command;	 /* -P */
	const char *from;	 /* -f */
	const char *subject;	 /* -s */
	struct address_argument *addresses;
	size_t addresses_n;
	int wait; /* seconds */
	bool verbose, dry, whole, ignore_dot, all_or_none, quiet;
	bool interactive; /* nothing was given to send, and standard input is a terminal */
};

/* What -h prints. */
extern const char options_usage[];

/* -1: go on; else the exit status, and what is to say has been said. `addresses` is the caller's to free. */
int options_parse(struct options *, int argc, char **argv);

#endif

/*
 * options: the command line of smtpc (interface.md, "The clients").
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "client.h"

#define SMTP_PORT "25"

/* A list of addresses as it was given: TO, -c, -b. */
struct address_argument {
	char kind; /* 't', 'c', 'b' */
	const char *text;
};

struct options {
	struct client client;
	const char *from;    /* -f; NULL: none */
	const char *subject; /* -s; NULL: none */
	struct address_argument *addresses;
	size_t addresses_n;
	bool dry, whole, ignore_dot, all_or_none;
	bool interactive; /* nothing was given to send, and standard input is a terminal */
};

/* What -h prints. */
extern const char options_usage[];

/* -1: go on; else the exit status, and what is to say has been said. Free with options_free in every case. */
int options_parse(struct options *, int argc, char **argv);
void options_free(struct options *);

#endif

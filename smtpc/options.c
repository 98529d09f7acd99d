#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "program.h"

#define OPTIONS ":AS:T:P:X:a:b:c:f:inqs:tu:vw:hV-:"

enum { DAY = 86400, DEFAULT_WAIT = 60 };

const char options_usage[] =
    "usage: smtpc [-Anqv] [-S SERVER[:PORT]] [-u USER [-P COMMAND]] [-w SECONDS] [-f FROM]\n"
    "             [-s SUBJECT] [-c CC]... [-b BCC]... TO...\n"
    "       smtpc [-Aiqnv] [-S SERVER[:PORT]] [-u USER [-P COMMAND]] [-w SECONDS] [-f FROM] -t [TO...]\n"
    "       smtpc [-S SERVER[:PORT]] [-u USER [-P COMMAND]]\n"
    "The first form sends the text on standard input, the second a whole message, as "
    "sendmail -t does; the third asks.\n"
    "The password: $MAIL_PASSWORD, what -P COMMAND prints, ~/.netrc, or asked.\n"
    "See smtpc(1).\n";

static int
add_addresses(struct options *o, char kind, const char *text)
{
	o->addresses[o->addresses_n++] = (struct address_argument){ kind, text };
	return -1;
}

static int
take_option(struct options *o, int option)
{
	switch (option) {
	case 'A':
		o->all_or_none = true;
		return -1;
	case 'i':
		o->ignore_dot = true;
		return -1;
	case 'n':
		o->dry = true;
		return -1;
	case 'q':
		o->quiet = true;
		return -1;
	case 't':
		o->whole = true;
		return -1;
	case 'v':
		o->verbose = true;
		return -1;
	case 'S':
		o->server = optarg;
		return *optarg == '\0' ? complain(EXITS_USAGE, "-S: there is no server in it") : -1;
	case 'P':
		o->command = optarg;
		return -1;
	case 'b':
	case 'c':
		return add_addresses(o, (char)option, optarg);
	case 'f':
		o->from = optarg;
		return -1;
	case 's':
		o->subject = optarg;
		return -1;
	case 'u':
		o->user = optarg;
		return -1;
	case 'w':
		o->wait = (int)span_number(span_of(optarg), DAY);
		return o->wait > 0 ? -1 : complain(EXITS_USAGE, "-w: seconds are a number from 1 to %d", DAY);
	case 'a':
		return complain(EXITS_USAGE, "-a: this version does not have attachments yet");
	case 'T':
	case 'X':
		return complain(
		    EXITS_USAGE, "-%c: this version does not have TLS and helper programs yet", option);
	default:
		return program_option(option);
	}
}

/* A line break in an argument would be a field, or a command, of its own. */
static bool
has_line_break(const char *text)
{
	return text != NULL && strpbrk(text, "\r\n") != NULL;
}

static int
check_values(struct options *o)
{
	if (has_line_break(o->subject))
		return complain(EXITS_USAGE, "-s: a subject has no line breaks");
	if (has_line_break(o->from))
		return complain(EXITS_USAGE, "-f: an address has no line breaks");
	for (size_t i = 0; i < o->addresses_n; i++)
		if (has_line_break(o->addresses[i].text))
			return complain(EXITS_USAGE, "an address has no line breaks");
	if (o->command != NULL && o->user == NULL)
		return complain(EXITS_USAGE, "-P belongs to -u");
	if (!net_server_name(o->server, SMTP_PORT, &o->name))
		return complain(EXITS_USAGE, "%s: not a server's name, HOST or HOST:PORT", o->server);
	return -1;
}

static int
check_forms(struct options *o)
{
	if (o->whole) {
		for (size_t i = 0; i < o->addresses_n; i++)
			if (o->addresses[i].kind != 't')
				return complain(EXITS_USAGE, "-%c: with -t the message says who gets it",
				    o->addresses[i].kind);
		return o->subject != NULL
			   ? complain(EXITS_USAGE, "-s: with -t the message has its own subject")
			   : -1;
	}
	if (o->ignore_dot)
		return complain(EXITS_USAGE, "-i belongs to -t");
	if (o->addresses_n > 0)
		return -1;
	o->interactive = o->subject == NULL && o->from == NULL && !o->dry && isatty(STDIN_FILENO);
	return o->interactive ? -1 : complain(EXITS_USAGE, "there is nobody to send to; smtpc -h helps");
}

int
options_parse(struct options *o, int argc, char **argv)
{
	int option, status = -1;

	*o = (struct options){ .server = getenv("MAILSERVER"), .wait = DEFAULT_WAIT };
	if (o->server == NULL || *o->server == '\0')
		o->server = "localhost";
	o->addresses = calloc((size_t)argc + 1, sizeof(*o->addresses));
	if (o->addresses == NULL)
		return complain(EXITS_LATER, "out of memory");
	opterr = 0;
	while (status < 0 && (option = getopt(argc, argv, OPTIONS)) != -1)
		status = take_option(o, option);
	for (; status < 0 && optind < argc; optind++)
		add_addresses(o, 't', argv[optind]);
	if (status < 0)
		status = check_values(o);
	return status < 0 ? check_forms(o) : status;
}

#include "options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "program.h"

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
	/* A line break would be a field, or a command, of its own. */
	return strpbrk(text, "\r\n") == NULL ? -1 : complain(EXITS_USAGE, "an address has no line breaks");
}

static int
take_option(struct options *o, int option)
{
	const struct {
		char letter;
		bool *flag;
	} flags[] = { { 'A', &o->all_or_none }, { 'i', &o->ignore_dot }, { 'n', &o->dry },
		{ 't', &o->whole } };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].letter == option) {
			*flags[i].flag = true;
			return -1;
		}
	switch (option) {
	case 'a':
		return complain(EXITS_USAGE, "-a: this version does not have attachments yet");
	case 'b':
	case 'c':
		return add_addresses(o, (char)option, optarg);
	case 'f':
		o->from = optarg;
		break;
	case 's':
		o->subject = optarg;
		break;
	default:
		return client_option(&o->client, option);
	}
	return strpbrk(optarg, "\r\n") == NULL ? -1
					       : complain(EXITS_USAGE, "-%c: it has no line breaks", option);
}

/* Which of the three forms is it, and does it have what it needs, and no more? */
static int
check_form(struct options *o)
{
	char other = o->subject != NULL ? 's' : '\0';

	if (o->client.command != NULL && o->client.user == NULL)
		return complain(EXITS_USAGE, "-P belongs to -u");
	if (o->ignore_dot && !o->whole)
		return complain(EXITS_USAGE, "-i belongs to -t");
	for (size_t i = 0; i < o->addresses_n; i++)
		if (o->addresses[i].kind != 't')
			other = o->addresses[i].kind;
	if (o->whole && other != '\0')
		return complain(EXITS_USAGE, "-%c: with -t that stands in the message", other);
	o->interactive = !o->whole && o->addresses_n == 0 && o->subject == NULL && o->from == NULL &&
			 !o->dry && isatty(STDIN_FILENO);
	return o->whole || o->addresses_n > 0 || o->interactive
		   ? -1
		   : complain(EXITS_USAGE, "there is nobody to send to; smtpc -h helps");
}

int
options_parse(struct options *o, int argc, char **argv)
{
	int option, status = -1;

	*o = (struct options){ .addresses = calloc((size_t)argc + 1, sizeof(*o->addresses)) };
	client_init(&o->client);
	if (o->addresses == NULL)
		return complain(EXITS_LATER, "out of memory");
	opterr = 0;
	while (status < 0 && (option = getopt(argc, argv, ":Aa:b:c:f:ins:t" CLIENT_OPTIONS)) != -1)
		status = take_option(o, option);
	for (; status < 0 && optind < argc; optind++)
		status = add_addresses(o, 't', argv[optind]);
	if (status < 0)
		status = client_server(&o->client, SMTP_PORT);
	return status < 0 ? check_form(o) : status;
}

void
options_free(struct options *o)
{
	free(o->addresses);
	client_free(&o->client);
}

/* The command line, read straight into the letter. */
#include "letter.h"

#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "program.h"

/* A line break would be a field, or a command, of its own. */
static int
check_line(const char *text)
{
	return strpbrk(text, "\r\n") == NULL
		   ? -1
		   : complain(EXITS_USAGE, "there is a line break in an address, or in the subject");
}

/* Of TO the option is 't'. */
static int
add_addresses(struct letter *letter, int option, const char *text)
{
	struct buf *field = option == 'b' ? NULL : option == 'c' ? &letter->heading.cc : &letter->heading.to;
	const char *reason;
	int status = check_line(text);

	if (option != 't')
		letter->unfit = option;
	if (status < 0 &&
	    envelope_add_list(&letter->envelope, span_of(text), strlen("To: "), field, &reason) <= 0)
		status = complain(EXITS_USAGE, "%s: %s", text, reason);
	return status;
}

static int
take_option(struct letter *letter, int option)
{
	switch (option) {
	case 'A':
		letter->all_or_none = true;
		return -1;
	case 'a':
		return complain(EXITS_USAGE, "-a: this version does not have attachments yet");
	case 'b':
	case 'c':
		return add_addresses(letter, option, optarg);
	case 'f':
		letter->from = optarg;
		return check_line(optarg);
	case 'i':
		letter->ignore_dot = true;
		return -1;
	case 'n':
		letter->dry = true;
		return -1;
	case 's':
		letter->unfit = option;
		letter->heading.subject = optarg;
		return check_line(optarg);
	case 't':
		letter->whole = true;
		return -1;
	default:
		return client_option(&letter->client, option);
	}
}

/* Which of the three forms is it, and does it have what it needs, and no more? */
static int
check_form(struct letter *letter)
{
	bool addressed = letter->whole || letter->envelope.n > 0;

	if (letter->client.command != NULL && letter->client.user == NULL)
		return complain(EXITS_USAGE, "-P belongs to -u");
	if (letter->ignore_dot && !letter->whole)
		return complain(EXITS_USAGE, "-i belongs to -t");
	if (letter->whole && letter->unfit != '\0')
		return complain(EXITS_USAGE, "-%c: with -t that stands in the message", letter->unfit);
	letter->interactive = !addressed && letter->unfit == '\0' && letter->from == NULL && !letter->dry &&
			      isatty(STDIN_FILENO);
	return addressed || letter->interactive
		   ? -1
		   : complain(EXITS_USAGE, "there is nobody to send to; smtpc -h helps");
}

int
letter_options(struct letter *letter, int argc, char **argv)
{
	int option, status = -1;

	opterr = 0;
	while (status < 0 && (option = getopt(argc, argv, ":Aa:b:c:f:ins:t" CLIENT_OPTIONS)) != -1)
		status = take_option(letter, option);
	for (; status < 0 && optind < argc; optind++)
		status = add_addresses(letter, 't', argv[optind]);
	if (status < 0)
		status = client_server(&letter->client, SMTP_PORT);
	return status < 0 ? check_form(letter) : status;
}

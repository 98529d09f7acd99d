/*
 * smtpc: send a message over SMTP. Options, the password, the message from wherever it comes, then send.
 */
#include <signal.h>
#include <stdio.h>

#include "letter.h"
#include "program.h"

static const char usage[] =
    "usage: smtpc [-Anqv] [-S SERVER[:PORT]] [-u USER [-P COMMAND]] [-w SECONDS] [-f FROM]\n"
    "             [-s SUBJECT] [-c CC]... [-b BCC]... TO...\n"
    "       smtpc [-Aiqnv] [-S SERVER[:PORT]] [-u USER [-P COMMAND]] [-w SECONDS] [-f FROM] -t [TO...]\n"
    "       smtpc [-S SERVER[:PORT]] [-u USER [-P COMMAND]]\n"
    "The first form sends the text on standard input, the second a whole message, as "
    "sendmail -t does; the third asks.\n"
    "The password: $MAIL_PASSWORD, what -P COMMAND prints, ~/.netrc, or asked.\n"
    "See smtpc(1).\n";

/* With the line ends of this system. */
static int
print(struct body *body)
{
	struct buf piece;
	int more;

	buf_init(&piece, 1024 * 1024);
	do {
		more = compose_next(body, &piece);
		for (size_t i = 0; i < piece.len; i++)
			if (piece.data[i] != '\r')
				putchar(piece.data[i]);
		buf_clear(&piece);
	} while (more > 0);
	buf_free(&piece);
	return printed("the message");
}

int
main(int argc, char **argv)
{
	struct letter letter;

	program_begin("smtpc", usage);
	/* A reader of our output that is gone must not stop a message on its way. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	letter_init(&letter);
	int status = letter_options(&letter, argc, argv);
	/* Asked for before anything is written that would be lost without it. */
	if (status < 0 && letter.client.user != NULL && !letter.dry)
		status = client_log_in(&letter.client);
	if (status < 0)
		status = letter.interactive ? letter_ask(&letter) : letter_take(&letter);
	if (status < 0)
		status = letter_finish(&letter);
	if (status < 0)
		status = letter.dry ? print(&letter.body) : letter_send(&letter);
	letter_free(&letter);
	return status;
}

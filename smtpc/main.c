/*
 * smtpc: send a message over SMTP. Options, the password, the message from wherever it comes, then send.
 */
#include <signal.h>
#include <stdio.h>

#include "letter.h"
#include "program.h"

/* With the line ends of this system. */
static int
print(struct body *body)
{
	struct buf piece;
	int more;

	buf_init(&piece, 1024 * 1024);
	do {
		more = body_next(body, &piece);
		for (size_t i = 0; i < piece.len; i++)
			if (piece.data[i] != '\r')
				putchar(piece.data[i]);
		buf_clear(&piece);
	} while (more > 0);
	buf_free(&piece);
	return printed("the message");
}

static int
write_and_send(struct options *o)
{
	struct letter letter;
	/* Asked for before anything is written that would be lost without it. */
	int status = o->client.user != NULL && !o->dry ? client_log_in(&o->client) : -1;

	if (status >= 0)
		return status;
	status = letter_write(&letter, o);
	if (status < 0)
		status = o->dry ? print(&letter.body) : letter_send(&letter, o);
	letter_free(&letter);
	return status;
}

int
main(int argc, char **argv)
{
	struct options o;

	program_begin("smtpc", options_usage);
	/* A reader of our output that is gone must not stop a message on its way. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	int status = options_parse(&o, argc, argv);
	if (status < 0)
		status = write_and_send(&o);
	options_free(&o);
	return status;
}

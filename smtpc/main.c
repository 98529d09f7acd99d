/*
 * smtpc: send a message over SMTP. Options, the password, the message from wherever it comes, then send.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "exits.h"
#include "password.h"
#include "program.h"
#include "letter.h"

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
write_and_send(const struct options *o)
{
	struct buf user, password;
	struct letter letter = { .utf8 = false };
	int status = -1;

	buf_init(&user, PASSWORD_USER);
	buf_init(&password, PASSWORD_MAX);
	/* Asked for before anything is written that would be lost without it. */
	if (o->user != NULL && !o->dry) {
		buf_add_string(&user, o->user);
		status = password_find(span_of(o->name.host), o->command, &user, &password);
	}
	if (status <= 0)
		status = letter_write(&letter, o);
	if (status < 0)
		status = o->dry ? print(&letter.body)
				: letter_send(&letter, o, buf_span(&user), buf_span(&password));
	letter_free(&letter);
	buf_free(&user);
	buf_free(&password);
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
	free(o.addresses);
	return status;
}

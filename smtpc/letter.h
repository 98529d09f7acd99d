/*
 * letter: the message, from whoever writes it: arguments and a text, a whole message (-t), or questions.
 */
#ifndef LETTER_H
#define LETTER_H

#include "client.h"
#include "compose.h"
#include "scratch.h"

#define SMTP_PORT "25"

struct letter {
	struct client client;
	const char *from;			  /* -f; NULL: none */
	bool whole, ignore_dot, dry, all_or_none; /* -t, -i, -n, -A */
	int unfit;				  /* an option that does not go with -t; 0: none */
	bool interactive; /* nothing was given to send, and standard input is a terminal */

	char host[256];	   /* ours: gethostname(2) where it is a domain with a dot, else "localhost" */
	struct buf self;   /* who runs this, as an address; empty where the system does not know */
	struct buf sender; /* local@domain, in the envelope; empty: the null sender */
	struct envelope envelope;
	struct heading heading;
	struct buf subject;	     /* that was asked for */
	struct scratch given, lines; /* standard input as it came; the same with CRLF line ends */
	struct span text;	     /* the lines; what is no text, as it came */
	struct content content;	     /* what it is like */
	struct buf header;
	struct body body;
	bool eight_bit, utf8; /* of the whole, as it goes out */
};

void letter_init(struct letter *);
void letter_free(struct letter *);

/* All that follow: -1, or an exit status after a line on standard error. */

/* The command line (options.c; interface.md, "The clients"). */
int letter_options(struct letter *, int argc, char **argv);

/* The sender, and the text from standard input. */
int letter_take(struct letter *);

/* The header; body is then the whole message. */
int letter_finish(struct letter *);

/* Read the text, of any size, up to its end or, where that ends it, to a line of a single dot; *dot: it was that. */
int letter_read(struct letter *, bool to_dot, bool *dot);

/* Standard input cannot be read, and errno says why. */
int letter_unread(void);

/*
 * The questions on a terminal: From, To, Subject, and the text to a line of a single dot (prompt.c). An address that is malformed is asked for again.
 * EXITS_DONE after Ctrl-D: nothing is to be sent.
 */
int letter_ask(struct letter *);

/*
 * To the server (send.c), logged in where client has a login. Always an exit status; `sent: REPLY` is on standard output, what went wrong on
 * standard error.
 */
int letter_send(struct letter *);

#endif

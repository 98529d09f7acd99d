/*
 * letter: the message, from whoever writes it: arguments and a text, a whole message (-t), or questions.
 */
#ifndef LETTER_H
#define LETTER_H

#include "compose.h"
#include "options.h"
#include "scratch.h"

struct letter {
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

/* -1, or an exit status after a line on standard error. Free with letter_free in every case. */
int letter_write(struct letter *, const struct options *);
void letter_free(struct letter *);

/*
 * Read the text, of any size, up to its end or, where that ends it, to a line of a single dot; *dot: it was that. -1, or an exit status after a
 * line on standard error. For letter_unread: standard input cannot be read, and errno says why.
 */
int letter_read(struct letter *, bool to_dot, bool *dot);
int letter_unread(void);

/*
 * The questions on a terminal: From, To, Subject, and the text to a line of a single dot (prompt.c). An address that is malformed is asked for again. -1;
 * EXITS_DONE after Ctrl-D: nothing is to be sent; or another exit status.
 */
int letter_ask(struct letter *);

/*
 * To the server (send.c), logged in where options have a login. Returns the exit status; `sent: REPLY` is on standard output, what went wrong on
 * standard error.
 */
int letter_send(struct letter *, const struct options *);

#endif

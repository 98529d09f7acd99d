/*
 * reply: what an SMTP server answers (RFC 5321 4.2), with its enhanced status code (RFC 3463). Pure.
 */
#ifndef REPLY_H
#define REPLY_H

struct reply {
	int code;	    /* 250 to 554; 0: none, nothing is wrong */
	const char *status; /* "2.1.0"; NULL for a reply that has none */
	const char *text;   /* one line of printable ASCII, a literal unless who gives it says otherwise */
};

#endif

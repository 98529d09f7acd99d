/*
 * smtp_client: the sending side of SMTP (RFC 5321), over a conn. Every reply is hostile: bounded, and never waited for longer than
 * the patience. Used by smtpc, and by whatever passes mail on.
 */
#ifndef SMTP_CLIENT_H
#define SMTP_CLIENT_H

#include "conn.h"
#include "smtp_reply.h"

enum smtp_outcome {
	SMTP_DONE,	  /* taken, for all recipients; of smtp_client_open: the session stands */
	SMTP_SOME,	  /* taken, but some recipients were refused */
	SMTP_DENIED,	  /* of smtp_client_auth: the login */
	SMTP_REFUSED,	  /* 5xx, or the server cannot take such a message */
	SMTP_LATER,	  /* 4xx, or a session that broke off before the message was complete */
	SMTP_UNREACHABLE, /* the connection never became a session */
	SMTP_PROTOCOL,	  /* what the server said makes no sense here */
	SMTP_MAYBE, /* it broke off between the final dot and its reply: the message may have been taken, or not */
	SMTP_UNREADABLE /* the message itself: body failed, or has a bare CR, LF or NUL; nothing was sent */
};

/* A reply as it came: its lines with their codes, parted by LF. */
struct smtp_answer {
	int code;   /* 0: none came */
	char *text; /* NULL then */
};

struct smtp_recipient {
	struct span address; /* local@domain */
	char notify[36];     /* for a server that offers DSN (RFC 3461): NOTIFY, "SUCCESS,FAILURE", */
	struct span orcpt;   /* and ORCPT; empty: none */
	struct smtp_answer answer;
};

struct smtp_message {
	struct span sender;	/* local@domain, or empty */
	struct span ret, envid; /* likewise */
	struct smtp_recipient *recipients;
	size_t recipients_n;
	uint64_t size;	  /* bytes of the body, for SIZE= */
	bool eight_bit;	  /* the body has bytes above 0x7f: needs 8BITMIME */
	bool utf8;	  /* an address or the header has them: needs SMTPUTF8 */
	bool all_or_none; /* a recipient that is refused stops the message for all */

	/*
	 * Append the next piece of the content, some tens of KiB: whole or part lines, CRLF line ends, dots not stuffed.
	 * 1: there is more; 0: that was all; -1: it cannot be read.
	 */
	int (*body)(void *context, struct buf *out);
	void *context;
};

/* Seconds that a reply, or 1 KiB on its way out, may take. */
struct smtp_patience {
	int greeting, command, data, block, final;
};
struct smtp_patience smtp_patience_of(int seconds);

/* Extensions. */
enum smtp_offer { SMTP_PIPELINING = 1, SMTP_8BITMIME = 2, SMTP_SMTPUTF8 = 4, SMTP_SIZE = 8, SMTP_DSN = 16 };

struct smtp_client {
	struct conn *conn; /* the caller's; stays open */
	struct smtp_patience patience;
	int64_t deadline; /* of everything, as conn_now; -1: never */
	/* The dialogue, line by line without line ends; not the content. May be NULL. */
	void (*trace)(void *context, bool ours, struct span line);
	void *trace_context;

	struct smtp_answer answer; /* the reply that decided; code 0 where none did */
	char reason[128];   /* a sentence about an outcome that the answer alone does not explain, or "" */
	const char *status; /* RFC 3463, where we refused it for the server: "5.6.3"; else "" */

	unsigned offers;     /* enum smtp_offer */
	unsigned mechanisms; /* of AUTH, those that we know: 1 << enum sasl_mechanism */
	uint64_t size_limit;
	struct smtp_reply reply;
	bool greeted, over;	  /* over: nothing more can be said */
	enum smtp_outcome broken; /* what it means that the session broke; SMTP_DONE: it did not */
	bool begun;		  /* MAIL of the last message was accepted */
	bool dirty;		  /* a transaction was left off: RSET comes first */
};

/* patience (that of RFC 5321), deadline and trace may be set after it. */
void smtp_client_init(struct smtp_client *, struct conn *);
void smtp_client_free(struct smtp_client *);

/*
 * The greeting; EHLO with our name, HELO where the server does not know it. A name without a dot is none of the DNS: the literal of our
 * address takes its place (RFC 5321 4.1.4).
 */
enum smtp_outcome smtp_client_open(struct smtp_client *, const char *name);

/*
 * After smtp_client_open, log in (RFC 4954) by the safest way that the server knows: SCRAM-SHA-256 (RFC 7677), PLAIN, LOGIN. A password that was refused is
 * never tried again in a weaker way. SMTP_DENIED where the server does not take it, does not prove that it knows it, or has no way that we know.
 */
enum smtp_outcome smtp_client_auth(struct smtp_client *, struct span user, struct span password);

/* Has the server no way but one that sends the password readable? Then who has neither TLS nor loopback may not want it. */
bool smtp_client_auth_is_readable(const struct smtp_client *);

/*
 * One message. Each recipient's answer is filled in; free them with smtp_answer_free. The next message may follow unless client->over.
 */
enum smtp_outcome smtp_client_send(struct smtp_client *, const struct smtp_message *);

/* QUIT, if there still is a session. Whatever comes of it changes nothing. */
void smtp_client_quit(struct smtp_client *);

void smtp_answer_free(struct smtp_answer *);

#endif

/*
 * pop3_client: POP3 (RFC 1939, 2449, 5034) from the client's side, over a conn. Everything the server says is bounded and suspect.
 *
 * Commands may be sent ahead (pipelined); replies are taken in the same order. What was sent goes out when a reply is waited for.
 */
#ifndef POP3_CLIENT_H
#define POP3_CLIENT_H

#include "client.h"
#include "conn.h"
#include "line.h"

enum {
	POP3_COMMAND = 255,	  /* RFC 2449 4: octets of a command line, CRLF included */
	POP3_WINDOW = 32,	  /* commands that are under way at once */
	POP3_MESSAGES = 2000000,  /* most messages of a maildrop that are taken in */
	POP3_UIDL = 255,	  /* RFC 1939 7 says 70, servers say more */
	POP3_MESSAGE = 1073741824 /* octets of a message; a server without end fills no disk */
};

enum pop3_status {
	POP3_OK,
	POP3_CHALLENGE, /* "+ …", of a SASL dialogue */
	POP3_REFUSED,	/* -ERR */
	POP3_DENIED,	/* -ERR to the password */
	POP3_UNPROVEN,	/* the server did not prove that it knows the password (SCRAM) */
	POP3_NO_METHOD, /* no way to log in that both sides know */
	POP3_LOST,	/* the server closed or reset the connection */
	POP3_SILENT,	/* nothing within `seconds` */
	POP3_PROTOCOL,	/* an answer that POP3 does not have, or one over its bound */
	POP3_STOPPED,	/* a signal */
	POP3_SINK	/* the sink would not go on */
};

enum pop3_capability {
	POP3_CAPA = 1, /* there was an answer to CAPA */
	POP3_USER = 2,
	POP3_TOP = 4,
	POP3_PIPELINING = 8,
	POP3_SASL_PLAIN = 16,
	POP3_SASL_SCRAM = 32
};

struct pop3_client {
	struct conn conn;
	int seconds;  /* how long the server may be silent */
	bool verbose; /* the dialogue on standard error, secrets masked */
	struct line line;
	struct span said;   /* in it: the last reply, behind its first word */
	struct buf words;   /* of pop3_words */
	struct buf stamp;   /* the greeting's <timestamp> (RFC 1939 7); empty: no APOP */
	struct buf content; /* a piece of a multi-line answer */
	unsigned capabilities;
};

/* Takes the descriptor over. stop_fd: as conn_init's. 0, or -1 with errno (the descriptor stays the caller's). */
int pop3_init(struct pop3_client *, int fd, int stop_fd, int seconds, bool verbose);

/* Closes the connection. What was marked deleted without QUIT stays on the server. */
void pop3_free(struct pop3_client *);

/* A command without its CRLF, which it must not hold. What nobody may see has another text for the dialogue of -v (else NULL). */
void pop3_send(struct pop3_client *, const char *shown, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The next reply line: POP3_OK, POP3_REFUSED, POP3_CHALLENGE, or what went wrong. */
enum pop3_status pop3_reply(struct pop3_client *);

/* Both. */
enum pop3_status pop3_ask(struct pop3_client *, const char *command);

/* Takes what comes of a multi-line answer, dots removed, CRLF line ends. -1 ends it: POP3_SINK. */
typedef int pop3_sink(void *context, struct span piece);

/* The lines behind a +OK, up to the dot. At most `most` octets. */
enum pop3_status pop3_body(struct pop3_client *, uint64_t most, pop3_sink *, void *context);

/* The same as text, each line ended by LF; the server may leave out the CR, too. More than there is room for is POP3_PROTOCOL. */
enum pop3_status pop3_lines(struct pop3_client *, struct buf *text);

/* A sink: context is a buf, which keeps what it has room for. */
int pop3_keep(void *context, struct span piece);

/* The greeting, then CAPA. */
enum pop3_status pop3_greeting(struct pop3_client *);
enum pop3_status pop3_capa(struct pop3_client *);

/*
 * Log in, after CAPA, by the safest way that the server knows: SCRAM-SHA-256 (RFC 5034, 7677), APOP, SASL PLAIN, USER and PASS (pop3_login.c). A
 * SCRAM that the server turns out not to have is followed by the next way; a password that was refused is never tried again in a weaker way. Over a
 * network that may read it, it goes with a warning.
 */
enum pop3_status pop3_login(struct pop3_client *, const struct client *);

/* STAT. */
enum pop3_status pop3_stat(struct pop3_client *, uint64_t *count, uint64_t *octets);

/* Has the last reply this response code (RFC 2449 8)? Does its code say that it may work later (RFC 3206)? */
bool pop3_has_code(const struct pop3_client *, const char *code);
bool pop3_is_temporary(const struct pop3_client *);

/* A sentence about what went wrong, with the server's own words, escaped, where there are any. */
const char *pop3_words(struct pop3_client *, enum pop3_status);

/* The exit status that goes with it. */
int pop3_exit(const struct pop3_client *, enum pop3_status);

#endif

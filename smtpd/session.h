/*
 * session: the server's side of SMTP (RFC 5321; 1870, 2034, 2920, 3030, 3461, 4954, 6152, 6531) as a machine that turns bytes into bytes. Pure.
 *
 * What it takes is bounded whatever a peer sends: a command line, an address, one piece of content. What must last goes out through
 * struct backend, which is all that the session knows of the world.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdint.h>

#include "address.h"
#include "dot.h"
#include "dsn.h"
#include "line.h"
#include "protocol.h"
#include "sasl.h"

/* An answer (RFC 5321 4.2) with its enhanced status code (RFC 3463). */
struct reply {
	int code;	    /* 220 to 555; 0: none, nothing is wrong */
	const char *status; /* "2.1.0"; NULL for a reply that has none */
	const char *text;   /* one line of printable ASCII, a literal unless who gives it says otherwise */
};

struct session_config {
	const char *hostname;
	uint64_t message_size; /* bytes of content, its CRLFs counted, dot-stuffing not */
	int recipients;	       /* a message */
	bool trusted;	       /* who comes from there may send anywhere */
	bool cleartext;	       /* a password may cross this connection as it is */
	bool
	    submission; /* mail programs come there: they must log in, and what they send is completed (RFC 6409) */
};

/* A mail transaction, RFC 5321 3.3. The spans are the session's. */
struct envelope {
	struct span helo;   /* what EHLO or HELO said, printable ASCII */
	struct span sender; /* reverse-path without <>; empty for the null one */
	bool esmtp;	    /* it was EHLO */
	bool smtputf8;	    /* MAIL said SMTPUTF8 */
	struct span user;   /* who has logged in; empty: nobody */
	bool trusted;	    /* by that, or by where it comes from */
	enum dsn_ret ret;   /* MAIL's RET= and ENVID= */
	struct span envid;
	uint64_t declared;	       /* MAIL's SIZE=, 0 if it said none */
	uint64_t size;		       /* bytes of content so far */
	bool add_date, add_message_id; /* it lacks that field, and is to have one */
	int taken, refused;	       /* RCPTs */
	bool overflow;		       /* a RCPT was one too many, and that was logged */
};

/* The world. A transaction is rcpt, add and finish, in this order; forget may come at any time. */
struct backend {
	/* May the user who has logged in send from there? The path may be the null one. */
	struct reply (*mail)(void *world, const struct envelope *, const struct path *);

	/* Is there a place for this path? 2xx: it is one of the transaction's from now on. */
	struct reply (*rcpt)(
	    void *world, const struct envelope *, const struct path *, const struct dsn_request *);

	/* More content: CRLF lines, no bare CR, LF or NUL. What goes wrong is kept for finish. */
	void (*add)(void *world, struct span content);

	/* All has been added: a 2xx promises that it survives a power cut. The text lives until the next call. */
	struct reply (*finish)(void *world, const struct envelope *);

	/* What a login is checked against; and for the log: this user, by what the peer calls itself, has logged in, or failed to. */
	struct exchange_accounts accounts;
	void (*login)(void *world, bool right, struct span user, const char *method);

	/* The transaction is over, one way or the other: drop what there is of it. */
	void (*forget)(void *world);

	/* For the log: this 4xx or 5xx was said to a command, or about the content behind it. word: NULL if we do not know it. */
	void (*refused)(void *world, const char *word, struct span argument, const struct reply *);
};

enum session_state {
	SESSION_NEW = 1,     /* neither EHLO nor HELO yet */
	SESSION_GREETED = 2, /* no transaction */
	SESSION_MAIL = 4,    /* MAIL was taken */
	SESSION_CHUNKS = 8   /* and a BDAT */
};

/* Which fields the message has that is coming in. */
enum header_place {
	HEADER_NAME, /* zeroed = at the start of the message */
	HEADER_LINE, /* the rest of a line */
	HEADER_BODY  /* nothing behind the header counts */
};

struct header {
	enum header_place place;
	char name[sizeof "message-id"]; /* of the line so far, in lower case */
	size_t n;
	bool blank; /* behind it */

	int received; /* fields so far; RFC 5321 6.3: loops are found by counting them */
	bool date, message_id;
};

enum session_phase { PHASE_COMMANDS, PHASE_AUTH, PHASE_DATA, PHASE_CHUNK };

struct session {
	const struct session_config *config;
	const struct backend *backend;
	void *world;
	enum session_state state;
	enum session_phase phase;
	const char *word;     /* of the last command; NULL: unknown */
	struct span argument; /* its argument, in line */
	struct line line;
	struct buf helo, sender, envid;
	struct envelope envelope;
	struct reply
	    verdict; /* code != 0: what becomes of the content coming in, once all of it has been thrown away */
	struct dot dot;
	struct header header;
	struct buf content; /* one piece of it */
	uint64_t left;	    /* octets of the chunk to come */
	bool last;	    /* it is the LAST */
	int errors;
	struct exchange exchange;
	char user[SASL_USER + 1]; /* who has logged in */
};

extern const struct protocol session_protocol;

/* config, backend and world stay the caller's and must outlive the session. */
void session_init(struct session *, const struct session_config *, const struct backend *, void *world);
void session_free(struct session *);

#endif

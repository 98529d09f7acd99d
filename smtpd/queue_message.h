/*
 * queue_message: a message of the queue, its envelope and what became of its recipients, as text: what stands before the content in a file
 * of queue/, and the journal behind it. Pure.
 *
 *	queue 1 00000113 00000000000000001234	the bytes of this header, and of the content behind it
 *	created 1800000000
 *	from anna@example.org			… one "key value" or "flag" a line; `to` begins a recipient
 *	to bob@example.net
 *
 *	CONTENT
 *	SUM TRIED NEXT STATE NOTICE WHICH REPLY	a line of the journal: what a try came to for the recipients WHICH ("0-3,7")
 */
#ifndef QUEUE_MESSAGE_H
#define QUEUE_MESSAGE_H

#include <stdint.h>

#include "buf.h"
#include "codec.h"
#include "dsn.h"

enum {
	QUEUE_FIRST = 38,	 /* bytes of the first line */
	QUEUE_HEADER = 64 << 20, /* most bytes of a header: 100,000 recipients have room, if they are short */
	QUEUE_JOURNAL = 32 << 20,      /* most bytes of a journal */
	QUEUE_JOURNAL_WORDY = 1 << 20, /* from where on replies are left out of it */
	QUEUE_REPLY = 2048	       /* most bytes of a reply that are kept */
};

/* What becomes of a recipient. The last two are final. */
enum queue_state { QUEUE_WAITING, QUEUE_DONE, QUEUE_FAILED };

struct queue_recipient {
	struct span address; /* local@domain, as it came or as an alias named it */
	bool
	    mailbox; /* local is a user, no alias counts: its mailbox could not be written when the message came */
	struct dsn_request dsn;
	struct span
	    owner; /* who is told that it failed, in the sender's place: local@domain; empty: the sender */

	/* What came of it so far; zero at the start. */
	enum queue_state state;
	int tries;
	int64_t tried, next; /* seconds since 1970: the last try, the next one */
	bool delayed;	     /* the sender was told that it takes long */
	struct span reply;   /* the last reply verbatim, or what else was wrong: "host: 450 4.2.1 busy" */
};

/* A message and its envelope. Who fills it in owns what the spans point to; of an open entry they are the entry's. */
struct queue_message {
	char id[BASE32_ID + 1];
	int64_t created; /* seconds since 1970 */
	uint64_t size;	 /* bytes of the content on the wire, the trace that was put before it not counted */
	struct span sender;
	struct span user; /* who had logged in; empty: nobody */
	bool
	    trusted; /* it came from relay-from, from who had logged in, or from ourselves: the sender may be told. (Else postmaster is.) */
	bool utf8;   /* SMTPUTF8 was said */
	bool eight_bit; /* there are bytes above 0x7f in it, or in our trace */
	enum dsn_ret ret;
	struct span envid; /* xtext; empty: none */
	struct queue_recipient *recipients;
	size_t recipients_n;
};

bool queue_is_id(const char *name);

/* The header for so many bytes of content. 0, or -1: out is full. */
int queue_message_write(const struct queue_message *, uint64_t content, struct buf *out);

/* The first line, QUEUE_FIRST bytes. False: this is no queue file. */
bool queue_message_lengths(struct span first, size_t *header, uint64_t *content);

/*
 * A header. recipients is to be freed in every case; spans point into the header, id is not touched. 0, or -1 with errno: EBADMSG where it is
 * malformed, ENOMEM.
 */
int queue_message_parse(struct span header, struct queue_message *);

/* What a try came to, for recipients of one reply. More of the same time are about the same try. */
struct queue_outcome {
	enum queue_state state;
	int64_t tried, next; /* seconds since 1970 */
	bool delayed;	     /* a notice tells the sender that it takes long */
	struct span reply;   /* its lines parted by LF; empty: the one before stays */
	const char *notice;  /* id of the notice that tells of it; NULL: there is none */
};

/* A line of the journal of the message with that id. 0, or -1: out is full. */
int queue_journal_write(
    const char *id, const struct queue_outcome *, const size_t *which, size_t n, struct buf *out);

/*
 * Take over what a journal says; what a crash tore in it is passed over. The replies point into the journal, which is changed: it has LF where
 * the file has another byte. notices: the id of each notice that it names is added, with its NUL. 0, or -1: there is no room for them.
 */
int queue_journal_read(struct buf *journal, struct queue_message *, struct buf *notices);

#endif

/*
 * queue: mail that waits for another server or for a mailbox: one file a message in queue/ below the mail root. What queue_add has said
 * yes to survives a power cut. Touches queue/ alone. The states of an entry and who mends what a crash leaves: queue.c.
 *
 * Any number of runners, on any number of machines, share a queue: who works on a recipient holds the fcntl lock of a byte of the
 * file that stands for it, so a message may be on its way to two hosts at once, and a host that hangs holds only what is for it.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <sys/types.h>

#include <stdint.h>

#include "dsn.h"
#include "spool.h"
#include "unique.h"

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

/* A message and its envelope. Who fills it in owns what the spans point to; of a claimed entry they are the entry's. */
struct queue_message {
	char id[UNIQUE_ID + 1];
	int64_t created; /* seconds since 1970 */
	uint64_t size;	 /* bytes of the content on the wire, the trace that was put before it not counted */
	struct span sender;
	struct span user; /* who had logged in; empty: nobody */
	bool
	    trusted; /* it came from relay-from, from who had logged in, or from ourselves: the sender may be told. (Else postmaster is.) */
	bool utf8;   /* SMTPUTF8 was said */
	bool eight_bit; /* there are bytes above 0x7f in it */
	enum dsn_ret ret;
	struct span envid; /* xtext; empty: none */
	struct queue_recipient *recipients;
	size_t recipients_n;
};

/*
 * Store a message, whole or not at all, durably. trace: header fields to stand before the content, LF line ends; body: finished. message->id
 * is its name. 0, or -1 with errno (ENOSPC, EDQUOT: no room).
 */
int queue_add(int root, const struct queue_message *, struct span trace, struct spool *body);

/* An entry that is open. Everything in message lives as long as it is. */
struct queue_entry {
	int file;
	off_t content, end; /* where the trace begins, and where the content ends */
	struct queue_message message;
	struct buf text; /* what message points into */
};

enum queue_status {
	QUEUE_OK,
	QUEUE_GONE,  /* there is no such entry (any more) */
	QUEUE_BROKEN /* or it cannot be read: logged; errno */
};

/* Open and read it as it is now, for looking at it or for working on it. Close it in every case. */
enum queue_status queue_open(int root, const char *id, struct queue_entry *);
void queue_close(struct queue_entry *);

/*
 * Claim recipient i for this process, at once or not at all: false where another has it. Read what was recorded meanwhile with queue_refresh
 * before acting on it. A claim ends with queue_close, or with the process.
 */
bool queue_claim(struct queue_entry *, size_t i);
enum queue_status queue_refresh(int root, struct queue_entry *);

/* What became of some claimed recipients, with one reply for all of them. 0, or -1 with errno: it is not known to be durable. */
int
queue_record(struct queue_entry *, const struct queue_recipient *recipients, const size_t *which, size_t n);

/* The content with its trace, piece by piece, CRLF line ends, from the start at *at = entry->content. 1: there is more; 0: that was all; -1 with errno. */
int queue_read(struct queue_entry *, off_t *at, struct buf *out);

/* Remove an entry: all its recipients are done, or the postmaster wants it. 0, or -1 with errno. */
int queue_remove(int root, const char *id);

/* Call each for every entry's id, in no order. 0, or -1 with errno. */
int queue_list(int root, void (*each)(const char *id, void *context), void *context);

#endif

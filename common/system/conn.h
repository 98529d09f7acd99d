/*
 * conn: a pair of descriptors with buffers on both sides and deadlines. The only place that reads from and writes to a peer.
 */
#ifndef CONN_H
#define CONN_H

#include <stdint.h>

#include "buf.h"

enum conn_status {
	CONN_OK,
	CONN_EOF,     /* the peer has closed; nothing more to read */
	CONN_TIMEOUT, /* the deadline is past */
	CONN_STOPPED, /* the daemon is to end: stop_fd is readable, or a signal handler set conn_stop */
	CONN_ERROR    /* errno says what; a peer that has reset the connection is one */
};

struct conn {
	int in, out; /* the same descriptor for a socket */
	int stop_fd; /* readable when it is time to end; -1 for none */
	bool socket;
	char *input;		 /* CONN_INPUT bytes (bounds.h) */
	size_t start, end;	 /* input[start..end) is not consumed yet */
	struct buf output;	 /* append here; goes out with conn_flush */
	uint64_t received, sent; /* bytes, in all */
};

/* Takes the descriptors over. 0, or -1 with ENOMEM (they stay the caller's). */
int conn_init(struct conn *, int in, int out, int stop_fd);

/* Closes both descriptors and frees. Does not flush. */
void conn_free(struct conn *);

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t conn_now(void);

/* What has been read and not yet consumed; consume n bytes of it. */
struct span conn_bytes(const struct conn *);
void conn_consume(struct conn *, size_t n);

/* Wait for more input until `deadline` (as conn_now; -1: for ever) and take it in. With no room left: CONN_ERROR, ENOBUFS. */
enum conn_status conn_fill(struct conn *, int64_t deadline);

/* Has the peer sent something that was not consumed? Looks, does not wait. */
bool conn_pending(struct conn *);

/*
 * Write all of output. `patience` is how long one wait for the peer to take a byte may last, in milliseconds, and `deadline` when it
 * must all be over (-1: never). stop_fd does not interrupt it: a reply that is under way is finished.
 */
enum conn_status conn_flush(struct conn *, int64_t patience, int64_t deadline);

/* Set by a handler of SIGTERM; a wait that is interrupted looks at it. */
extern volatile int conn_stop;

#endif

/*
 * conn: a pair of descriptors with buffers on both sides and deadlines. The only place that reads from and writes to a peer.
 */
#ifndef CONN_H
#define CONN_H

#include <signal.h>
#include <stdint.h>

#include "buf.h"

enum conn_status {
	CONN_OK,
	CONN_EOF,     /* the peer has closed; nothing more to read */
	CONN_TIMEOUT, /* the deadline is past */
	CONN_STOPPED, /* the daemon is to end; said once, only by conn_fill and conn_pause: afterwards they wait as ever */
	CONN_ERROR /* errno says what; a peer that has reset the connection is one */
};

struct conn {
	int in, out;   /* the same descriptor for a socket */
	int stop_fd;   /* readable when it is time to end; -1 for none */
	int denied_fd; /* for serve: takes our pid_t for each login that has failed; -1: nobody counts them */
	bool socket;
	bool linger;		 /* we end it: conn_linger before conn_free */
	bool stopped;		 /* CONN_STOPPED was said */
	char *input;		 /* CONN_INPUT bytes (bounds.h) */
	size_t start, end;	 /* input[start..end) is not consumed yet */
	size_t touched;		 /* bytes of input that have ever been written */
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

/* Let time pass until `deadline`, whatever the peer does: CONN_TIMEOUT, or CONN_STOPPED. */
enum conn_status conn_pause(struct conn *, int64_t deadline);

/* Has the peer sent something that was not consumed? Is the daemon to end? Both look, and do not wait. */
bool conn_pending(struct conn *);
bool conn_stopping(struct conn *);

/*
 * Write all of output. `patience` is how long the peer may take over SERVE_PROGRESS bytes, or over what is left, in milliseconds, and
 * `deadline` when it must all be over (-1 each: never). stop_fd does not interrupt it: a reply that is under way is finished.
 */
enum conn_status conn_flush(struct conn *, int64_t patience, int64_t deadline);

/*
 * After the last flush, and when all that the session held is free: tell the peer that nothing more will come, and throw away what it
 * still sends until it closes (CONN_LINGER, CONN_LINGER_BYTES). Closing with input unread resets the connection, and the reset may
 * destroy the last reply.
 */
void conn_linger(struct conn *);

/*
 * Set by a handler of SIGTERM; a wait that is interrupted looks at it. (One that is about to begin may miss it, so the handler makes
 * stop_fd readable, too.)
 */
extern volatile sig_atomic_t conn_stop;

#endif

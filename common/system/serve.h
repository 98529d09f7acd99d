/*
 * serve: the loop that does all the waiting for a session of a daemon. A session is a pure machine that turns bytes into bytes
 * (protocol.h); this gives it the bytes of a conn, and flushes its replies only just before it would wait.
 */
#ifndef SERVE_H
#define SERVE_H

#include "conn.h"
#include "protocol.h"

enum serve_end {
	SERVE_CLOSED,
	SERVE_EOF,
	SERVE_TIMEOUT,
	SERVE_STOPPED,
	SERVE_EARLY,
	SERVE_DROPPED,
	SERVE_DENIED, /* AUTH_TRIES logins have failed */
	SERVE_ERROR
};

/*
 * Serve until it ends. timeout: seconds without a whole command, or without SERVE_PROGRESS bytes in a transfer; the session lasts
 * SERVE_SESSION timeouts at most. When the daemon ends, a transfer may go on for SERVER_GRACE seconds. Logs the event "disconnect"
 * with the reason (one word) and the bytes received and sent. The conn is still the caller's to free; conn->linger
 * says whether it should linger before.
 */
enum serve_end serve(struct conn *, const struct protocol *, void *session, int timeout);

#endif

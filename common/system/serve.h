/*
 * serve: the loop that does all the waiting for a session of a daemon. A session is a pure machine that turns bytes into bytes
 * (protocol.h); this gives it the bytes of a conn, and flushes its replies only just before it would wait.
 */
#ifndef SERVE_H
#define SERVE_H

#include "conn.h"
#include "protocol.h"

enum serve_end { SERVE_CLOSED, SERVE_EOF, SERVE_TIMEOUT, SERVE_STOPPED, SERVE_EARLY, SERVE_ERROR };

/*
 * Serve until it ends. timeout: seconds without a whole command, or without SERVE_PROGRESS bytes in a transfer; the session lasts
 * SERVE_SESSION timeouts at most. The words for the log are in serve_end_name.
 */
enum serve_end serve(struct conn *, const struct protocol *, void *session, int timeout);
const char *serve_end_name(enum serve_end);

#endif

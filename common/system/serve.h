/*
 * serve: the loop that does all the waiting for a session of a daemon. A session is a pure machine that turns bytes into bytes
 * (struct protocol); this gives it the bytes of a conn, and flushes its replies only just before it would wait.
 */
#ifndef SERVE_H
#define SERVE_H

#include "conn.h"

enum event {
	EVENT_INPUT,  /* wants more input (what was not used of this one comes again) */
	EVENT_OUTPUT, /* has more to say: call output, once what is in the buffer is on its way */
	EVENT_TURN,  /* as EVENT_INPUT, but the peer must not have sent anything yet: if it has, call early */
	EVENT_DELAY, /* as EVENT_INPUT, but the reply goes out only after AUTH_DELAY: a login has failed */
	EVENT_CLOSE  /* flush, then end */
};

enum farewell {
	FAREWELL_STOP, /* the daemon ends */
	FAREWELL_TIMEOUT
};

struct protocol {
	/* The first reply; EVENT_TURN, or EVENT_CLOSE. */
	enum event (*greet)(void *session, struct buf *out);

	/* n > 0 bytes; *used may be fewer only when the event is not EVENT_INPUT or a reply was completed. */
	enum event (*input)(void *session, struct span bytes, size_t *used, struct buf *out);

	/* More of a long reply, some tens of KiB at a time. NULL where no handler returns EVENT_OUTPUT. */
	enum event (*output)(void *session, struct buf *out);

	/* The peer spoke out of turn: its reply; the session ends. */
	void (*early)(void *session, struct buf *out);

	/* The reason why the session ends, as a last reply. */
	void (*farewell)(void *session, enum farewell, struct buf *out);

	/* In the middle of a message: SIGTERM waits for it, and progress is measured by bytes, not by commands. */
	bool (*in_transfer)(const void *session);
};

enum serve_end { SERVE_CLOSED, SERVE_EOF, SERVE_TIMEOUT, SERVE_STOPPED, SERVE_EARLY, SERVE_ERROR };

/*
 * Serve until it ends. timeout: seconds without a whole command, or without SERVE_PROGRESS bytes in a transfer; the session lasts
 * SERVE_SESSION timeouts at most. The words for the log are in serve_end_name.
 */
enum serve_end serve(struct conn *, const struct protocol *, void *session, int timeout);
const char *serve_end_name(enum serve_end);

#endif

/*
 * protocol: what a session of a daemon is to the loop that does its waiting (serve.h): a machine that turns bytes into bytes. Pure.
 */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include "buf.h"

enum event {
	EVENT_INPUT,  /* wants more input (what was not used of this one comes again) */
	EVENT_OUTPUT, /* has more to say: call output, once what is in the buffer is on its way */
	EVENT_TURN, /* as EVENT_INPUT, but the peer must not have sent anything yet: if it has, FAREWELL_EARLY in place of all
		      * that this call has added (so let that be one reply) */
	EVENT_DENIED, /* as EVENT_INPUT, but a login has failed: the reply goes out only after AUTH_DELAY, and after AUTH_TRIES it was the last */
	EVENT_CLOSE,  /* flush, then end */
	EVENT_DROP /* end at once: the reply under way can't be finished, and must not look as if it were */
};

enum farewell {
	FAREWELL_STOP, /* the daemon ends */
	FAREWELL_TIMEOUT,
	FAREWELL_DENIED,
	FAREWELL_EARLY /* the peer spoke out of turn */
};

struct protocol {
	/* The first reply; EVENT_TURN, EVENT_INPUT where the peer needn't wait for it, or EVENT_CLOSE. */
	enum event (*greet)(void *session, struct buf *out);

	/*
	 * n > 0 bytes; *used may be fewer only when the event is not EVENT_INPUT or a reply was completed: the rest comes again
	 * at once. (Where neither is so, it comes again with what follows it.)
	 */
	enum event (*input)(void *session, struct span bytes, size_t *used, struct buf *out);

	/* More of a long reply, some tens of KiB at a time. NULL where no handler returns EVENT_OUTPUT. */
	enum event (*output)(void *session, struct buf *out);

	/* The reason why the session ends, as a last reply. Not called in the midst of a long one (EVENT_OUTPUT). */
	void (*farewell)(void *session, enum farewell, struct buf *out);

	/* In the middle of a message: SIGTERM waits for it, and progress is measured by bytes, not by commands. */
	bool (*in_transfer)(const void *session);
};

#endif

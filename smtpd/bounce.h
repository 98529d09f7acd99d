/*
 * bounce: what a sender is told about the mail that went through the queue: delivery status notifications, RFC 3464. Pure but for the
 * spool that it writes to.
 */
#ifndef BOUNCE_H
#define BOUNCE_H

#include "bounce_text.h"
#include "queue.h"

struct bounce {
	const char *hostname;
	const char *id;	 /* of the notice itself */
	int64_t now;	 /* seconds since 1970 */
	int zone;	 /* minutes east */
	int64_t expires; /* BOUNCE_DELAYED: until when it will be tried */
	struct span to;
	struct queue_entry *about;
	const struct bounce_recipient *recipients;
	size_t recipients_n;
};

/* Write the whole message, header and all, to body, and finish that. It needs what the original needs: utf8, eight_bit. 0, or -1 with errno. */
int bounce_write(const struct bounce *, struct spool *body);

#endif

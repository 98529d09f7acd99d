/*
 * bounce: what a sender is told about the mail that went through the queue: delivery status notifications, RFC 3464. Pure but for the
 * spool that it writes to.
 */
#ifndef BOUNCE_H
#define BOUNCE_H

#include "bounce_text.h"
#include "queue.h"

struct bounce {
	struct bounce_notice notice; /* about the entry's message; its subject is found by bounce_write */
	struct queue_entry *about;
	const struct bounce_recipient *recipients;
	size_t recipients_n;
};

/* Write the whole message, header and all, to body, and finish that. It needs what the original needs: utf8, eight_bit. 0, or -1 with errno. */
int bounce_write(struct bounce *, struct spool *body);

#endif

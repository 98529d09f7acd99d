/*
 * incoming: a message while it comes from the server, whole before anything is done with it: in memory, past a bound in an unlinked temporary
 * file. CRLF line ends.
 */
#ifndef INCOMING_H
#define INCOMING_H

#include <stdint.h>

#include "buf.h"

struct incoming {
	struct buf memory; /* all of it while file is -1, else what is not written yet */
	struct buf head;   /* once there is a file: its first bytes, enough for the header */
	int file;
	bool whole;   /* the caller's: it came to its end */
	size_t bound; /* bytes of memory */
	int error;    /* errno of the first failure: sticky */
	uint64_t octets;
};

enum { INCOMING_LARGE = 8 * 1024 * 1024, INCOMING_SMALL = 256 * 1024 };

void incoming_init(struct incoming *, size_t bound);
void incoming_free(struct incoming *);

/* A pop3_sink. Never fails: see error. */
int incoming_add(void *incoming, struct span piece);

/* Call write_out for all of it, piece by piece. 0, or -1 with errno: from write_out, or of reading. */
int incoming_each(struct incoming *, int (*write_out)(void *context, struct span), void *context);

/* Who sent it (Return-Path, else From), for a From_ line; empty for nobody. */
void incoming_sender(const struct incoming *, struct buf *out);

#endif

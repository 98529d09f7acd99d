/*
 * incoming: a message while it comes from the server, whole before anything is done with it: in memory, past a bound in an unlinked temporary
 * file. CRLF line ends.
 */
#ifndef INCOMING_H
#define INCOMING_H

#include <stdint.h>

#include "buf.h"

struct incoming {
	struct buf head;   /* its first bytes, enough for the header */
	struct buf memory; /* all of it while file is -1, else what is not written yet */
	int file;
	int error; /* errno of the first failure: sticky */
	uint64_t octets;
};

void incoming_init(struct incoming *);
void incoming_free(struct incoming *);
void incoming_clear(struct incoming *);

/* A pop3_sink. Never fails: see error. */
int incoming_add(void *incoming, struct span piece);

/* Call write_out for all of it, piece by piece. 0, or -1 with errno: from write_out, or of reading. */
int incoming_each(struct incoming *, int (*write_out)(void *context, struct span), void *context);

/* Who sent it (Return-Path, else From), for a From_ line; empty for nobody. */
void incoming_sender(const struct incoming *, struct buf *out);

#endif

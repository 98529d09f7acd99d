/*
 * data: DATA and BDAT (RFC 3030): the content of a message, checked and passed on piece by piece. Pure.
 */
#ifndef DATA_H
#define DATA_H

#include "session.h"

/* Bytes of content that are looked at in one go: they stay in the processor's cache. */
enum { DATA_PIECE = 1024 };

/* The commands. */
enum event data_begin(struct session *, struct span argument, struct buf *out);
enum event data_chunk(struct session *, struct span argument, struct buf *out);

/* What comes behind them, in PHASE_DATA and PHASE_CHUNK. */
enum event data_input(struct session *, struct span bytes, size_t *used, struct buf *out);
enum event data_chunk_input(struct session *, struct span bytes, size_t *used, struct buf *out);

#endif

/*
 * command: what the parts of the session share: how commands are answered and a transaction ends, and the handlers for the table in
 * session.c that are elsewhere. Pure.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include "session.h"

/* Append the reply; a refusal is logged, and counted where the peer is to blame. EVENT_INPUT. */
enum event command_say(struct session *, struct reply, struct buf *out);

/* The same without log and count, for what is said often. */
enum event command_repeat(struct reply, struct buf *out);

/* The one way out of a transaction (RFC 5321 3.3), for RSET, EHLO, a refused MAIL, and content good or bad. Harmless without one. */
void command_reset(struct session *);

/* The user has logged in. */
void command_log_in(struct session *, const char *user);

/* MAIL and RCPT. */
enum event envelope_mail(struct session *, struct span argument, struct buf *out);
enum event envelope_rcpt(struct session *, struct span argument, struct buf *out);

/* DATA and BDAT (RFC 3030), and in PHASE_DATA and PHASE_CHUNK the content behind them. */
enum event data_begin(struct session *, struct span argument, struct buf *out);
enum event data_chunk(struct session *, struct span argument, struct buf *out);
enum event data_input(struct session *, struct span bytes, size_t *used, struct buf *out);
enum event data_chunk_input(struct session *, struct span bytes, size_t *used, struct buf *out);

/* Bytes of content that are looked at in one go. */
enum { DATA_PIECE = 1024 };

/* AUTH (RFC 4954), whose argument may hold a secret, and in PHASE_AUTH the lines behind it. */
enum event auth_begin(struct session *, struct span argument, struct buf *out);
enum event auth_answer(struct session *, struct span line, struct buf *out);

#endif

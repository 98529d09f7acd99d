/*
 * command: what session.c, auth.c and transaction.c share. Private to them.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include "session.h"

struct argument {
	struct span text; /* all that follows the word and a blank */
	size_t message;	  /* from 0; where the command needs MESSAGE */
	long lines;	  /* where it needs LINES */
};

/* A command: appends its reply, and says what comes next. */
typedef enum event handler(struct session *, const struct argument *, struct buf *out);

handler auth_user, auth_pass, auth_apop, auth_auth;
handler transaction_stat, transaction_list, transaction_uidl, transaction_retr, transaction_top,
    transaction_dele, transaction_rset, transaction_quit;

/* A line while s->exchanging; and one that can't be it. */
enum event auth_answer(struct session *, struct span line, struct buf *out);
enum event auth_broken_off(struct session *, const char *text, struct buf *out);

/* The SASL mechanisms that are allowed now, each behind `before`. */
void auth_mechanisms(const struct session *, const char *before, const char *after, struct buf *out);

/* Is it there, and not deleted? */
bool transaction_has(struct session *, size_t message);

/* "-ERR …". The session ends where there were too many errors; else it goes on. status: not DROP_OK. */
enum event session_refuse(struct session *, const char *text, struct buf *out);
enum event session_refuse_drop(
    struct session *, enum drop_status, const char *what, struct buf *reason, struct buf *out);

/* For the log: the event with the user of this session; the rest is the caller's to fill in. */
struct note session_note(const struct session *, const char *event);

#endif

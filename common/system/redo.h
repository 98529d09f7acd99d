/*
 * redo: mbox.redo, the plan of an expunge. See the table in redo.c.
 */
#ifndef REDO_H
#define REDO_H

#include "index.h"
#include "maildrop.h"

/* A run of bytes of the mailbox that stays. */
struct redo_piece {
	off_t from, to;
};

/*
 * The mailbox is locked, no redo file is there. What follows `offset` becomes the pieces, in this order: durably, all or nothing.
 */
enum maildrop_status redo_expunge(struct maildrop *, off_t offset, const struct redo_piece *, size_t count);

/* The mailbox is locked: finish what another has left. May change maildrop->lock.size. */
enum maildrop_status redo_finish(struct maildrop *);

/* What is there? Changes nothing. Needs dir and lock.inode. */
enum redo_state { REDO_NONE, REDO_VOID, REDO_VALID, REDO_UNREADABLE };
enum redo_state redo_look(const struct maildrop *);

#endif

/*
 * maildrop: one user's mail, users/NAME/mbox, and all that keeps it whole: locks, append, recovery. See snapshot.h for reading and
 * deleting, redo.h and recover.h for what a crash leaves.
 */
#ifndef MAILDROP_H
#define MAILDROP_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "index.h"
#include "lock.h"
#include "spool.h"
#include "unique.h"

enum maildrop_status {
	MAILDROP_OK,
	MAILDROP_TEMP,	/* try again later: an I/O error, a lock that was not had in time; 451, [SYS/TEMP] */
	MAILDROP_FULL,	/* ENOSPC; 452 4.3.1, [SYS/TEMP] */
	MAILDROP_QUOTA, /* EDQUOT, or over mailbox-size; 452 4.2.2 */
	MAILDROP_TOO_BIG, /* EFBIG; 552 */
	MAILDROP_BROKEN, /* no mbox, or a link, a FIFO, a directory in its place; left untouched; 451, [SYS/PERM] */
	MAILDROP_IN_USE, /* another session has the session lock */
	MAILDROP_CHANGED /* another program rewrote it under the session: nothing was deleted */
};

/* "disk full", … for logs and replies. */
const char *maildrop_words(enum maildrop_status);

struct maildrop {
	int dir;   /* users/NAME */
	int mbox;  /* O_APPEND: whoever writes without the lock, too, ends up behind it */
	int index; /* mbox.index, -1 where there is none */
	struct lock lock;
	struct index_header header; /* of the index, as it was seen last */
	bool indexed;		    /* and it speaks of all that is in the mbox */
	unsigned open_end;	    /* line ends to add before a message can follow, while locked */
	off_t start, end;	    /* what was appended last */
	struct index_entry last;    /* and its message */
	struct index_header before; /* the index, before that */
	char name[65];
};

/* By errno. */
enum maildrop_status maildrop_status_of(int error);

/* As maildrop_status_of(errno), and log that `what` failed for this mailbox. */
enum maildrop_status maildrop_failed(const struct maildrop *, const char *what);

/*
 * Open users/NAME below root (a descriptor), making the folder and an empty mbox where they are missing (durably). Nothing is locked.
 * The user must be known to exist. A failure is logged with the file's name, and leaves nothing to close.
 */
enum maildrop_status maildrop_open(struct maildrop *, int root, const char *name);
void maildrop_close(struct maildrop *);

/* Does what is open from before still have its place below root? Then it serves for another message. Else close it, and open it anew. */
bool maildrop_reuse(struct maildrop *, int root);

/* A message as it goes to one mailbox. */
struct letter {
	const char *id;	    /* its UIDL */
	const char *sender; /* RFC 5321 reverse-path without <>; "" is the null one */
	struct span
	    trace; /* header fields before the body: Return-Path, Delivered-To, Received; LF line ends */
	struct spool *body; /* finished */
	int64_t now;	    /* seconds since 1970, for the From_ line */
};

/*
 * Put it at the end of the mailbox, whole or not at all. quota: bytes the mailbox may have, 0 for any.
 * It is there for readers on MAILDROP_OK, but survives power loss only after maildrop_sync.
 */
enum maildrop_status maildrop_append(struct maildrop *, const struct letter *, int64_t quota);

/*
 * Make what was appended durable. On failure it is taken back where it still is the last, and must be refused: a sync that
 * failed is never tried again.
 */
enum maildrop_status maildrop_sync(struct maildrop *);

/* Take back what was appended last through this struct, if it still is the last; for a message that another mailbox refused. */
void maildrop_take_back(struct maildrop *);

/* Would a message of `bytes` fit into the quota now? For RCPT. */
enum maildrop_status maildrop_room(struct maildrop *, int64_t bytes, int64_t quota);

/*
 * For the other files of the store. Lock (fcntl, then dotlock) and recover what a crash left; unlock. lax: as lock_mbox, for
 * those who only read or delete.
 */
enum maildrop_status maildrop_lock(struct maildrop *, bool lax);
void maildrop_unlock(struct maildrop *);

/* At the start of a daemon: finish every expunge that is under way below root (a descriptor). Failures are logged. */
void maildrop_recover_all(int root);

#endif

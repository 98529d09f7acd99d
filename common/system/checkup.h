/*
 * checkup: looks at a mailbox and what belongs to it without changing anything, and without waiting long.
 */
#ifndef CHECKUP_H
#define CHECKUP_H

#include "inspect.h"
#include "maildrop.h"
#include "redo.h"

enum checkup_status {
	CHECKUP_OK,
	CHECKUP_NONE,	 /* there is no users/NAME, or no mbox in it */
	CHECKUP_NO_FILE, /* something else has its name: see kind */
	CHECKUP_FAILED	 /* errno */
};

struct checkup {
	struct maildrop maildrop; /* the mbox is open for reading only */
	off_t size;
	const char *kind; /* "a symbolic link", … */
	bool locked;	  /* with the fcntl lock, shared */
	enum dotlock dotlock;
	enum redo_state redo; /* the mailbox of a valid one must not be looked at */
};

/* To be closed with maildrop_close in every case. */
enum checkup_status checkup_open(struct checkup *, int root, const char *name);

/*
 * Hold the index against the mailbox, which must be in order: 1 where it speaks of this file as it is, but not rightly, 0 where it does or
 * speaks of another, or of less; -1 with errno. Needs maildrop.dir, mbox and lock.
 */
int checkup_index(const struct maildrop *, off_t size);

#endif

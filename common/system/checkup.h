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
	CHECKUP_NO_FOLDER, /* there is no users/NAME */
	CHECKUP_NO_MBOX,   /* and no mbox in it */
	CHECKUP_NO_FILE,   /* something else has its name: see kind */
	CHECKUP_FAILED	   /* errno */
};

enum checkup_index {
	CHECKUP_INDEX_NONE,
	CHECKUP_INDEX_OLD, /* of another file, or of less than there is now: it will be brought up */
	CHECKUP_INDEX_RIGHT,
	CHECKUP_INDEX_WRONG /* it speaks of this file as it is, but not rightly */
};

struct checkup {
	struct maildrop maildrop; /* the mbox is open for reading only */
	off_t size;
	const char *kind; /* "a symbolic link", … */
	bool locked;	  /* with the fcntl lock, shared */
	enum dotlock dotlock;
	enum redo_state redo;	  /* the mailbox of a valid one must not be looked at */
	enum checkup_index index; /* set by checkup_index */
};

/* Free with checkup_close in every case. */
enum checkup_status checkup_open(struct checkup *, int root, const char *name);
void checkup_close(struct checkup *);

/* Hold the index against the mailbox, which must be in order. 0, or -1 with errno. Needs maildrop.dir, mbox and lock. */
int checkup_index(const struct maildrop *, off_t size, enum checkup_index *);

#endif

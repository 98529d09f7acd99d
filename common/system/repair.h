/*
 * repair: writes a mailbox as it ought to be. The original is kept beside it, byte for byte.
 */
#ifndef REPAIR_H
#define REPAIR_H

#include "checkup.h"

struct repair {
	/* Given: called for every part, where something is wrong and all is written anew; returns 0. NULL for none. */
	int (*each)(void *context, const struct inspect_part *);
	void *context;

	/* What was done. */
	bool rewritten;	    /* the mailbox; the original is in kept */
	char kept[40];	    /* "mbox.before-repair" */
	size_t messages;    /* in the rewritten mailbox */
	bool set_aside;	    /* something went to mbox.torn */
	bool index_dropped; /* the index was wrong: the next session makes a new one */
};

/*
 * The mailbox must be there: checkup_open says so. Under the session lock and both locks; finishes an expunge first. Where nothing is wrong
 * nothing is written. holder: as snapshot_open, with MAILDROP_IN_USE. A failure was logged and leaves the mailbox as it was.
 */
enum maildrop_status repair_mailbox(int root, const char *name, struct buf *holder, struct repair *);

#endif

/*
 * scratch: bytes that are put by for a while: in memory, past a bound in a file without a name.
 */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stdint.h>

#include "buf.h"

struct scratch {
	struct buf memory; /* all of it while file is -1, else what is not written yet */
	size_t bound;	   /* of memory */
	uint64_t size;	   /* of all that was added */
	int file;
	int root;  /* a folder for the file, the caller's to set; -1: $TMPDIR, else /tmp */
	void *map; /* of the file, once all is there */
	int error; /* errno of the first failure, else 0: sticky */
};

void scratch_init(struct scratch *, size_t bound);
void scratch_free(struct scratch *);

/* More of it. 0, or -1 with errno. */
int scratch_add(struct scratch *, struct span);

/* That was all; it stands in *all until scratch_free. 0, or -1 with errno, also where adding has failed. */
int scratch_end(struct scratch *, struct span *all);

/* For who adds to memory himself: what is there goes to the file. 0, or -1 with errno. */
int scratch_spill(struct scratch *);

#endif

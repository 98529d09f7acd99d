/*
 * scratch: bytes that are put by for a while: in memory, past a bound in a file without a name in $TMPDIR, else /tmp.
 */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <sys/types.h>

#include <stdint.h>

#include "buf.h"

struct scratch {
	struct buf memory; /* all of it while file is -1, else what is not written yet */
	size_t bound;	   /* of memory */
	uint64_t size;	   /* of all */
	int file;
	int error; /* errno of the first failure, else 0: sticky */
};

void scratch_init(struct scratch *, size_t bound);
void scratch_free(struct scratch *);

/* More of it. 0, or -1 with errno. */
int scratch_add(struct scratch *, struct span);

/* That was all. 0, or -1 with errno, also where adding has failed. */
int scratch_end(struct scratch *);

/* After it: at most n bytes from an offset. How many, 0 at the end, -1 with errno. */
ssize_t scratch_at(const struct scratch *, uint64_t offset, char *bytes, size_t n);

/* Call write_out for all of it, piece by piece. 0, or -1 with errno: from write_out, or of reading. */
int scratch_each(const struct scratch *, int (*write_out)(void *context, struct span), void *context);

#endif

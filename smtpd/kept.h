/*
 * kept: a text file of the mail root in memory, read again when it has changed.
 */
#ifndef KEPT_H
#define KEPT_H

#include <sys/stat.h>

#include "buf.h"

struct kept {
	struct buf text;  /* empty where there is no file */
	struct stat seen; /* of the file as it was read; zeroed where there is none */
	int error;	  /* why it cannot be read; 0: it can */
};

/* max: the most bytes that it may have. */
void kept_init(struct kept *, size_t max);
void kept_free(struct kept *);

/*
 * Read the file if it is not the one that was read before. One system call where nothing has changed. 1: it was read; 0: it is as it was, or not
 * there; -1 with errno: it cannot be read, and the text is empty.
 */
int kept_refresh(struct kept *, int root, const char *name);

#endif

/*
 * aliases: the file `aliases` of a mail root in memory, read again when it has changed. See alias.h for what is in it.
 */
#ifndef ALIASES_H
#define ALIASES_H

#include <sys/stat.h>

#include "buf.h"

enum { ALIASES_TEXT = 1024 * 1024 }; /* bytes of the file: some 20,000 aliases */

struct aliases {
	struct buf text;  /* empty where there is no file */
	struct stat seen; /* of the file as it was read; zeroed where there is none */
};

void aliases_init(struct aliases *);
void aliases_free(struct aliases *);

/*
 * Read the file if it is not the one that was read before; what is malformed in it is logged. One system call where nothing has changed.
 * 0, or -1: it cannot be read, which is logged, and the text is empty.
 */
int aliases_refresh(struct aliases *, int root);

#endif

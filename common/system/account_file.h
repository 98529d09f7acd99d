/*
 * account_file: the lines of `accounts`, one after the other, in constant memory. For account.c and account_edit.c.
 */
#ifndef ACCOUNT_FILE_H
#define ACCOUNT_FILE_H

#include <sys/types.h>

#include "account_name.h"

enum { ACCOUNT_BLOCK = 16 * 1024 }; /* bytes; a longer line comes in pieces, and is no account's */

struct account_file {
	int fd;
	off_t offset; /* what is read next */
	off_t size;   /* of the file */
	size_t at, n; /* of block */
	bool ends;    /* the line before came with its end */
	bool goes_on; /* the line is another piece of the one before */
	char block[ACCOUNT_BLOCK];
};

/*
 * 0, or -1 with errno: EPERM where others may write to it, ELOOP or EINVAL where it is no regular file. That others may read it is the
 * administrator's choice.
 */
int account_file_open(struct account_file *, int root);

/* Wipes what was read. errno stays. */
void account_file_close(struct account_file *);

/* The next line with its end, valid until the next call. 1, 0 at the end of the file, -1 with errno. */
int account_file_next(struct account_file *, struct span *line);

/* Is the line that user's (lower case)? Then *credential is what stands behind the colon. */
bool
account_file_is(const struct account_file *, struct span line, const char *name, struct span *credential);

/* The line's user. False for a comment, an empty line, one whose name is none. */
bool account_file_name(
    const struct account_file *, struct span line, char name[ACCOUNT_NAME + 1], struct span *credential);

#endif

/*
 * lock: the two locks of a mailbox, in the order of Debian's policy: fcntl(2) on the file, then the dotlock beside it.
 */
#ifndef LOCK_H
#define LOCK_H

#include <sys/types.h>

#include <stdbool.h>

enum lock_status {
	LOCK_OK,
	LOCK_BUSY,  /* not had in time */
	LOCK_MOVED, /* the name now stands for another file: open it again */
	LOCK_FAILED /* errno */
};

struct lock {
	bool dotted; /* the dotlock is ours */
	dev_t device;
	ino_t inode;
	mode_t mode; /* of the mailbox, when lock_init saw it */
	off_t size;  /* of the mailbox, seen under both locks */
};

/* fd: the mailbox. -1 with errno. */
int lock_init(struct lock *, int fd);

/* The fcntl write lock on the whole of fd alone, within so many seconds (0: at once). */
enum lock_status lock_fcntl(int fd, int seconds);
void lock_fcntl_release(int fd); /* errno stays */

/* The same as a read lock, for those who only look: fd may be open for reading alone. */
enum lock_status lock_fcntl_shared(int fd, int seconds);

/*
 * The dotlock of the mailbox `name` in dir: whoever holds the fcntl lock of the file with that inode (shared will do) may know whether it is
 * stale. Changes nothing.
 */
enum dotlock { DOTLOCK_NONE, DOTLOCK_HELD, DOTLOCK_STALE };
enum dotlock lock_look(int dir, const char *name, ino_t inode);

/*
 * Both locks of the mailbox `name` in the directory dir, open for writing as fd. lax: where there is no room for a dotlock, go on
 * without it: on a full disk mail must still be read and deleted.
 */
enum lock_status lock_mbox(int dir, const char *name, int fd, int seconds, bool lax, struct lock *);

/* In the reverse order. */
void lock_mbox_release(int dir, const char *name, int fd, struct lock *);

#endif

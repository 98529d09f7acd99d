/*
 * queue_file: what the files of the queue share: names, locks, the journal as it is now.
 */
#ifndef QUEUE_FILE_H
#define QUEUE_FILE_H

#include "queue.h"

enum { QUEUE_PATH = sizeof((struct queue_draft *)0)->name };

/* Bytes that stand for something when they are locked, far behind the end of any file. */
#define QUEUE_LOCK_WRITER     ((off_t)1 << 40) /* the journal; or the whole file, while its name does not count */
#define QUEUE_LOCK_RECIPIENTS (QUEUE_LOCK_WRITER + 1)

/* type: F_WRLCK, F_UNLCK; command: F_SETLK or, to wait for it, F_SETLKW. False with errno. */
bool queue_lock(int file, off_t at, short type, int command);

/* Where an entry is, below the mail root. suffix: NULL for none. */
void queue_path(const char *id, const char *suffix, char path[QUEUE_PATH]);

/* Does its name still stand for it? */
bool queue_is_there(const struct queue_entry *);

/* Whatever was recorded by anybody counts from now on. 0, or -1 with errno. */
int queue_read_journal(struct queue_entry *);

#endif

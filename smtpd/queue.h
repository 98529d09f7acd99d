/*
 * queue: mail that waits for another server or for a mailbox: one file a message in queue/ below the mail root. What queue_add has said
 * yes to survives a power cut. Touches queue/ alone. The states of an entry and who mends what a crash leaves: queue.c.
 *
 * Any number of runners, on any number of machines, share a queue: who works on a recipient holds the fcntl lock of a byte of the
 * file that stands for it, so a message may be on its way to two hosts at once, and a host that hangs holds only what is for it.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <sys/types.h>

#include "queue_message.h"
#include "spool.h"
#include "unique.h"

/* Seconds since 1970: what is due, and for how long it has been tried, goes by this. */
int64_t queue_now(void);

/*
 * Store a message, whole or not at all, durably. trace: header fields to stand before the content, LF line ends; body: finished. message->id
 * is its name. 0, or -1 with errno (ENOSPC, EDQUOT: no room).
 */
int queue_add(int root, const struct queue_message *, struct span trace, struct spool *body);

/* A notice about an entry: durable, but it counts only once a record of that entry names it. */
struct queue_draft {
	int file;
	char id[BASE32_ID + 1];
	char name[80]; /* below the mail root */
};

/* As queue_add. about: the id of the entry. Give it to queue_record. */
int queue_draft(int root, const struct queue_message *, const char *about, struct span trace,
    struct spool *body, struct queue_draft *);

/* An entry that is open. Everything in message lives as long as it is, the replies until the next refresh or record. */
struct queue_entry {
	int root, file;
	off_t content, end; /* where the trace begins, and where the content ends */
	struct queue_message message;
	struct buf text, journal; /* what message points into */
	struct buf notices;	  /* the ids, each with its NUL, of those that the journal names */
	struct mbox_wire wire;
};

enum queue_status {
	QUEUE_OK,
	QUEUE_GONE,  /* there is no such entry (any more) */
	QUEUE_BROKEN /* or it cannot be read: logged; errno */
};

/* Open and read it as it is now, for looking at it or for working on it. Close it in every case. */
enum queue_status queue_open(int root, const char *id, struct queue_entry *);
void queue_close(struct queue_entry *);

/*
 * Claim recipient i for this process, at once or not at all: false where another has it. Read what was recorded meanwhile with queue_refresh
 * before acting on it. A claim ends with queue_close of any entry of that id, or with the process.
 */
bool queue_claim(struct queue_entry *, size_t i);
enum queue_status queue_refresh(struct queue_entry *);

/*
 * What became of n claimed recipients. notice: outcome->notice as it was drafted, or NULL; it counts from now on. The entry is removed when
 * all its recipients are done; n = 0 does only that, where who died before he could had told the senders. 1: the entry is gone; 0: it stays;
 * -1 with errno: nothing final is known to be durable.
 */
int queue_record(struct queue_entry *, const struct queue_outcome *, const size_t *which, size_t n,
    struct queue_draft *notice);

/* The content with its trace, piece by piece, CRLF line ends, from the start at *at = entry->content. 1: there is more; 0: that was all; -1 with errno. */
int queue_read(struct queue_entry *, off_t *at, struct buf *out);

/* Remove an entry: the postmaster wants it. 0, or -1 with errno. */
int queue_remove(int root, const char *id);

/*
 * Call each for every entry's id, in no order. clean: clear away or put in force what dead writers left; not for a process that has a claim.
 * 0, or -1 with errno.
 */
int queue_list(int root, bool clean, void (*each)(const char *id, void *context), void *context);

/* Tell the runner of a new entry, at once: it would find it within a minute. wake: the end of its pipe to be written to, or -1. */
void queue_wake(int wake, const char *id);

/*
 * Have all tried now that waits, by whatever runner there is, on other machines, too: by the time of the file queue/flush. 0, or -1 with
 * errno. And when that was said last; 0: never. What was tried before is due.
 */
int queue_flush(int root);
int64_t queue_flushed(int root);

/* What the files of the queue share: names, locks, the journal as it is now. */
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

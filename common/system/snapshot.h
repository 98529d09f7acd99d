/*
 * snapshot: a mailbox as one POP3 session sees it: the messages that were there at login, numbered from 0. The session lock is held, the
 * mailbox lock only while the snapshot is taken and while QUIT deletes.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include "index.h"
#include "maildrop.h"
#include "survey.h"

/* All that stands in a mailbox, the hidden ones, too. */
struct listing {
	const struct index_entry *entries;
	size_t count;
	struct index_list own; /* what entries is, where it is not the index, mapped */
};

struct snapshot {
	struct maildrop maildrop;
	int session_lock;
	size_t count;	/* of messages */
	uint64_t total; /* octets of all of them */
	struct listing all;
	size_t *shown;	      /* message -> entry where some are hidden, else NULL */
	struct window window; /* what was read last */
};

/*
 * Take the session lock (MAILDROP_IN_USE: holder says since when and from where, if known) and the snapshot.
 * client: this session's peer, for the next one's message. Free with snapshot_close in every case.
 */
enum maildrop_status
snapshot_open(struct snapshot *, int root, const char *name, const char *client, struct buf *holder);
void snapshot_close(struct snapshot *);

uint64_t snapshot_octets(const struct snapshot *, size_t message); /* CRLF line ends, dots not stuffed */
const char *snapshot_uidl(const struct snapshot *, size_t message);

/*
 * Read a message, piece by piece. begin checks that the right message still stands where it should (MAILDROP_CHANGED);
 * each read appends the next piece as it goes over the wire (CRLF, dots stuffed if asked for; without the final dot) to out, at most
 * `limit` bytes or somewhat more. lines: only the header and so many lines of the body (TOP); -1 for all.
 * done is true behind the last piece. MAILDROP_CHANGED from a read: another program moved the message, or changed its length, meanwhile, and
 * what was read before is not to be trusted.
 */
struct snapshot_reader {
	struct snapshot *snapshot;
	size_t message;
	off_t at, end; /* next byte in the mbox; the first that is not sent */
	struct mbox_wire wire;
	long lines;
	bool in_body;
	bool line_begun; /* of the header */
	bool done;
};

enum maildrop_status
snapshot_read_begin(struct snapshot *, size_t message, long lines, bool stuff, struct snapshot_reader *);
enum maildrop_status snapshot_read(struct snapshot_reader *, size_t limit, struct buf *out);

/*
 * Delete the messages for which deleted(context, message) is true, durably, all or none. MAILDROP_CHANGED: another program
 * rewrote the mailbox meanwhile, and nothing was deleted. Mail that came since stays. The snapshot is of no more use afterwards.
 */
enum maildrop_status snapshot_expunge(
    struct snapshot *, bool (*deleted)(const void *context, size_t message), const void *context);

/* For repair.c: the session lock alone, which closing *fd releases. */
enum maildrop_status
snapshot_lock_session(const struct maildrop *, const char *client, struct buf *holder, int *fd);

/* For expunge.c: what is in the locked mailbox now, and a new index where the old one does not say so. Free in every case. */
enum maildrop_status listing_load(struct listing *, struct maildrop *);
void listing_free(struct listing *);

/* Does a message of that UIDL stand in the mailbox, which is not locked, be it a deleted one? Where there is no index one is made. */
enum maildrop_status listing_has(struct maildrop *, const char *uidl, bool *has);

#endif

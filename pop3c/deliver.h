/*
 * deliver: where fetched mail goes: an mbox file, a Maildir, a command, standard output. A message is put whole or not at all, and is safe
 * only after deliver_commit.
 */
#ifndef DELIVER_H
#define DELIVER_H

#include "lock.h"
#include "span.h"

enum delivered {
	DELIVERED,
	DELIVERED_NOT, /* this one was not taken; others may be */
	DELIVER_BROKEN /* nothing more can be put there */
};

struct deliver {
	const struct deliver_kind *kind;
	const char *name; /* DEST, as given */
	char path[4096];  /* of the file or folder */
	int exit;	  /* the exit status of what went wrong, else 0 */
	int dir, file;	  /* a Maildir; the folder of an mbox, and that */
	char *real;	  /* that folder's path; behind its NUL the name of the mbox there */
	struct lock lock; /* of the mbox, from the first put to the commit */
	bool locked;
	off_t start, end; /* where what was put begins and ends */
	bool fresh;	  /* its folder is to be synced, too */
};

struct deliver_kind {
	bool at_once;				  /* put is the whole of it: commit after each */
	enum delivered (*open)(struct deliver *); /* NULL, as commit: there is nothing to do */
	enum delivered (*put)(struct deliver *, struct span message);
	enum delivered (*commit)(struct deliver *);
};

/*
 * A message is CRLF lines. All of these: what goes wrong is said on standard error, and its exit status is in `exit`. dest: as in interface.md; NULL is ~/mbox. Free
 * with deliver_close in every case. Others are kept out of an mbox from the first put to the commit, which follows in any case.
 */
enum delivered deliver_open(struct deliver *, const char *dest);
enum delivered deliver_put(struct deliver *, struct span message);
enum delivered deliver_commit(struct deliver *);
void deliver_close(struct deliver *);

#endif

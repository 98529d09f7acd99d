/*
 * seen: which mails of a maildrop were fetched, by UIDL, in a file of the user's: $XDG_STATE_HOME/letterbox/seen/ (else ~/.local/state/…),
 * one file for each server and user, a UIDL a line.
 *
 * A mail is recorded after it is durable where it was delivered to, and before DELE is sent: a crash in between neither loses it nor fetches
 * it twice. Lines are appended and synced; what is no more on the server is left out when the file is rewritten (a new file, synced, renamed).
 */
#ifndef SEEN_H
#define SEEN_H

#include "buf.h"

struct seen {
	struct buf path; /* for messages */
	int file, lock;
	struct buf text; /* what it holds: lines */
	struct seen_line {
		const char *uidl; /* in text */
		bool used;	  /* matched by seen_take */
	} * sorted;		  /* in strcmp order */
	size_t n;
	bool torn; /* it has lines that are none: to be rewritten in the end */
};

enum seen_status {
	SEEN_OK,
	SEEN_BUSY,  /* another fetch of this maildrop is under way */
	SEEN_FAILED /* errno */
};

/*
 * key: "user@host:port". Makes the folders, takes the lock, reads the file; lines that are no UIDL (torn by a crash) are left out. Free with
 * seen_close in every case.
 */
enum seen_status seen_open(struct seen *, const char *key);
void seen_close(struct seen *);

/* Was it fetched? Each line answers once, so that a twin that came later (RFC 1939 7 allows equal UIDLs for equal mails) is fetched, too. */
bool seen_take(struct seen *, const char *uidl);

/* Record these lines, durably. 0, or -1 with errno: then nobody knows which of them are. */
int seen_append(struct seen *, struct span lines);

/* Make the file hold these lines and no others, atomically and durably. 0, or -1 with errno: it is as before. */
int seen_rewrite(struct seen *, struct span lines);

#endif

/*
 * redo: mbox.redo, where an expunge is planned, durably, before anything in the mailbox changes. Either what stays is moved together (the
 * table in redo.c), or what goes is marked where it stands, and hidden from then on (the table in bury.c).
 */
#ifndef REDO_H
#define REDO_H

#include "index.h"
#include "maildrop.h"

/* A run of bytes of the mailbox that stays. */
struct redo_piece {
	off_t from, to;
};

/*
 * The mailbox is locked, no redo file is there. What follows `offset` becomes the pieces, in this order: durably, all or nothing.
 */
enum maildrop_status redo_expunge(struct maildrop *, off_t offset, const struct redo_piece *, size_t count);

/*
 * The same where maildrop->index holds these entries: mark those that are `gone`, durably, all or none. *done is false, and nothing has
 * happened, where one of them cannot be marked: it is too short, or would not be one message any more.
 */
enum maildrop_status redo_bury(struct maildrop *, const struct index_entry *, const bool *gone, bool *done);

/* The mailbox is locked: finish what another has left. May change maildrop->lock.size. */
enum maildrop_status redo_finish(struct maildrop *);

/* What is there? Changes nothing. Needs dir and lock.inode. */
enum redo_state { REDO_NONE, REDO_VOID, REDO_VALID, REDO_UNREADABLE };
enum redo_state redo_look(const struct maildrop *);

/*
 * For redo.c and bury.c; in redo_plan.c. mbox.redo begins with a plan of one of the two kinds, in this machine's byte order; behind it stands its body: the
 * bytes that stay, or the graves.
 */
enum redo_kind { REDO_CUT, REDO_BURY };

struct redo_sums {
	uint32_t body, plan; /* Adler-32 over the body, and over the plan up to here */
};

struct redo_plan {
	char magic[8];
	uint64_t inode; /* of the mbox */
	union {
		struct {
			uint64_t offset;   /* where what stays goes to */
			uint64_t old_size; /* of the mbox */
			uint64_t kept;	   /* bytes that stay */
			uint64_t cut_sum;  /* over what is cut off behind them */
			struct redo_sums sums;
		} cut;
		struct {
			uint64_t count; /* of the graves */
			struct redo_sums sums;
		} burial;
	};
};

/* A message that goes. */
struct redo_grave {
	uint64_t at;	     /* of the mark */
	uint64_t end;	     /* of the message */
	uint32_t sum;	     /* over what stands between the mark and the end */
	char old[MBOX_MARK]; /* what the mark overwrites */
	char unused[6];
};

/* The one that is there. Its descriptor, or -1 with errno. */
int redo_open(const struct maildrop *);

/* Its plan, and of which kind it is. 1; 0: it is not valid; -1 with errno. */
int redo_read(const struct maildrop *, int redo, struct redo_plan *, enum redo_kind *);

/* A new one, which nobody finds before it is published, durably, with its plan. Its descriptor; 0; or -1 with errno. */
int redo_create(const struct maildrop *);
off_t redo_body(enum redo_kind); /* where its body begins */
int redo_publish(const struct maildrop *, int fd, enum redo_kind, struct redo_plan *, uint32_t body_sum);

/* To be forgotten for good, published or not. 0, or -1 with errno. */
int redo_void(const struct maildrop *, int fd);

/* Adler-32 of a part of a file. 0, or -1 with errno. */
int redo_sum(int fd, off_t from, off_t end, uint32_t *sum);

/* Carry out a burial that another has left. 0, or -1 with errno. */
int redo_bury_again(struct maildrop *, int redo, const struct redo_plan *);

#endif

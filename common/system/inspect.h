/*
 * inspect: judges a mailbox byte by byte: where each message begins and ends, what is wrong with it, and how it ought to be. Reads only.
 */
#ifndef INSPECT_H
#define INSPECT_H

#include <sys/types.h>

#include "mend.h"
#include "prefix.h"

enum inspect_kind {
	INSPECT_OURS,	   /* length and sum are right, perhaps after mending */
	INSPECT_REWRITTEN, /* ours, but a mail reader changed it: nothing can be proved */
	INSPECT_DAMAGED,   /* ours; length or sum are wrong */
	INSPECT_FOREIGN,   /* another program's */
	INSPECT_DEAD,	   /* expunged, and not cut out yet; number is 0, here and below */
	INSPECT_TORN,	   /* a part of a message that a crash left */
	INSPECT_STRAY,	   /* text that belongs to no message */
	INSPECT_HOLE,	   /* NULs between messages */
	INSPECT_BLANK	   /* empty lines between messages: harmless */
};

/* A piece of the file; all of them together are the file. */
struct inspect_part {
	enum inspect_kind kind;
	off_t from, to;
	size_t number;	      /* of the message, from 1; 0 where it is none */
	bool last;	      /* nothing stands behind it */
	bool glued;	      /* no empty line before it */
	bool from_line;	      /* it begins with a From_ line */
	struct prefix prefix; /* of a message of ours */
	bool restored;	      /* one bit of the prefix had flipped, and was found */
	bool reseal;	      /* the entry line does not fit what stands there */
	struct mend mend;     /* what is wrong in the text behind the prefix, or of all of it */
	uint64_t wire;	      /* octets of it on the wire, once mended; only where reseal is set */
};

/* 0; the first result of each that is not 0; or -1 with errno. */
int inspect(int mbox, off_t size, int (*each)(void *context, const struct inspect_part *), void *context);

/* Is there anything wrong with it? */
bool inspect_is_wrong(const struct inspect_part *);

#endif

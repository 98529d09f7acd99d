/*
 * scan: reads through one message of a mailbox to find where it ends, how long it is on the wire, and by what it can be
 * known again. For messages of other programs, and for those of ours that were changed. Pure.
 */
#ifndef SCAN_H
#define SCAN_H

#include "hash.h"
#include "mbox.h"

enum scan_part { SCAN_FROM, SCAN_HEADER, SCAN_BODY };

struct scan {
	enum scan_part part;
	bool mid_line;	  /* a long line goes on */
	bool after_blank; /* the last whole line was empty: a From_ line would separate */
	bool cr;	  /* the bytes of mid_line ended in a CR */
	bool skip_field;  /* in a field that mail readers rewrite */
	bool
	    read_mark; /* such a field (Status, X-Status) is there: a mail reader has rewritten the message */
	bool nul;      /* there is a NUL: no message of ours has one */
	uint64_t stored; /* bytes so far */
	uint64_t wire;	 /* octets so far as RETR would send them */
	uint64_t from;	 /* bytes of the From_ line */
	unsigned blank;	 /* bytes of the last line, if it is empty: the separator is one such */
	struct sha256 identity;
};

/* The first byte that is pushed is the first of a From_ line (SCAN_FROM), or of the header behind From_ and entry line. */
void scan_init(struct scan *, enum scan_part first);

enum scan_result { SCAN_MORE, SCAN_NEXT };

/*
 * Take bytes; *used says how many. SCAN_MORE: what is left (fewer than SCAN_LOOK bytes, none when it is the file's end) is to come again
 * with more behind it. SCAN_NEXT: behind *used stands the From_ line of the next message.
 */
enum { SCAN_LOOK = 4096 };
enum scan_result scan_push(struct scan *, const char *bytes, size_t n, bool at_end, size_t *used);

/* Bytes of the empty line that separates it from the next message and is no part of it; 0 where there is none. */
unsigned scan_separator(const struct scan *);

/* Octets on the wire, the separator not counted. */
uint64_t scan_wire(const struct scan *);

/* A UIDL out of the From_ line and the header, without the fields that mail readers rewrite. */
void scan_uidl(struct scan *, char uidl[MBOX_UIDL + 1]);

#endif

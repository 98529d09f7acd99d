/*
 * mbox: the format of a mailbox: From_ lines, mboxrd quoting, our entry line, and the search for where a message ends. Pure.
 *
 *	From anna@example.org Tue Nov 24 05:31:18 2026
 *	X-UIDL: ID STORED WIRE SUM
 *	Return-Path: …			what POP3 shows begins here
 *
 * STORED: bytes from the From_ line to the end of the empty line behind the body. WIRE: octets that RETR sends. Both decimal.
 * SUM: eight hex digits, Adler-32 over the From_ line, "X-UIDL: ID STORED WIRE " and all that follows the entry line.
 */
#ifndef MBOX_H
#define MBOX_H

#include <stdint.h>

#include "buf.h"

enum {
	MBOX_UIDL = 31, /* most characters of a UIDL here; RFC 1939 7 allows 70 */
	MBOX_IN_LINE = -1,
	MBOX_PREFIX = 2048 /* From_ line and entry line of ours are never longer */
};

/* From content of CRLF lines to what is stored. */
struct mbox_quoter {
	uint64_t stored, wire; /* so far */
	uint32_t sum;	       /* Adler-32 of what was stored */
	bool verbatim;	       /* "From " stays as it is, and only line ends change */
	bool quotes;	       /* the line begins with ">" */
	int matched;	 /* bytes of "From " at the start of a line, held back; MBOX_IN_LINE behind it */
	bool pending_cr; /* a CR whose LF may come yet */
};

void mbox_quoter_init(struct mbox_quoter *);
int mbox_quote(struct mbox_quoter *, struct span content, struct buf *out);

/* The last line's end, if it lacks one, and the empty line behind the message. */
int mbox_quote_end(struct mbox_quoter *, struct buf *out);

/* From what is stored to what goes over the wire: unquoted, CRLF, dots stuffed if asked for. Zeroed but for `stuff` at the start. */
struct mbox_wire {
	bool stuff;
	bool in_line;
	bool pending_cr;
	bool quote;  /* a ">" at the start of a line, held back */
	int matched; /* bytes of "From " behind it, held back, too */
};

int mbox_to_wire(struct mbox_wire *, struct span stored, struct buf *out);

/* What was held back, and the last line's end, if it lacks one. */
int mbox_to_wire_end(struct mbox_wire *, struct buf *out);

/* "From SENDER DATE\n". What would break it (blanks, control characters) becomes '-'; the null sender is MAILER-DAEMON. */
int mbox_from_line(const char *sender, int64_t now, struct buf *out);

/* Is this line (without its end) a From_ line? "From " is all that the many writers of mailboxes agree on. */
bool mbox_is_from_line(struct span line);

/*
 * What stands over the first bytes behind the From_ line of a message that was expunged and waits to be cut out: mutt, Dovecot and Python
 * take it for one that is flagged as deleted.
 */
enum { MBOX_MARK = 22 };
extern const char mbox_mark[MBOX_MARK + 1];

/* Where in a message (MBOX_PREFIX bytes from its From_ line on, or all there are) the mark stands, or would; 0: it has no room for it. */
size_t mbox_mark_at(struct span text);
bool mbox_is_marked(struct span text);

struct mbox_entry {
	char uidl[MBOX_UIDL + 1];
	uint64_t stored, wire;
	uint32_t sum;
};

/* "X-UIDL: ID STORED WIRE " without the sum, and the sum with the line end. */
int mbox_entry_begin(const struct mbox_entry *, struct buf *out);
int mbox_entry_end(uint32_t sum, struct buf *out);

/*
 * The entry line of a message of ours, behind its From_ line, which is all that out holds: n bytes of that Adler-32 follow. uidl and wire are
 * given; sets stored and sum.
 */
int mbox_entry_write(struct mbox_entry *, uint64_t n, uint32_t sum, struct buf *out);

/* The line (without its end) of ours; false for anybody else's X-UIDL. */
bool mbox_entry_parse(struct span line, struct mbox_entry *);

#endif

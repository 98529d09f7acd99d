/*
 * address: RFC 5321 paths (4.1.2) and RFC 5322 address lists (3.4). Pure.
 */
#ifndef ADDRESS_H
#define ADDRESS_H

#include "buf.h"

/* A mailbox taken apart; the spans point into what was parsed. */
struct path {
	struct span local; /* as written: quoted where it is quoted */
	struct span
	    domain; /* without the @; empty for <postmaster> and for the null path; [literal] with its brackets */
	struct span whole; /* local@domain without <>, source route dropped; empty for the null path */
	bool utf8;	   /* has bytes above 0x7f (RFC 6531) */
};

enum path_kind { PATH_REVERSE, PATH_FORWARD };

/*
 * "<…>" at the start of text, as in MAIL FROM: and RCPT TO:. PATH_REVERSE takes <>, PATH_FORWARD takes <postmaster> in any
 * case. *used is the length of the path. 0, or -1 with a sentence in *reason (a literal) that says what is wrong. Bare addresses
 * without <> are refused: RFC 5321 4.1.2.
 */
int path_parse(struct span text, enum path_kind, struct path *, size_t *used, const char **reason);

/* local@domain on its own, as a person writes it or as it stands in `aliases`. */
int path_parse_bare(struct span text, struct path *, const char **reason);

/* The local part with quotes and backslashes taken off ("a\"b" -> a"b). -1 where out is full. */
int path_unquote_local(struct span local, struct buf *out);

/*
 * The next address of an RFC 5322 list (names, comments, groups, quoted strings, route addresses are understood). name: the display
 * name, unquoted but not RFC 2047-decoded; address: local@domain. 1: there is one; 0: the list is over; -1: malformed, *reason says why and
 * *rest is behind the next comma.
 */
int address_next(struct span *rest, struct buf *name, struct buf *address, const char **reason);

#endif

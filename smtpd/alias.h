/*
 * alias: the text of the file `aliases`, as in aliases(5). Pure.
 *
 *	# a comment
 *	name: target, target,
 *		target on a continuation line
 *	"odd name": anna+tag, bob@example.org, \carl
 *
 * A target is a local name, a whole address, or \name, the mailbox itself whatever aliases there are. Blanks divide targets
 * as commas do.
 */
#ifndef ALIAS_H
#define ALIAS_H

#include "buf.h"

/* One entry, as it is written. */
struct alias {
	struct span name;
	struct span targets; /* with its continuation lines */
	int line;	     /* of the file, from 1: where it begins */
};

struct alias_reader {
	struct span rest; /* at the start: the whole text */
	int line;	  /* lines before rest */
};

/* The next entry. 1: there is one; 0: the text is over; -1: alias->line is none, reason (a literal) says why; go on. */
int alias_next(struct alias_reader *, struct alias *, const char **reason);

/* The targets of the first entry of that name, given without quotes, in any case. False where there is none. */
bool alias_find(struct span text, struct span name, struct span *targets);

enum alias_kind {
	ALIAS_ADDRESS, /* a local part, quoted where it was, or local@domain */
	ALIAS_MAILBOX, /* a name, from \name */
	ALIAS_FOREIGN  /* a file, a |command or an :include:, which this system does not have */
};

/* The next of the targets, at most SMTP_PATH bytes. 1: there is one; 0: that was all; -1: malformed, targets are over. */
int alias_target(struct span *targets, struct span *target, enum alias_kind *);

#endif

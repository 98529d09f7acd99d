/*
 * aliases: the file `aliases` of a mail root in memory. See alias.h for what is in it.
 */
#ifndef ALIASES_H
#define ALIASES_H

#include "kept.h"

enum { ALIASES_TEXT = 1024 * 1024 }; /* bytes of the file: some 20,000 aliases */

/* As kept_refresh; that it cannot be read is logged, and so is what is malformed in it. 0 or -1. */
int aliases_refresh(struct kept *aliases, int root);

#endif

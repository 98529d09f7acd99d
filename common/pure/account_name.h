/*
 * account_name: what a user may be called. Pure.
 */
#ifndef ACCOUNT_NAME_H
#define ACCOUNT_NAME_H

#include <stdbool.h>

#include "span.h"

enum { ACCOUNT_NAME = 64 };

/*
 * A user's name: 1 to 64 of a-z 0-9 . _ -, not starting with . or -. `local` may be in any case and carry a "+tag"; the name goes to
 * out in lower case. False where it is none.
 */
bool account_name(struct span local, char out[ACCOUNT_NAME + 1]);

#endif

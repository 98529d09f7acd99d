/*
 * penalty: which sources have failed to log in too often of late. Pure.
 *
 * Each failed login costs AUTH_FORGOTTEN. Who owes more than AUTH_FAILURES of them has to wait until so much time has gone by that it
 * does not. So all that is kept of a source is the time when it will owe nothing.
 */
#ifndef PENALTY_H
#define PENALTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bounds.h"

struct penalty {
	struct {
		uint64_t source;
		int64_t until; /* milliseconds, as all times here, from any start */
	} list[AUTH_SOURCES];
	size_t n;
};

/* A zeroed struct is an empty one. */

void penalty_add(struct penalty *, uint64_t source, int64_t now);
bool penalty_due(const struct penalty *, uint64_t source, int64_t now);

#endif

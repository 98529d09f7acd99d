/*
 * children: which process serves which source address, for the caps on sessions.
 */
#ifndef CHILDREN_H
#define CHILDREN_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "net.h"

struct child {
	pid_t pid;
	uint64_t source;
};

struct children {
	struct child *list;
	size_t n, size;
};

/* A zeroed struct is an empty table; free its list. */

/* An address as a number: the whole of IPv4, and the /64 of IPv6, which is what one customer has. */
uint64_t children_source(const struct peer *);

/* Room for one more, before the fork that can't be taken back. 0, or -1 with ENOMEM. */
int children_reserve(struct children *);
void children_add(struct children *, pid_t, uint64_t source);

/* Forget it. -1: it is not one of them. source: whom it served; may be NULL. */
int children_remove(struct children *, pid_t, uint64_t *source);

size_t children_from(const struct children *, uint64_t source);
void children_kill(const struct children *, int signal);

#endif

/*
 * children: which process serves which source address, for the caps on sessions.
 */
#ifndef CHILDREN_H
#define CHILDREN_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net.h"

struct child {
	pid_t pid;
	uint64_t source;
	bool denied; /* a login has failed there */
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

/* NULL, or nothing is done: it is not one of them. */
struct child *children_find(const struct children *, pid_t);
void children_remove(struct children *, pid_t);

size_t children_from(const struct children *, uint64_t source);

/* SIGTERM to those of a source in which a login has failed. */
void children_end_denied(const struct children *, uint64_t source);
void children_kill(const struct children *, int signal);

#endif

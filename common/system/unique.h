/*
 * unique: names that nobody else uses, and bytes that nobody can guess.
 */
#ifndef UNIQUE_H
#define UNIQUE_H

#include <stddef.h>

enum { UNIQUE_ID = 26 }; /* characters, from a-z 0-9: a UIDL (RFC 1939 7), a queue id, a session's id */

/* Microseconds since 1970, pid, a counter and a hash of hostname: unique across processes, hosts and restarts. */
void unique_id(const char *hostname, char out[UNIQUE_ID + 1]);

/* getpid(2) without a system call each time; right in a forked child, too. */
long pid_own(void);

/* From the kernel. 0, or -1 with errno. */
int random_bytes(void *, size_t n);

#endif

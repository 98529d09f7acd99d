/*
 * shim: what the wrappers in calls.c ask before and after each system call. Test only; Linux. See shim.c for the environment.
 */
#ifndef FAULT_SHIM_H
#define FAULT_SHIM_H

#include <sys/types.h>

#include <stdbool.h>

/* What a call does: an error that goes on comes out of all of its kind. */
enum shim_may { READS = 1, WRITES = 2, CREATES = 4, SYNCS = 8, OPENS = 16, OTHER = 32 };

/* A call begins, on a descriptor or a name below it. True where it is to fail, with errno. */
bool shim_fails(const char *name, unsigned may, int fd, const char *file);

/* And ends: what it returned. */
ssize_t shim_done(ssize_t result);

/* This is a new process. */
void shim_forked(void);

/* How many of n bytes it may read or write. */
size_t shim_shortened(size_t n);

/* Seconds since 1970 that it always is, or 0 for the real time. */
long shim_clock(void);

#endif

/*
 * trace: a record of what changes the disk below the mail root, for tests/crash. Test only; Linux.
 */
#ifndef FAULT_TRACE_H
#define FAULT_TRACE_H

#include <sys/types.h>

#include <limits.h>

/* file: NULL for none. Whoever comes later adds to it. */
void trace_begin(const char *file, const char *root);

/* What a descriptor stands for; empty where that cannot be told. */
void trace_path(int fd, char path[PATH_MAX]);

/* A call that went well. at: -1 for where the descriptor stood. */
void trace_write(int fd, const void *bytes, ssize_t n, off_t at);
void trace_file(const char *what, int fd, off_t number);
void trace_entry(const char *what, int dir, const char *name, const char *from);
void trace_said(const void *bytes, ssize_t n);

#endif

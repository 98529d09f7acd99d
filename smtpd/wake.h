/*
 * wake: what others tell the runners: of a new entry by a pipe; to try all by the time of the file queue/flush, which those of other
 * machines see, too.
 */
#ifndef WAKE_H
#define WAKE_H

#include <stdint.h>

/* Tell the runner of a new entry, at once: it would find it within a minute. wake: the end of its pipe to be written to, or -1. */
void wake_runner(int wake, const char *id);

/* Have all tried now that waits, by whatever runner there is. 0, or -1 with errno. */
int wake_flush(int root);

/* When that was said last, in seconds since 1970; 0: never. What was tried before is due. */
int64_t wake_flushed(int root);

#endif

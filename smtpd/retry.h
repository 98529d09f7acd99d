/*
 * retry: when a message is tried again, and when no more. Pure.
 */
#ifndef RETRY_H
#define RETRY_H

#include <stdbool.h>
#include <stdint.h>

enum {
	RETRY_LEAST =
	    5, /* tries before a message may expire: a clock that jumps, or a week of downtime, expires nothing */
	RETRY_DELAYED = 4 * 3600, /* seconds after which the sender is told that it takes long */
	RETRY_JITTER =
	    600 /* seconds over which hourly tries are spread, so that what came at once is not tried at once for ever */
};

/* Seconds from the n-th failed try (from 1) to the next one. dice: any number. */
int64_t retry_delay(int n, uint32_t dice);

/* Is a message that came at `created` and was tried in vain n times given up now? lifetime: seconds. */
bool retry_is_over(int64_t created, int64_t lifetime, int n, int64_t now);

#endif

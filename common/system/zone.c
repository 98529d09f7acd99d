#include "zone.h"

#include <stdlib.h>
#include <time.h>

/* Clocks change at the quarters of an hour. What a parent has asked for, no child has to. */
enum { QUARTER = 15 * 60 };
static struct {
	int64_t quarter;
	int minutes;
} known = { -1, 0 };

static int
look_up(int64_t seconds)
{
	time_t moment = (time_t)seconds;
	struct tm here;
	char text[sizeof "+hhmm"];

	if (localtime_r(&moment, &here) == NULL || strftime(text, sizeof text, "%z", &here) == 0)
		return 0;
	int hhmm = (int)strtol(text, NULL, 10);
	return hhmm / 100 * 60 + hhmm % 100;
}

int
zone_at(int64_t seconds)
{
	if (known.quarter != seconds / QUARTER) {
		known.quarter = seconds / QUARTER;
		known.minutes = look_up(seconds);
	}
	return known.minutes;
}

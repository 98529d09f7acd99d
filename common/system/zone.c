#include "zone.h"

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
	struct tm here, utc;

	if (localtime_r(&moment, &here) == NULL || gmtime_r(&moment, &utc) == NULL)
		return 0;
	int days = here.tm_yday - utc.tm_yday;
	if (here.tm_year != utc.tm_year)
		days = here.tm_year > utc.tm_year ? 1 : -1;
	return (days * 24 + here.tm_hour - utc.tm_hour) * 60 + here.tm_min - utc.tm_min;
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

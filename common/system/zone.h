/*
 * zone: how far this machine's clock on the wall is from UTC.
 */
#ifndef ZONE_H
#define ZONE_H

#include <stdint.h>

/* Minutes east of Greenwich at that moment, in seconds since 1970. 0 where that is not known. */
int zone_at(int64_t seconds);

#endif

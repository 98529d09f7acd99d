/*
 * date: the dates of mail. Pure: no clock, no zone file.
 */
#ifndef DATE_H
#define DATE_H

#include <stdint.h>
#include <time.h>

#include "buf.h"

/* "Tue, 24 Nov 2026 05:31:18 +0000" (RFC 5322 3.3). seconds since 1970, zone in minutes east. */
int date_format(int64_t seconds, int zone, struct buf *out);

/* Any date of RFC 5322 with its obsolete forms, comments and named zones. 0, or -1. zone may be NULL. */
int date_parse(struct span, int64_t *seconds, int *zone);

/* "Tue Nov 24 05:31:18 2026", as in a From_ line (UTC). */
int date_format_ctime(int64_t seconds, struct buf *out);

/* As gmtime(3), of `seconds` and `zone`. Below the year 0 and above 9999: the first, the last second within. */
struct tm date_split(int64_t seconds, int zone);

#endif

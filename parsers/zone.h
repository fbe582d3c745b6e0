/* zone: a time zone that is not the process's, so that each device has its own. Opened before the sandbox closes (it reads
 * zoneinfo); after that pure. */
#pragma once
#include "core/err.h"
#include <stdint.h>

struct zone;

/* By IANA name, kept until the process ends. -1 (ERR_INPUT): this machine knows none of that name. */
int zone_open(const char *name, const struct zone **out, struct err *e) MUST_CHECK;
/* One that was opened; NULL: none of that name, or name is "". */
const struct zone *zone_find(const char *name);

/* UTC of a local time, an ambiguous one the first, one that daylight saving skips as if the clock had not been moved yet.
 * INT64_MIN: no such date. zone NULL: the process's. */
int64_t zone_to_utc(const struct zone *zone, int year, int month, int day, int hour, int minute, int second);
/* Seconds east of UTC at this moment. */
int32_t zone_offset(const struct zone *zone, int64_t wall_ms);

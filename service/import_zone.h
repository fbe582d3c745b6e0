/* import_zone: local times of a zone that need not be this process's, by a table of its changes. The table is made by `postern import`,
 * a process of its own that may take any zone, and travels with the job: the gateway's own zone is not touched. */
#pragma once
#include "core/json.h"

enum { IMPORT_CHANGES_MAX = 512 };

struct import_zone {
    struct import_change {
        int64_t from_ms;  /* from then on … */
        int32_t offset_s; /* … this is east of UTC */
    } changes[IMPORT_CHANGES_MAX];
    size_t count; /* 0: UTC */
};

/* The changes from 1990 to 2060 of the zone that the process has now, as an array under key. */
void import_zone_write(struct json_out *w, const char *key);
void import_zone_read(const struct json *list, struct import_zone *out);

int32_t import_zone_offset(const struct import_zone *zone, int64_t wall_ms);
/* UTC of a local time, an ambiguous one the first, one that is left out as if the clock had not been moved yet. */
int64_t import_zone_to_utc(const struct import_zone *zone, int64_t local_ms);

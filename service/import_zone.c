/* import_zone: the changes are found by looking at every day, then closer. */
#include "service/import_zone.h"
#include "core/clock.h"
#include <time.h>

enum { DAY_S = 86400, FIRST_YEAR = 1990, LAST_YEAR = 2060 };

static int32_t offset_now_at(int64_t seconds)
{
    struct tm tm;
    clock_local(seconds * 1000, &tm);
    return (int32_t)tm.tm_gmtoff;
}

static void write_change(struct json_out *w, int64_t seconds, int32_t offset)
{
    json_array(w, NULL);
    json_i(w, NULL, seconds * 1000);
    json_i(w, NULL, offset);
    json_end(w);
}

/* The first second in (from, to] that no longer has the offset of from. */
static int64_t find_change(int64_t from, int64_t to)
{
    int32_t before = offset_now_at(from);
    while (to - from > 1) {
        int64_t middle = from + (to - from) / 2;
        if (offset_now_at(middle) == before)
            from = middle;
        else
            to = middle;
    }
    return to;
}

void import_zone_write(struct json_out *w, const char *key)
{
    int64_t at = clock_from_utc(FIRST_YEAR, 1, 1, 0, 0, 0) / 1000, end = clock_from_utc(LAST_YEAR, 1, 1, 0, 0, 0) / 1000;
    int     left = IMPORT_CHANGES_MAX - 1;
    json_array(w, key);
    write_change(w, at, offset_now_at(at));
    for (; at < end && left > 0; at += DAY_S) {
        if (offset_now_at(at) == offset_now_at(at + DAY_S))
            continue;
        int64_t change = find_change(at, at + DAY_S);
        write_change(w, change, offset_now_at(change));
        left--;
    }
    json_end(w);
}

void import_zone_read(const struct json *list, struct import_zone *out)
{
    out->count = 0;
    for (const struct json *v = json_first(list); v && out->count < IMPORT_CHANGES_MAX; v = json_next(v)) {
        const struct json *from = json_first(v), *offset = from ? json_next(from) : NULL;
        if (!offset || json_number(offset) < -(double)DAY_S || json_number(offset) > (double)DAY_S)
            continue;
        out->changes[out->count++] = (struct import_change){ (int64_t)json_number(from), (int32_t)json_number(offset) };
    }
}

int32_t import_zone_offset(const struct import_zone *zone, int64_t wall_ms)
{
    int32_t offset = zone->count > 0 ? zone->changes[0].offset_s : 0;
    for (size_t i = 1; i < zone->count && zone->changes[i].from_ms <= wall_ms; i++)
        offset = zone->changes[i].offset_s;
    return offset;
}

/* As parsers/zone.c finds it: by what was valid the day before, or by what will be the day after. */
int64_t import_zone_to_utc(const struct import_zone *zone, int64_t local_ms)
{
    const int64_t day_ms = (int64_t)DAY_S * 1000;
    int32_t before = import_zone_offset(zone, local_ms - day_ms), after = import_zone_offset(zone, local_ms + day_ms);
    int64_t by_before = local_ms - (int64_t)before * 1000, by_after = local_ms - (int64_t)after * 1000;
    bool    is_before = import_zone_offset(zone, by_before) == before, is_after = import_zone_offset(zone, by_after) == after;
    return is_after && (!is_before || after > before) ? by_after : by_before;
}

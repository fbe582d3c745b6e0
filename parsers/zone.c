/* zone: GLib reads zoneinfo; which moment a local time is, is found here from the offsets around it, for the process's zone too. */
#include "parsers/zone.h"
#include "core/clock.h"
#include <glib.h>
#include <string.h>
#include <time.h>

enum { ZONES_MAX = 256, ZONE_NAME_MAX = 64 };
static const int64_t DAY_S = 86400;

struct zone {
    char       name[ZONE_NAME_MAX];
    GTimeZone *rules;
};

/* Filled before the sandbox closes, by one thread; never emptied. */
static struct zone zones[ZONES_MAX];
static size_t      zone_count;

const struct zone *zone_find(const char *name)
{
    for (size_t i = 0; i < zone_count; i++)
        if (strcmp(zones[i].name, name) == 0)
            return &zones[i];
    return NULL;
}

int zone_open(const char *name, const struct zone **out, struct err *e)
{
    const struct zone *known = zone_find(name);
    if (!known && zone_count == ZONES_MAX)
        return err_set(e, ERR_LIMIT, "more than %d time zones", ZONES_MAX);
    /* GLib takes much for a zone ("+01:00", rules, any path): only what the process's own zone may be called */
    if (!known && (strlen(name) >= ZONE_NAME_MAX || !clock_zone_exists(name)))
        return err_set(e, ERR_INPUT, "no such time zone here: %.80s", name);
    if (!known) {
        struct zone *z = &zones[zone_count];
        z->rules = g_time_zone_new_identifier(name);
        if (!z->rules)
            return err_set(e, ERR_INPUT, "the time zone %s cannot be read", name);
        memcpy(z->name, name, strlen(name) + 1);
        zone_count++;
        known = z;
    }
    *out = known;
    return 0;
}

static int32_t offset_at(const struct zone *zone, int64_t seconds)
{
    if (!zone) {
        struct tm tm;
        clock_local(seconds * 1000, &tm);
        return (int32_t)tm.tm_gmtoff;
    }
    int interval = g_time_zone_find_interval(zone->rules, G_TIME_TYPE_UNIVERSAL, seconds);
    return interval < 0 ? 0 : g_time_zone_get_offset(zone->rules, interval);
}

int32_t zone_offset(const struct zone *zone, int64_t wall_ms)
{
    return offset_at(zone, wall_ms >= 0 ? wall_ms / 1000 : (wall_ms - 999) / 1000);
}

/* A clock is moved at most once within a day, so the local time goes by what was valid the day before, or by what will be the
 * day after. Both where an hour comes twice: the first is meant. Neither where it was left out. */
int64_t zone_to_utc(const struct zone *zone, int year, int month, int day, int hour, int minute, int second)
{
    int64_t local_ms = clock_from_utc(year, month, day, hour, minute, second);
    if (local_ms == INT64_MIN)
        return INT64_MIN;
    int64_t local = local_ms / 1000;
    int32_t before = offset_at(zone, local - DAY_S), after = offset_at(zone, local + DAY_S);
    bool    is_before = offset_at(zone, local - before) == before, is_after = offset_at(zone, local - after) == after;
    int32_t offset = is_after && (!is_before || after > before) ? after : before;
    return (local - offset) * 1000;
}

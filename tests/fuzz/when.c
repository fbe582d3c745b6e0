/* Any text as a time: what is read lies within it, is a date that can be, and what is told of it is one that all can read. */
#include "core/clock.h"
#include "parsers/when.h"
#include "parsers/zone.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

static void tell(const struct when *w, const struct zone *zone)
{
    const struct parser_site site = { .alarm_user = "alarm", .status_user = "status", .language = "en", .zone = zone };
    const struct mail        m = { .site = &site, .received_ms = 1795227165000 };
    struct arena             arena;
    int64_t                  told;
    arena_init(&arena, 1 << 16);
    struct events events = { .arena = &arena };
    struct event *ev = events_add(&events, "unknown");
    if (clock_from_utc(w->year, w->month, w->day, w->hour, w->minute, w->second) == INT64_MIN || when_tell(ev, &m, w, &arena) < 0)
        abort();
    if (!ev->device_time || clock_parse_rfc3339(ev->device_time, &told) < 0 || told - m.received_ms != ev->drift_ms)
        abort();
    if (ev->happened_ms != 0 && (ev->happened_ms != told || ev->drift_ms > 86400000 || ev->drift_ms < -86400000))
        abort();
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    static const struct zone *vienna;
    struct err                e;
    struct when               w;
    char                     *text = calloc(1, n + 1);
    if (!text || (!vienna && zone_open("Europe/Vienna", &vienna, &e) < 0))
        abort();
    memcpy(text, bytes, n);
    for (int order = WHEN_DAY_FIRST; order <= (int)WHEN_MONTH_FIRST; order++) {
        size_t taken = when_read(text, (enum when_order)order, &w);
        if (taken > strlen(text))
            abort();
        if (taken > 0)
            tell(&w, vienna);
        if (when_find(text, (enum when_order)order, &w))
            tell(&w, vienna);
    }
    free(text);
    return 0;
}

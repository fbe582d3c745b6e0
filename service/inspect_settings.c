/* inspect_settings: one place for whoever lets postern-inspect read. */
#include "service/inspect_settings.h"

enum { SECOND_MS = 1000 };

struct inspector_options inspect_settings(const struct settings *s, const char *helper, struct devices *devices)
{
    return (struct inspector_options){
        .program = helper,
        .site_time_zone = s->site_time_zone,
        .language = s->site_language,
        .alarm_user = s->alarm_user,
        .status_user = s->status_user,
        .texts = s->own_texts,
        .rules = s->rules,
        .zones = s->devices.zones,
        .devices = devices,
        .memory_mib = s->inspect_memory_mib,
        .max_drift_hours = s->max_clock_drift_hours,
        .is_sandboxed = s->is_inspect_sandboxed,
        .unreadable_ms = s->inspect_unreadable_seconds * SECOND_MS,
        .job_ms = s->inspect_seconds * SECOND_MS,
    };
}

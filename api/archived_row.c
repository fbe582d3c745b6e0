/* archived_row: member by member, see event_write. */
#include "api/archived_row.h"
#include "core/clock.h"
#include <stdio.h>

static int64_t time_of(const struct json *event, const char *key)
{
    const char *text = json_str(event, key, NULL);
    int64_t     ms = 0;
    return text && clock_parse_rfc3339(text, &ms) == 0 ? ms : 0;
}

void archived_row(const struct json *event, struct event_row *out)
{
    const struct json *device = json_get(event, "device"), *zone = json_get(event, "zone");
    *out = (struct event_row){
        .received_ms = time_of(event, "received_at"),
        .arrival = json_str(event, "arrival", NULL),
        .parser = json_str(event, "parser", ""),
        .event = {
            .kind = json_str(event, "kind", "unknown"),
            .restored = json_bool(event, "restored", false),
            .device_id = json_str(device, "id", ""),
            .device_name = json_str(device, "name", ""),
            .zone_number = (int)json_int(zone, "number", ZONE_NONE),
            .zone_name = json_str(zone, "name", NULL),
            .user = json_str(event, "user", NULL),
            .text = json_str(event, "text", NULL),
            .code = (int)json_int(event, "code", 0),
            .happened_ms = time_of(event, "happened_at"),
            .device_time = json_str(event, "device_time", NULL),
            .drift_ms = DRIFT_UNKNOWN,
            .target = json_str(event, "target", NULL),
            .channel = json_str(event, "channel", NULL),
            .media_count = json_count(json_get(event, "media")),
        },
        .marks = {
            .acked_ms = time_of(event, "acknowledged_at"),
            .acked_by = json_str(event, "acknowledged_by", NULL),
            .is_kept = json_bool(event, "kept", false),
            .kept_by = json_str(event, "kept_by", NULL),
            .note = json_str(event, "note", NULL),
            .has_person = json_bool(event, "person", false),
            .clock = event_clock_parse(json_str(event, "clock", "")),
        },
    };
    (void)severity_parse(json_str(event, "severity", ""), &out->event.severity);
    (void)snprintf(out->event.id, sizeof out->event.id, "%s", json_str(event, "id", ""));
}

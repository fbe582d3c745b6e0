/* `postern events`: what happened, oldest first. */
#include "service/cli.h"
#include "service/commands.h"
#include <string.h>

/* "8 Ost 1"; either part may be missing. */
static void put_zone(struct buf *out, const struct json *zone)
{
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, 512);
    if (json_get(zone, "number"))
        buf_puti(&text, json_int(zone, "number", 0));
    const char *name = json_str(zone, "name", "");
    buf_printf(&text, "%s%s", text.len && *name ? " " : "", name);
    cli_column(out, buf_str(&text), 18, false);
}

static void put_kind(struct buf *out, const struct json *ev)
{
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, 128);
    buf_printf(&text, "%s%s", json_str(ev, "kind", ""), json_bool(ev, "restored", false) ? " (ended)" : "");
    cli_column(out, buf_str(&text), 26, false);
}

/* What the device's own clock showed: the time of day, or the day where it is a day or more off. */
static void put_clock(struct buf *out, const struct json *ev)
{
    enum { DAY = 10, TIME_AT = 11, TIME = 8 };
    const char *text = json_str(ev, "device_time", "");
    int64_t     drift_s = json_int(ev, "drift_s", 0);
    bool        is_far = drift_s >= 86400 || drift_s <= -86400;
    char        shown[DAY + 1] = "";
    if (strlen(text) >= TIME_AT + TIME)
        (void)snprintf(shown, sizeof shown, "%.*s", is_far ? DAY : TIME, is_far ? text : text + TIME_AT);
    cli_column(out, shown, DAY, false);
}

static void line(struct buf *out, const struct json *ev)
{
    cli_time_column(out, json_str(ev, "received_at", NULL));
    put_clock(out, ev);
    cli_column(out, json_str(ev, "severity", ""), 8, false);
    put_kind(out, ev);
    cli_column(out, json_str(json_get(ev, "device"), "name", ""), 16, false);
    put_zone(out, json_get(ev, "zone"));
    cli_column(out, json_str(ev, "text", ""), 200, true);
}

/* A correction (unreadable, then understood) is shown again. */
static void key(struct buf *out, const struct json *ev)
{
    buf_printf(out, "%s %s", json_str(ev, "id", ""), json_str(ev, "kind", ""));
}

int cmd_events(const struct settings *s, int argc, char **argv)
{
    static const struct cli_view view = {
        .path = "/api/v1/events",
        .heading = "TIME                CLOCK      SEVERITY KIND                       DEVICE           ZONE               TEXT",
        .line = line,
        .key = key,
        .options = CLI_EVENT_FILTERS,
    };
    return cli_list(s, &view, argc, argv);
}

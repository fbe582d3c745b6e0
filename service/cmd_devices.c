/* `postern devices`: who sends, how much, and what went wrong last. */
#include "service/cli.h"
#include "service/commands.h"
#include <stdlib.h>

static void put_count(struct buf *out, int64_t n, size_t width)
{
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, 32);
    buf_puti(&text, n);
    cli_column(out, buf_str(&text), width, false);
}

/* "+3d 4h", "-12s"; nothing where it never told a time. */
static void put_drift(struct buf *out, const struct json *d)
{
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, 64);
    int64_t      s = json_int(d, "clock_drift_s", 0);
    long long    off = llabs(s);
    const char  *sign = s < 0 ? "-" : "+";
    if (off >= 86400)
        buf_printf(&text, "%s%lldd %lldh", sign, off / 86400, off / 3600 % 24);
    else if (off >= 60)
        buf_printf(&text, "%s%lldh %lldm", sign, off / 3600, off / 60 % 60);
    else if (json_get(d, "clock_drift_s"))
        buf_printf(&text, "%s%llds", sign, off);
    cli_column(out, buf_str(&text), 10, false);
}

static void line(struct buf *out, const struct json *d)
{
    cli_time_column(out, json_str(d, "last_seen_at", NULL));
    cli_column(out, json_str(d, "kind", ""), 8, false);
    put_count(out, json_int(d, "mails", 0), 7);
    put_drift(out, d);
    cli_column(out, json_str(d, "address", ""), 15, false);
    cli_column(out, json_str(d, "id", ""), 20, false);
    cli_column(out, json_str(d, "name", ""), 20, false);
    cli_column(out, json_str(json_get(d, "last_error"), "text", ""), 200, true);
}

/* What it sends makes a line anew while following. */
static void key(struct buf *out, const struct json *d)
{
    buf_printf(out, "%s %lld %s", json_str(d, "id", ""), (long long)json_int(d, "mails", 0),
               json_str(json_get(d, "last_error"), "at", ""));
}

int cmd_devices(const struct settings *s, int argc, char **argv)
{
    static const struct cli_view view = {
        .path = "/api/v1/devices",
        .heading = "LAST SEEN           KIND     MAILS   CLOCK      ADDRESS         ID                   NAME                 LAST ERROR",
        .line = line,
        .key = key,
        .options = "",
    };
    return cli_list(s, &view, argc, argv);
}

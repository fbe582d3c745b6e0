/* `postern deliveries`: who was told, and who not. */
#include "service/cli.h"
#include "service/commands.h"

static void put_way(struct buf *out, const struct json *message)
{
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, 512);
    buf_printf(&text, "%s%s%s", json_str(message, "account", ""), message ? ":" : "", json_str(message, "address", ""));
    cli_column(out, buf_str(&text), 26, false);
}

static void line(struct buf *out, const struct json *d)
{
    const struct json *message = json_get(d, "message");
    cli_time_column(out, json_str(d, "created_at", NULL));
    cli_column(out, json_str(d, "state", ""), 8, false);
    cli_column(out, json_str(d, "recipient", ""), 14, false);
    put_way(out, message);
    CLEANUP(buf_done) struct buf tries;
    buf_init(&tries, 32);
    buf_puti(&tries, json_int(message, "attempts", 0));
    cli_column(out, buf_str(&tries), 5, false);
    cli_column(out, json_str(d, "event", ""), 26, false);
    if (json_bool(message, "maybe_twice", false))
        buf_puts(out, "(maybe twice) ");
    cli_column(out, json_str(message, "detail", ""), 200, true);
}

/* Every change of state is a line of its own while following. */
static void key(struct buf *out, const struct json *d)
{
    buf_printf(out, "%s %s %s", json_str(d, "id", ""), json_str(d, "state", ""), json_str(json_get(d, "message"), "id", ""));
}

int cmd_deliveries(const struct settings *s, int argc, char **argv)
{
    static const struct cli_view view = {
        .path = "/api/v1/deliveries",
        .heading = "TIME                STATE    RECIPIENT      THROUGH                    TRIES EVENT                      DETAIL",
        .line = line,
        .key = key,
        .options = "state recipient event ",
    };
    return cli_list(s, &view, argc, argv);
}

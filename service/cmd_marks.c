/* `postern ack` and `postern keep`: marks events in the running gateway, by their ids or all that a filter finds. */
#include "service/cli.h"
#include "service/client.h"
#include "service/commands.h"
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

enum { TIMEOUT_MS = 60 * 1000, BODY_BYTES = 32 * 1024, PATH_BYTES = CLI_QUERY_BYTES + 200, PAGE = 500 };

/* What one of the two commands does. */
struct mark {
    const char *name, *member, *done, *undone; /* "ack", "acknowledged", …                            */
    bool        has_sweep;                     /* the gateway does a whole filter by itself           */
};

/* What was asked for. */
struct wish {
    const struct mark *mark;
    struct client     *client;
    struct buf         query; /* "&kind=…" */
    struct buf         body;
    const char        *note;
    bool               is_all, is_undone;
    int64_t            count; /* of events that were marked */
};

static void wish_done(struct wish *w)
{
    client_free(&w->client);
    buf_done(&w->query);
    buf_done(&w->body);
}

static int usage(const char *name)
{
    (void)fprintf(stderr,
                  "usage: postern %s ID… [--undo] [--note TEXT]\n"
                  "       postern %s --all | [--kind K] [--severity S] [--device D] [--zone Z] [--text T] [--since T] [--until T] [--undo] [--note TEXT]\n",
                  name, name);
    return EX_USAGE;
}

/* --- marking --------------------------------------------------------------------------------------------------- */

static void write_body(struct wish *w)
{
    struct json_out out = json_begin(&w->body);
    json_object(&out, NULL);
    json_b(&out, w->mark->member, !w->is_undone);
    if (w->note)
        json_s(&out, "note", w->note);
    json_end(&out);
}

static int mark_one(struct wish *w, const char *id, struct err *e)
{
    CLEANUP(buf_done) struct buf path;
    buf_init(&path, PATH_BYTES);
    buf_puts(&path, "/api/v1/events/");
    cli_put_escaped(&path, id);
    struct json *marked = client_patch(w->client, buf_str(&path), buf_str(&w->body), TIMEOUT_MS, e);
    if (!marked)
        return err_prefix(e, "%s", id);
    json_free(&marked);
    w->count++;
    return 0;
}

/* From the newest there is now down: what arrives meanwhile nobody has seen. */
static int mark_each(struct wish *w, struct err *e)
{
    CLEANUP(json_free) struct json *page = NULL;
    const char *cursor = "";
    while (cursor) {
        char path[PATH_BYTES];
        (void)snprintf(path, sizeof path, "/api/v1/events?limit=%d%s%s%s", PAGE, buf_str(&w->query), *cursor ? "&cursor=" : "", cursor);
        json_free(&page);
        if (!(page = client_json(w->client, path, NULL, TIMEOUT_MS, e)))
            return -1;
        for (const struct json *ev = json_first(json_get(page, "items")); ev; ev = json_next(ev))
            if (mark_one(w, json_str(ev, "id", ""), e) < 0)
                return -1;
        cursor = json_str(page, "next", NULL);
    }
    return 0;
}

/* It stops after a while and says whether that was all. */
static int sweep(struct wish *w, struct err *e)
{
    bool is_complete = false;
    char path[PATH_BYTES];
    const char *query = buf_str(&w->query);
    (void)snprintf(path, sizeof path, "/api/v1/events/ack%s%s", *query ? "?" : "", *query ? query + 1 : "");
    while (!is_complete) {
        CLEANUP(json_free) struct json *answer = client_json(w->client, path, "{}", TIMEOUT_MS, e);
        if (!answer)
            return -1;
        w->count += json_int(answer, "acknowledged", 0);
        is_complete = json_bool(answer, "complete", true);
    }
    return 0;
}

/* ids and a filter exclude each other. */
static int mark_all(struct wish *w, char **ids, struct err *e)
{
    if (!*ids)
        return w->mark->has_sweep && !w->is_undone && !w->note ? sweep(w, e) : mark_each(w, e);
    for (; *ids; ids++)
        if (mark_one(w, *ids, e) < 0)
            return -1;
    return 0;
}

/* --- the command ----------------------------------------------------------------------------------------------- */

/* The ids are moved to the front of argv + 1, NULL ends them; -1: the arguments are wrong. */
static int read_arguments(struct wish *w, int argc, char **argv)
{
    int kept = 1;
    for (int i = 1; i < argc; i++) {
        int taken = cli_take_filter(CLI_EVENT_FILTERS, argv, &i, &w->query);
        if (taken < 0)
            return -1;
        if (taken > 0)
            continue;
        if (strcmp(argv[i], "--all") == 0)
            w->is_all = true;
        else if (strcmp(argv[i], "--undo") == 0)
            w->is_undone = true;
        else if (strcmp(argv[i], "--note") == 0 && argv[i + 1])
            w->note = argv[++i];
        else if (argv[i][0] != '-')
            argv[kept++] = argv[i];
        else
            return -1;
    }
    argv[kept] = NULL;
    int ways = (kept > 1) + (w->query.len > 0) + w->is_all;
    return ways == 1 && !w->query.failed ? 0 : -1;
}

static int run(const struct mark *mark, const struct settings *s, int argc, char **argv)
{
    CLEANUP(wish_done) struct wish w = { .mark = mark };
    struct err e;
    buf_init(&w.query, CLI_QUERY_BYTES);
    buf_init(&w.body, BODY_BYTES);
    if (read_arguments(&w, argc, argv) < 0)
        return usage(mark->name);
    write_body(&w);
    bool has_failed = client_new(s, &w.client, &e) < 0 || mark_all(&w, argv + 1, &e) < 0;
    if (has_failed)
        (void)fprintf(stderr, "postern %s: %s\n", mark->name, e.text);
    if (!has_failed || w.count > 0)
        (void)printf("%" PRId64 " events %s\n", w.count, w.is_undone ? mark->undone : mark->done);
    return has_failed;
}

int cmd_ack(const struct settings *s, int argc, char **argv)
{
    static const struct mark mark = { "ack", "acknowledged", "acknowledged", "no longer acknowledged", true };
    return run(&mark, s, argc, argv);
}

int cmd_keep(const struct settings *s, int argc, char **argv)
{
    static const struct mark mark = { "keep", "kept", "kept", "no longer kept", false };
    return run(&mark, s, argc, argv);
}

/* stats: GET /api/v1/stats: counts for charts. */
#include "store/stats.h"
#include "api/context.h"
#include "api/filter.h"
#include "core/clock.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const names[] = { [STATS_HOUR] = "hour", [STATS_DAY] = "day", [STATS_KIND] = "kind", [STATS_DEVICE] = "device" };

struct counting {
    struct json_out w;
    enum stats_by   by;
    int64_t         total;
};

static int read_by(const struct request *r, enum stats_by *out, struct err *e)
{
    const char *text = http_query(r, "by");
    for (size_t i = 0; text && i < COUNT(names); i++)
        if (strcmp(text, names[i]) == 0) {
            *out = (enum stats_by)i;
            return 0;
        }
    return err_set(e, ERR_INPUT, "by: hour, day, kind or device");
}

/* 2026-10-25T02:00:00+01:00: with its offset, since one hour of the year comes twice. */
static const char *local_hour(char out[40], int64_t ms)
{
    struct tm t;
    clock_local(ms, &t);
    long minutes = t.tm_gmtoff / 60, size = minutes < 0 ? -minutes : minutes;
    (void)snprintf(out, 40, "%04d-%02d-%02dT%02d:%02d:00%c%02ld:%02ld", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min,
                   minutes < 0 ? '-' : '+', size / 60 % 100, size % 60);
    return out;
}

static void on_row(void *user, const struct stats_row *row)
{
    struct counting *c = user;
    char             text[40];
    json_object(&c->w, NULL);
    if (c->by == STATS_HOUR)
        json_s(&c->w, "hour", local_hour(text, row->start_ms));
    else if (c->by == STATS_DAY)
        json_sn(&c->w, "day", clock_rfc3339(text, row->start_ms), strlen("2026-10-25"));
    else
        json_s(&c->w, names[c->by], row->name);
    json_i(&c->w, "count", row->count);
    json_end(&c->w);
    c->total += row->count;
}

void stats_get(struct api *a, const struct request *r, struct response *p)
{
    struct event_filter  f;
    struct counting      c = { 0 };
    struct store_reader *reader = NULL;
    struct err           e;
    if (read_by(r, &c.by, &e) < 0 || events_filter(a, r, &f, &e) < 0 || api_reader(a, &reader, &e) < 0) {
        problem_of(p, &e);
        return;
    }
    c.w = json_begin(&p->body);
    json_object(&c.w, NULL);
    json_s(&c.w, "by", names[c.by]);
    json_array(&c.w, "items");
    int failed = stats_count(reader, &f, c.by, on_row, &c, &e);
    api_reader_back(a, &reader);
    if (failed) {
        problem_of(p, &e);
        return;
    }
    json_end(&c.w);
    json_i(&c.w, "total", c.total);
    json_end(&c.w);
    buf_putc(&p->body, '\n');
    p->type = "application/json";
    response_header(p, "Cache-Control", "no-store");
}

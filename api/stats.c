/* stats: GET /api/v1/stats: counts for charts. What only the archive has is counted there and added. */
#include "store/stats.h"
#include "api/archived.h"
#include "api/filter.h"
#include "core/clock.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const names[] = { [STATS_HOUR] = "hour", [STATS_DAY] = "day", [STATS_KIND] = "kind", [STATS_DEVICE] = "device" };

struct counting {
    struct json_out w;
    struct stats   *sum;
    struct err     *e; /* why it could not be added */
    bool            failed;
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

/* --- counting ---------------------------------------------------------------------------------------------------------- */

static void on_counted(void *user, const struct stats_row *row)
{
    struct counting *c = user;
    c->failed = c->failed || stats_add_row(c->sum, row, c->e) < 0;
}

static int count_own(struct api *a, const struct event_filter *f, struct counting *c, struct err *e)
{
    struct store_reader *reader = NULL;
    if (api_reader(a, &reader, e) < 0)
        return -1;
    c->e = e;
    int failed = stats_count(reader, f, c->by, on_counted, c, e);
    api_reader_back(a, &reader);
    return failed || c->failed ? -1 : 0;
}

static int count_all(struct api *a, const struct request *r, struct event_filter *f, struct counting *c, struct err *e)
{
    const struct event_filter asked = *f;
    const struct page         newest_first = { .limit = 1 };
    char                      border[ARCHIVED_CURSOR];
    if (archived_is_asked(a, r))
        return archived_count(a, &asked, NULL, c->sum, e);
    if (archived_follows(a, f, &newest_first, border) && archived_count(a, &asked, border + 1, c->sum, e) < 0)
        return -1;
    return count_own(a, f, c, e);
}

static void write_counts(struct counting *c, struct response *p)
{
    c->w = json_begin(&p->body);
    json_object(&c->w, NULL);
    json_s(&c->w, "by", names[c->by]);
    json_array(&c->w, "items");
    stats_each(c->sum, on_row, c);
    json_end(&c->w);
    json_i(&c->w, "total", c->total);
    json_end(&c->w);
    response_json(p);
}

void stats_get(struct api *a, const struct request *r, struct response *p)
{
    struct event_filter f;
    struct counting     c = { 0 };
    struct err          e;
    if (read_by(r, &c.by, &e) < 0 || events_filter(a, r, &f, &e) < 0 || stats_new(c.by, &c.sum, &e) < 0) {
        problem_of(p, &e);
        return;
    }
    if (count_all(a, r, &f, &c, &e) < 0)
        archived_complain(p, &e);
    else
        write_counts(&c, p);
    stats_free(&c.sum);
}

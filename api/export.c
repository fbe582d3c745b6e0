/* export: GET /api/v1/events.ndjson and .csv: any result of any size. The history is read page by page, each page when the client
 * has taken the one before; between them there is a position and nothing else: no transaction, no connection to the database. */
#include "api/context.h"
#include "api/csv.h"
#include "api/filter.h"
#include "core/log.h"
#include <stdlib.h>
#include <string.h>

enum { PAGE_ROWS = 200, PAGE_FULL = 64 * 1024, PAGE_MAX = 4 << 20, PAGE_MS = 100, EXPORTS_MAX = 16 };

struct export {
    struct api         *api;
    const char         *site;
    struct event_filter filter; /* its strings are the request's */
    struct page         page;
    struct buf          ready; /* what of this page the client has not taken yet: from `taken` on */
    size_t              taken;
    bool                is_csv, is_last;
};

/* --- pages ---------------------------------------------------------------------------------------------------- */

static bool on_row(void *user, const struct event_row *row)
{
    struct export *x = user;
    if (x->ready.len >= PAGE_FULL)
        return false;
    if (x->is_csv) {
        csv_put_event(&x->ready, row);
        return true;
    }
    struct json_out     w = json_begin(&x->ready);
    struct event_origin origin = { .site = x->site, .arrival = row->arrival, .parser = row->parser, .received_ms = row->received_ms,
                                   .marks = &row->marks };
    event_write(&w, NULL, &row->event, &origin);
    buf_putc(&x->ready, '\n');
    return true;
}

static int read_page(struct export *x, struct err *e)
{
    struct store_reader *reader = NULL;
    if (api_reader(x->api, &reader, e) < 0)
        return -1;
    x->page.limit = PAGE_ROWS;
    x->page.budget_ms = PAGE_MS; /* this thread serves others too */
    int failed = query_events(reader, &x->filter, &x->page, on_row, x, e);
    api_reader_back(x->api, &reader);
    if (failed)
        return -1;
    if (x->ready.failed)
        return err_set(e, ERR_NOMEM, "a page of the export did not fit into memory");
    x->page.cursor = x->page.next;
    x->is_last = x->page.next == 0;
    return 0;
}

static ssize_t take(struct export *x, void *out, size_t n)
{
    size_t left = x->ready.len - x->taken;
    n = n < left ? n : left;
    memcpy(out, x->ready.data + x->taken, n);
    x->taken += n;
    return (ssize_t)n;
}

static ssize_t on_read(void *user, void *out, size_t n)
{
    struct export *x = user;
    struct err     e;
    if (x->taken < x->ready.len)
        return take(x, out, n);
    if (x->is_last)
        return STREAM_END;
    buf_clear(&x->ready);
    x->taken = 0;
    if (read_page(x, &e) < 0) {
        log_line(LOG_WARN, "api.export", LOG_S("text", e.text));
        return STREAM_BROKEN;
    }
    return x->ready.len > 0 ? take(x, out, n) : STREAM_AGAIN;
}

/* --- life ----------------------------------------------------------------------------------------------------- */

/* One of the few that may be under way. */
static bool take_place(struct api *a)
{
    (void)pthread_mutex_lock(&a->lock);
    bool is_room = a->exports < EXPORTS_MAX;
    a->exports += is_room;
    (void)pthread_mutex_unlock(&a->lock);
    return is_room;
}

static void leave_place(struct api *a)
{
    (void)pthread_mutex_lock(&a->lock);
    a->exports--;
    (void)pthread_mutex_unlock(&a->lock);
}

static void on_close(void *user)
{
    struct export *x = user;
    leave_place(x->api);
    buf_done(&x->ready);
    free(x);
}

static struct export *export_new(struct api *a, const struct event_filter *f, bool is_csv)
{
    struct export *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    x->api = a;
    x->site = a->o.site;
    x->filter = *f;
    x->is_csv = is_csv;
    buf_init(&x->ready, PAGE_MAX);
    if (is_csv)
        csv_put_heading(&x->ready);
    return x;
}

static void send_export(struct api *a, const struct request *r, bool is_csv, struct response *p)
{
    struct event_filter f;
    struct err          e;
    if (events_filter(a, r, &f, &e) < 0) {
        problem_of(p, &e);
        return;
    }
    if (!take_place(a)) {
        problem(p, 503, "%d exports are under way", EXPORTS_MAX);
        return;
    }
    struct export *x = export_new(a, &f, is_csv);
    if (!x) {
        leave_place(a);
        problem(p, 503, "out of memory");
        return;
    }
    p->stream = (struct stream){ .read = on_read, .close = on_close, .user = x, .length = -1 };
    p->type = is_csv ? "text/csv; charset=utf-8; header=present" : "application/x-ndjson";
    response_header(p, "Content-Disposition", is_csv ? "attachment; filename=\"events.csv\"" : "attachment; filename=\"events.ndjson\"");
    response_header(p, "Cache-Control", "no-store");
}

void events_ndjson(struct api *a, const struct request *r, struct response *p)
{
    send_export(a, r, false, p);
}

void events_csv(struct api *a, const struct request *r, struct response *p)
{
    send_export(a, r, true, p);
}

/* export: GET /api/v1/events.ndjson and .csv: any result of any size. The history is read page by page, each page when the client
 * has taken the one before; between them there is a position and nothing else: no transaction, no connection to the database. What only the
 * archive has follows what the box has. */
#include "api/archived.h"
#include "api/archived_pages.h"
#include "api/archived_row.h"
#include "api/csv.h"
#include "api/filter.h"
#include "core/log.h"
#include <stdlib.h>
#include <string.h>

enum { PAGE_ROWS = 200, PAGE_FULL = 64 * 1024, PAGE_MAX = 16 << 20, PAGE_MS = 100, EXPORTS_MAX = 16 };

struct export {
    struct api         *api;
    const char         *site;
    struct event_filter filter; /* the box's part; its strings are the request's */
    struct archived_pages *older; /* NULL: there is no such part */
    struct page         page;
    struct buf          ready; /* what of this page the client has not taken yet: from `taken` on */
    size_t              taken;
    bool                is_csv, is_last; /* of the box's */
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

/* Lines of JSON as rows of the table. */
static void put_rows(struct export *x, const char *lines)
{
    struct err ignored;
    for (size_t n; *lines; lines += n + 1) {
        n = strcspn(lines, "\n");
        struct json *event = json_parse(lines, n, &ignored);
        if (event) {
            struct event_row row;
            archived_row(event, &row);
            csv_put_event(&x->ready, &row);
        }
        json_free(&event);
    }
}

/* The next page of the archive into `ready`: 1, or what a stream says. */
static int read_older(struct export *x)
{
    CLEANUP(buf_done) struct buf lines;
    struct err                   e;
    buf_init(&lines, PAGE_MAX);
    int got = archived_pages_next(x->older, x->is_csv ? &lines : &x->ready, &e);
    if (got == STREAM_WAIT || got == 0)
        return got == 0 ? STREAM_END : STREAM_WAIT;
    if (got > 0 && x->is_csv)
        put_rows(x, buf_str(&lines));
    if (got > 0 && !x->ready.failed)
        return 1;
    log_line(LOG_WARN, "api.export", LOG_S("text", got < 0 ? e.text : "a page of the archive did not fit into memory"));
    return STREAM_BROKEN;
}

static int read_own(struct export *x)
{
    struct err e;
    if (read_page(x, &e) == 0)
        return 1;
    log_line(LOG_WARN, "api.export", LOG_S("text", e.text));
    return STREAM_BROKEN;
}

static ssize_t on_read(void *user, void *out, size_t n)
{
    struct export *x = user;
    if (x->taken < x->ready.len)
        return take(x, out, n);
    if (x->is_last && !x->older)
        return STREAM_END;
    buf_clear(&x->ready);
    x->taken = 0;
    int got = x->is_last ? read_older(x) : read_own(x);
    if (got != 1)
        return got;
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
    archived_pages_close(&x->older);
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

/* The archive's part, if there is one: all of it, or what is older than the box's; its first page is read now. */
static int open_older(struct export *x, const struct request *r, struct err *e)
{
    struct event_filter    f = x->filter; /* as it was asked */
    struct archived_query *q = NULL;
    char                   border[ARCHIVED_CURSOR];
    x->is_last = archived_is_asked(x->api, r);
    if (!x->is_last && !archived_follows(x->api, &x->filter, &x->page, border))
        return 0;
    if (archived_query_new(x->api, &f, x->is_last ? NULL : border + 1, false, &q, e) < 0 || archived_pages_open(x->api, &q, &x->older, e) < 0)
        return -1;
    return archived_pages_begin(x->older, e);
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
    if (open_older(x, r, &e) < 0) {
        on_close(x);
        archived_complain(p, &e);
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

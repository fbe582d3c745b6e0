/* archived_pages: one page, which either the reading thread has or whoever answers. */
#include "api/archived_pages.h"
#include "core/clock.h"
#include <stdlib.h>
#include <time.h>

/* FerretDB reads all it has for each page, so they are large. */
enum { PAGE_ROWS = 5000, PAGE_FULL = 4 << 20, PAGE_MAX = 8 << 20, BUSY_MS = 15000, BUSY_STEP_MS = 250 };

struct archived_pages {
    struct api            *api;
    struct archived_query *query; /* the reading thread's while is_reading */
    struct buf             page;  /* too */
    pthread_mutex_t        lock;  /* guards the rest */
    bool                   is_reading, is_ready, is_last, is_closed;
    int                    result;
    struct err             why;
};

static void free_all(struct archived_pages *p)
{
    archived_query_free(&p->query);
    buf_done(&p->page);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

int archived_pages_open(struct api *a, struct archived_query **q, struct archived_pages **out, struct err *e)
{
    struct archived_pages *p = calloc(1, sizeof *p);
    if (!p) {
        archived_query_free(q);
        return err_set(e, ERR_NOMEM, "out of memory");
    }
    p->api = a;
    p->query = TAKE(*q);
    buf_init(&p->page, PAGE_MAX);
    (void)pthread_mutex_init(&p->lock, NULL);
    *out = p;
    return 0;
}

void archived_pages_close(struct archived_pages **pp)
{
    struct archived_pages *p = TAKE(*pp);
    if (!p)
        return;
    (void)pthread_mutex_lock(&p->lock);
    bool is_reading = p->is_reading;
    p->is_closed = true;
    (void)pthread_mutex_unlock(&p->lock);
    if (!is_reading)
        free_all(p);
}

/* --- reading ----------------------------------------------------------------------------------------------------------- */

static bool on_event(void *user, const char *id, const char *json)
{
    (void)id;
    struct archived_pages *p = user;
    if (p->page.len >= PAGE_FULL)
        return false;
    buf_puts(&p->page, json);
    buf_putc(&p->page, '\n');
    return true;
}

/* While others have all connections to the archive, for a while. */
static int read_page(struct archived_pages *p, struct err *e)
{
    const struct timespec step = { .tv_nsec = BUSY_STEP_MS * 1000000L };
    int64_t               until_ms = clock_mono_ms() + BUSY_MS;
    int                   result;
    while ((result = archived_query_page(p->api, p->query, PAGE_ROWS, on_event, p, e)) < 0 && e->code == ERR_BUSY && clock_mono_ms() < until_ms)
        (void)nanosleep(&step, NULL);
    return result >= 0 && p->page.failed ? err_set(e, ERR_NOMEM, "a page of the archive did not fit into memory") : result;
}

static void finish(struct archived_pages *p, int result, const struct err *why)
{
    (void)pthread_mutex_lock(&p->lock);
    p->result = result;
    if (result < 0)
        p->why = *why;
    p->is_last = result == 0;
    p->is_ready = true;
    p->is_reading = false;
    bool is_closed = p->is_closed;
    (void)pthread_mutex_unlock(&p->lock);
    if (is_closed)
        free_all(p);
}

static void run(void *user)
{
    struct err e = { 0 };
    int        result = read_page(user, &e);
    finish(user, result, &e);
}

int archived_pages_begin(struct archived_pages *p, struct err *e)
{
    int result = read_page(p, e);
    finish(p, result, e);
    return result < 0 ? -1 : 0;
}

/* --- handing out ------------------------------------------------------------------------------------------------------- */

/* All places are taken, or the thread has begun: whoever sleeps is asked again when a place is free. */
static int begin_reading(struct archived_pages *p)
{
    p->is_reading = true;
    if (http_slowly(p->api->http, run, p) < 0)
        p->is_reading = false;
    return STREAM_WAIT;
}

int archived_pages_next(struct archived_pages *p, struct buf *out, struct err *e)
{
    (void)pthread_mutex_lock(&p->lock);
    bool is_ready = p->is_ready, is_reading = p->is_reading, is_last = p->is_last;
    int  result = p->result;
    if (is_ready && result < 0)
        *e = p->why;
    p->is_ready = false;
    (void)pthread_mutex_unlock(&p->lock);
    if (!is_ready)
        return is_reading ? STREAM_WAIT : is_last ? 0 : begin_reading(p);
    if (result < 0)
        return -1;
    buf_put(out, buf_str(&p->page), p->page.len);
    buf_clear(&p->page);
    return 1;
}

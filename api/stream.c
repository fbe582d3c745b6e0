/* stream: GET /api/v1/stream: what happens, as it happens (server-sent events): event, delivery, device, health. A reader is a position
 * in the store (store/changes.h) and a small page; it reads on when its client has taken that, so a slow one costs no memory, and one
 * that comes back with its last id goes on where it was. Between two pages it sleeps (STREAM_WAIT) until api/hub.c wakes it. */
#include "api/context.h"
#include "api/filter.h"
#include "api/hub.h"
#include "core/clock.h"
#include "core/log.h"
#include "store/changes.h"
#include "store/devices.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    PAGE_CHANGES = 50,
    PAGE_FULL = 32 * 1024,
    PAGE_MAX = 4 << 20,
    BLOCK = 4 * 1024,
    BLOCK_SECONDS = 20, /* for a client that takes no block */
    SILENCE_MS = 10000, /* then a heartbeat: with the hub's beat of 5 s one comes every 15 s at the latest */
};

struct reader {
    struct api          *api;
    struct event_filter  filter; /* its strings are the request's */
    struct position      at;
    uint64_t             commits; /* what there was when it was last read to the end; … */
    bool                 is_behind; /* … there is more */
    uint64_t             health;
    int64_t              sent_ms;
    struct buf           ready; /* from `taken` on */
    size_t               taken;
    struct store_reader *store; /* during a page */
    bool                 is_lost; /* a row could not be read */
};

/* --- frames ---------------------------------------------------------------------------------------------------- */

static bool on_event(void *user, const struct event_row *row)
{
    struct reader      *x = user;
    struct json_out     w = json_begin(&x->ready);
    struct event_origin origin = { .site = x->api->o.site, .arrival = row->arrival, .parser = row->parser, .received_ms = row->received_ms,
                                   .marks = &row->marks };
    event_write(&w, NULL, &row->event, &origin);
    return true;
}

struct wanted {
    struct reader *reader;
    const char    *id;
};

static bool on_delivery(void *user, const struct delivery_row *row)
{
    struct wanted  *x = user;
    struct json_out w = json_begin(&x->reader->ready);
    if (strcmp(row->id, x->id) == 0)
        delivery_write(&w, NULL, row);
    return true;
}

static bool on_device(void *user, const struct device_row *row)
{
    struct reader  *x = user;
    struct json_out w = json_begin(&x->ready);
    device_write(&w, NULL, row);
    return true;
}

/* The thing as it is now; nothing is written if it is no longer there. */
static int write_thing(struct reader *x, const struct change *c, struct err *e)
{
    struct page            page = { .limit = c->type == CHANGE_DELIVERY ? QUERY_PAGE_MAX : 1 };
    struct event_filter    event = { .zone = ZONE_NONE, .severity = -1, .id = c->id };
    struct delivery_filter delivery = { .state = -1, .event = c->event };
    struct wanted          wanted = { x, c->id };
    switch (c->type) {
    case CHANGE_EVENT:
        return query_events(x->store, &event, &page, on_event, x, e);
    case CHANGE_DELIVERY:
        return query_deliveries(x->store, &delivery, &page, on_delivery, &wanted, e);
    case CHANGE_DEVICE:
        return query_devices(x->store, c->id, &page, on_device, x, e);
    }
    return 0;
}

static bool is_asked_for(const struct event_filter *f, const struct change *c)
{
    if (f->device && (!c->device || strcmp(f->device, c->device) != 0))
        return false;
    if (c->type == CHANGE_DEVICE)
        return true;
    return (!f->kind || kind_matches(f->kind, c->kind)) && (f->severity < 0 || f->severity == c->severity)
           && (f->zone == ZONE_NONE || f->zone == c->zone)
           && (!f->zone_name || (c->zone_name && strcasecmp(f->zone_name, c->zone_name) == 0));
}

/* Takes back what was put since. */
static void cut_back(struct buf *b, size_t length)
{
    if (b->data && length < b->len) {
        b->len = length;
        b->data[length] = '\0';
    }
}

static int put_change(struct reader *x, const struct change *c, struct err *e)
{
    static const char *const names[] = { [CHANGE_EVENT] = "event", [CHANGE_DELIVERY] = "delivery", [CHANGE_DEVICE] = "device" };
    size_t                   start = x->ready.len;
    buf_printf(&x->ready, "event: %s\nid: %" PRId64 "-%" PRId64 "\ndata: ", names[c->type], c->after.seq, c->after.changed);
    size_t data = x->ready.len;
    if (write_thing(x, c, e) < 0)
        return -1;
    if (x->ready.len == data) /* it is gone */
        cut_back(&x->ready, start);
    else
        buf_puts(&x->ready, "\n\n");
    return x->ready.failed ? err_set(e, ERR_NOMEM, "a page of the stream did not fit into memory") : 0;
}

static bool on_change(void *user, const struct change *c)
{
    struct reader *x = user;
    struct err     e;
    if (x->ready.len >= PAGE_FULL)
        return false;
    if (is_asked_for(&x->filter, c) && put_change(x, c, &e) < 0) {
        log_line(LOG_WARN, "api.stream", LOG_S("text", e.text));
        x->is_lost = true;
        return false;
    }
    return true;
}

/* --- pages ----------------------------------------------------------------------------------------------------- */

static int read_page(struct reader *x, struct err *e)
{
    uint64_t commits = store_commits(x->api->store); /* before: what is written meanwhile is read next time */
    if (!x->is_behind && commits == x->commits)
        return 0;
    if (api_reader(x->api, &x->store, e) < 0)
        return -1;
    int taken = changes_read(x->store, &x->at, PAGE_CHANGES, on_change, x, e);
    api_reader_back(x->api, &x->store);
    if (taken < 0 || x->is_lost)
        return -1;
    x->is_behind = taken == PAGE_CHANGES || x->ready.len >= PAGE_FULL;
    x->commits = commits;
    return 0;
}

static void put_health(struct reader *x)
{
    struct buf *out = &x->ready;
    size_t      start = out->len;
    buf_puts(out, "event: health\ndata: ");
    if (hub_health(x->api->hub, &x->health, out))
        buf_puts(out, "\n\n");
    else
        cut_back(out, start);
}

/* The position goes with it: what the filter left out need not be read again after a break. */
static void put_heartbeat(struct reader *x)
{
    buf_printf(&x->ready, ":\nid: %" PRId64 "-%" PRId64 "\n\n", x->at.seq, x->at.changed);
}

static ssize_t take(struct reader *x, void *out, size_t n)
{
    size_t left = x->ready.len - x->taken;
    n = n < left ? n : left;
    memcpy(out, x->ready.data + x->taken, n);
    x->taken += n;
    return (ssize_t)n;
}

static ssize_t on_read(void *user, void *out, size_t n)
{
    struct reader *x = user;
    struct err     e;
    if (x->taken < x->ready.len)
        return take(x, out, n);
    buf_clear(&x->ready);
    x->taken = 0;
    put_health(x);
    if (read_page(x, &e) < 0)
        return STREAM_BROKEN;
    int64_t now = clock_mono_ms();
    if (x->ready.len == 0 && now - x->sent_ms >= SILENCE_MS)
        put_heartbeat(x);
    if (x->ready.len == 0) {
        buf_shrink(&x->ready); /* 200 that sleep hold no pages */
        return x->is_behind ? STREAM_AGAIN : STREAM_WAIT;
    }
    x->sent_ms = now;
    return take(x, out, n);
}

/* --- life ------------------------------------------------------------------------------------------------------- */

static void reader_free(struct reader **xp)
{
    struct reader *x = TAKE(*xp);
    if (!x)
        return;
    hub_leave(x->api->hub);
    buf_done(&x->ready);
    free(x);
}

static void on_close(void *user)
{
    struct reader *x = user;
    reader_free(&x);
}

/* "12-7". */
static int read_position(const char *text, struct position *out, struct err *e)
{
    char *end = NULL;
    errno = 0;
    out->seq = strtoll(text, &end, 10);
    bool is_right = *text >= '0' && *text <= '9' && *end == '-' && end[1] >= '0' && end[1] <= '9';
    if (is_right) {
        out->changed = strtoll(end + 1, &end, 10);
        is_right = *end == '\0' && errno == 0;
    }
    return is_right ? 0 : err_set(e, ERR_INPUT, "Last-Event-ID: \"%.40s\" is no id of this stream", text);
}

/* Where it goes on; at the end without such a wish, or if the position is of a database that has been put back since. */
static int find_position(struct reader *x, const struct request *r, struct err *e)
{
    const char     *header = http_header(r, "Last-Event-ID"), *text = header ? header : http_query(r, "cursor");
    struct position wish, now;
    if (text && read_position(text, &wish, e) < 0)
        return -1;
    struct store_reader *reader = NULL;
    if (api_reader(x->api, &reader, e) < 0)
        return -1;
    int failed = changes_now(reader, &now, e);
    api_reader_back(x->api, &reader);
    x->at = text && wish.seq <= now.seq && wish.changed <= now.changed ? wish : now;
    x->is_behind = true;
    return failed;
}

static struct reader *reader_new(struct api *a, const struct request *r, struct err *e)
{
    if (!hub_enter(a->hub)) {
        (void)err_set(e, ERR_BUSY, "as many streams are open as Api:MaxStreams allows");
        return NULL;
    }
    CLEANUP(reader_free) struct reader *x = calloc(1, sizeof *x);
    if (!x) {
        hub_leave(a->hub);
        (void)err_set(e, ERR_NOMEM, "out of memory");
        return NULL;
    }
    x->api = a;
    x->sent_ms = clock_mono_ms();
    buf_init(&x->ready, PAGE_MAX);
    if (events_filter(a, r, &x->filter, e) < 0 || find_position(x, r, e) < 0)
        return NULL;
    buf_puts(&x->ready, "retry: 2000\n");
    put_heartbeat(x);
    return TAKE(x);
}

void stream_get(struct api *a, const struct request *r, struct response *p)
{
    struct err     e;
    struct reader *x = reader_new(a, r, &e);
    if (!x) {
        problem_of(p, &e);
        return;
    }
    p->stream = (struct stream){
        .read = on_read, .close = on_close, .user = x, .length = -1, .block = BLOCK, .block_seconds = BLOCK_SECONDS,
    };
    p->type = "text/event-stream";
    response_header(p, "Cache-Control", "no-store");
    response_header(p, "X-Accel-Buffering", "no"); /* nginx: pass it on as it comes */
}

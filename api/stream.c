/* stream: GET /api/v1/stream: what happens, as it happens (server-sent events): event, delivery, device, health. A reader is a position
 * in the store (store/changes.h) and a sheet of what comes next, which all readers there share (sheet.h); it goes on when its client has
 * taken that, so a slow one costs no memory, and one that comes back with its last id goes on where it was. Between two sheets it sleeps
 * (STREAM_WAIT) until api/hub.c wakes it. */
#include "api/context.h"
#include "api/filter.h"
#include "api/hub.h"
#include "api/sheet.h"
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
    SHEET_CHANGES = 50,
    SHEET_FULL = 32 * 1024,
    OWN_MAX = 128 * 1024,
    BLOCK = 4 * 1024,
    BLOCK_SECONDS = 20, /* for a client that takes no block */
    SILENCE_MS = 10000, /* then a heartbeat: with the hub's beat of 5 s one comes every 15 s at the latest */
};

struct reader {
    struct api         *api;
    struct event_filter filter; /* its strings are the request's */
    char               *wish;   /* the same as a text: sheet.h   */
    struct position     at;
    uint64_t            commits;   /* what there was when it was last read to the end; … */
    bool                is_behind; /* … there is more */
    uint64_t            health;
    int64_t             sent_ms;
    struct buf          own;   /* health and heartbeats: first … */
    struct sheet       *sheet; /* … then this; NULL: none        */
    size_t              taken; /* of both                        */
};

/* A sheet while it is made. */
struct making {
    struct api                *api;
    const struct event_filter *filter;
    struct buf                *out;
    struct store_reader       *store;
    bool                       is_lost; /* a row could not be read */
};

/* --- frames ---------------------------------------------------------------------------------------------------- */

static bool on_event(void *user, const struct event_row *row)
{
    struct making      *x = user;
    struct json_out     w = json_begin(x->out);
    struct event_origin origin = { .site = x->api->o.site, .arrival = row->arrival, .parser = row->parser, .received_ms = row->received_ms,
                                   .marks = &row->marks };
    event_write(&w, NULL, &row->event, &origin);
    return true;
}

struct wanted {
    struct buf *out;
    const char *id;
};

static bool on_delivery(void *user, const struct delivery_row *row)
{
    struct wanted  *x = user;
    struct json_out w = json_begin(x->out);
    if (strcmp(row->id, x->id) == 0)
        delivery_write(&w, NULL, row);
    return true;
}

static bool on_device(void *user, const struct device_row *row)
{
    struct making  *x = user;
    struct json_out w = json_begin(x->out);
    device_write(&w, NULL, row);
    return true;
}

/* The thing as it is now; nothing is written if it is no longer there. */
static int write_thing(struct making *x, const struct change *c, struct err *e)
{
    struct page            page = { .limit = c->type == CHANGE_DELIVERY ? QUERY_PAGE_MAX : 1 };
    struct event_filter    event = { .zone = ZONE_NONE, .severity = -1, .id = c->id };
    struct delivery_filter delivery = { .state = -1, .event = c->event };
    struct wanted          wanted = { x->out, c->id };
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

static int put_change(struct making *x, const struct change *c, struct err *e)
{
    static const char *const names[] = { [CHANGE_EVENT] = "event", [CHANGE_DELIVERY] = "delivery", [CHANGE_DEVICE] = "device" };
    size_t                   start = x->out->len;
    buf_printf(x->out, "event: %s\nid: %" PRId64 "-%" PRId64 "\ndata: ", names[c->type], c->after.seq, c->after.changed);
    size_t data = x->out->len;
    if (write_thing(x, c, e) < 0)
        return -1;
    if (x->out->len == data) /* it is gone */
        cut_back(x->out, start);
    else
        buf_puts(x->out, "\n\n");
    return x->out->failed ? err_set(e, ERR_NOMEM, "a sheet of the stream did not fit into memory") : 0;
}

static bool on_change(void *user, const struct change *c)
{
    struct making *x = user;
    struct err     e;
    if (x->out->len >= SHEET_FULL)
        return false;
    if (is_asked_for(x->filter, c) && put_change(x, c, &e) < 0) {
        log_line(LOG_WARN, "api.stream", LOG_S("text", e.text));
        x->is_lost = true;
        return false;
    }
    return true;
}

/* --- sheets ---------------------------------------------------------------------------------------------------- */

static int fill(struct api *a, const struct event_filter *f, struct sheet *s, struct err *e)
{
    struct making x = { .api = a, .filter = f, .out = &s->bytes };
    if (api_reader(a, &x.store, e) < 0)
        return -1;
    int taken = changes_read(x.store, &s->to, SHEET_CHANGES, on_change, &x, e);
    api_reader_back(a, &x.store);
    s->is_behind = taken == SHEET_CHANGES || s->bytes.len >= SHEET_FULL;
    return taken < 0 || x.is_lost ? -1 : 0;
}

/* commits: taken before, so that what is written meanwhile is read next time. */
static struct sheet *make_sheet(const struct reader *x, uint64_t commits, struct err *e)
{
    CLEANUP(sheet_let_go) struct sheet *s = sheet_new(x->wish, x->at, commits);
    if (!s) {
        (void)err_set(e, ERR_NOMEM, "out of memory");
        return NULL;
    }
    if (fill(x->api, &x->filter, s, e) < 0)
        return NULL;
    sheets_offer(x->api->sheets, s);
    return TAKE(s);
}

static int take_sheet(struct reader *x, struct err *e)
{
    uint64_t commits = store_commits(x->api->store);
    if (!x->is_behind && commits == x->commits)
        return 0;
    x->sheet = sheets_find(x->api->sheets, x->wish, x->at, commits);
    if (!x->sheet && !(x->sheet = make_sheet(x, commits, e)))
        return -1;
    x->at = x->sheet->to;
    x->commits = x->sheet->commits;
    x->is_behind = x->sheet->is_behind || x->commits < commits; /* another's, made a little earlier */
    return 0;
}

static void put_health(struct reader *x)
{
    struct buf *out = &x->own;
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
    buf_printf(&x->own, ":\nid: %" PRId64 "-%" PRId64 "\n\n", x->at.seq, x->at.changed);
}

static size_t left_in(const struct reader *x)
{
    return x->own.len + (x->sheet ? x->sheet->bytes.len : 0) - x->taken;
}

static size_t take_part(const struct buf *from, size_t at, char *out, size_t n)
{
    size_t left = at < from->len ? from->len - at : 0;
    n = n < left ? n : left;
    if (n > 0)
        memcpy(out, from->data + at, n);
    return n;
}

static ssize_t take(struct reader *x, char *out, size_t n)
{
    size_t got = take_part(&x->own, x->taken, out, n);
    if (got < n && x->sheet)
        got += take_part(&x->sheet->bytes, x->taken + got - x->own.len, out + got, n - got);
    x->taken += got;
    return (ssize_t)got;
}

/* 200 that sleep hold nothing. */
static void drop_taken(struct reader *x)
{
    buf_shrink(&x->own);
    sheet_let_go(&x->sheet);
    x->taken = 0;
}

static ssize_t on_read(void *user, void *out, size_t n)
{
    struct reader *x = user;
    struct err     e;
    if (left_in(x) > 0)
        return take(x, out, n);
    drop_taken(x);
    put_health(x);
    if (take_sheet(x, &e) < 0)
        return STREAM_BROKEN;
    int64_t now = clock_mono_ms();
    if (left_in(x) == 0 && now - x->sent_ms >= SILENCE_MS)
        put_heartbeat(x);
    if (left_in(x) == 0) {
        drop_taken(x);
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
    if (hub_leave(x->api->hub))
        sheets_clear(x->api->sheets);
    drop_taken(x);
    free(x->wish);
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

/* All but where it begins. */
static char *wish_of(const struct request *r)
{
    struct buf text;
    buf_init(&text, 2 * HTTP_URI_MAX);
    for (size_t i = 0; i < r->query_count; i++)
        if (strcmp(r->query[i].name, "cursor") != 0)
            buf_printf(&text, "%s=%s\n", r->query[i].name, r->query[i].value);
    buf_puts(&text, "\n");
    char *whole = text.failed ? NULL : buf_take(&text);
    buf_done(&text);
    return whole;
}

static struct reader *reader_new(struct api *a, const struct request *r, struct err *e)
{
    if (!hub_enter(a->hub)) {
        (void)err_set(e, ERR_BUSY, "as many streams are open as Api:MaxStreams allows");
        return NULL;
    }
    CLEANUP(reader_free) struct reader *x = calloc(1, sizeof *x);
    if (!x) {
        (void)hub_leave(a->hub);
        (void)err_set(e, ERR_NOMEM, "out of memory");
        return NULL;
    }
    x->api = a;
    x->sent_ms = clock_mono_ms();
    buf_init(&x->own, OWN_MAX);
    if (!(x->wish = wish_of(r))) {
        (void)err_set(e, ERR_NOMEM, "out of memory");
        return NULL;
    }
    if (events_filter(a, r, &x->filter, e) < 0 || find_position(x, r, e) < 0)
        return NULL;
    buf_puts(&x->own, "retry: 2000\n");
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

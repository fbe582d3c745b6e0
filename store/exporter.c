/* exporter: a turn reads what is new (store/changes.h), gives the pictures their names in one transaction, writes their files, and says in a
 * second one that they are there and how far it came. Cut off in between, the same names are written again. Files that must go
 * go first, their rows after them. */
#include "store/exporter.h"
#include "core/clock.h"
#include "core/fault.h"
#include "core/file.h"
#include "store/apart.h"
#include "store/changes.h"
#include "store/db.h"
#include "store/doubt.h"
#include "store/event_media.h"
#include "store/export_files.h"
#include "store/inside.h"
#include "store/notes.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    EVENTS_AT_ONCE = 16, CHANGES_AT_ONCE = 128, GONE_AT_ONCE = 64,
    MEDIA_MAX = 4096,       /* of one batch */
    JSON_MAX = 1 << 20,
    SAVE_EVERY = 1000,      /* changes without a picture: so many are looked at again after a restart */
    IDLE_MS = 500, BACK_OFF_MS = 1000, BACK_OFF_MAX_MS = 30 * 1000,
    SILENT_MS = 30 * 1000,  /* away for so long: the folder hangs */
    BOUNDS_EVERY_MS = 60 * 1000,
};
static const int64_t day_ms = 86400000;

/* A medium on its way into the folder. */
struct piece {
    struct exported x;
    char            beginning[EXPORTED_STEM], event[ID_TEXT];
    enum { PIECE_NEW, PIECE_NAMED, PIECE_WRITTEN, PIECE_GONE } state;
};

struct exporter {
    struct store           *store;
    struct exporter_options options;
    char                   *folder, *site;
    struct apart           *apart;

    /* the thread's own */
    struct store_reader *reader;
    struct position      at, saved;
    int64_t              from;     /* pictures of events up to this one are none of ours: of before, or taken away again */
    int64_t              bytes;    /* of all that lie there      */
    int64_t              most;     /* bytes that may             */
    int64_t              bounds_at_ms;
    uint64_t             commits;  /* when there was nothing new */
    struct doubt         doubt;
    bool                 is_ready, is_left_behind;
    char                 events[EVENTS_AT_ONCE][ID_TEXT];
    size_t               event_count;
    struct piece        *pieces;
    size_t               count, room;
    struct buf           json;

    pthread_mutex_t       lock; /* guards the rest */
    struct exporter_state state;
    int64_t               failing_since; /* monotonic; 0: it does not */
};

/* --- where it stood --------------------------------------------------------------------------------------------------- */

static const char note_folder[] = "export.folder", note_seq[] = "export.seq", note_changed[] = "export.changed", note_from[] = "export.from";

static int put_number(struct store_tx *tx, const char *name, int64_t value, struct err *e)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    return tx_note(tx, name, text, e);
}

static int get_number(struct store_reader *r, const char *name, int64_t *out, struct err *e)
{
    char text[24];
    int  found = note_read(r, name, text, sizeof text, e);
    if (found > 0)
        *out = strtoll(text, NULL, 10);
    return found < 0 ? -1 : 0;
}

static int tx_position(struct store_tx *tx, const struct position *at, struct err *e)
{
    return put_number(tx, note_seq, at->seq, e) < 0 ? -1 : put_number(tx, note_changed, at->changed, e);
}

struct beginning {
    struct store_op  op;
    const char      *folder; /* NULL: it is the same */
    struct position  at;
};

static int apply_beginning(struct store_tx *tx, struct store_op *op, struct err *e)
{
    const struct beginning *b = (const struct beginning *)op;
    if (!b->folder)
        return tx_exported_doom_lost(tx, e);
    return tx_exported_forget_all(tx, e) < 0 || tx_note(tx, note_folder, b->folder, e) < 0 || tx_position(tx, &b->at, e) < 0
                   ? -1
                   : put_number(tx, note_from, b->at.seq, e);
}

/* A folder that is new begins with what came since exporter_start. */
static int begin(struct exporter *x, struct err *e)
{
    char folder[4096];
    int  found = note_read(x->reader, note_folder, folder, sizeof folder, e);
    if (found < 0)
        return -1;
    bool             is_same = found && strcmp(folder, x->folder) == 0;
    struct beginning b = { .op = { .rank = STORE_LATER, .apply = apply_beginning }, .folder = is_same ? NULL : x->folder, .at = x->at };
    if (store_do(x->store, &b.op, e) < 0)
        return -1;
    return get_number(x->reader, note_seq, &x->at.seq, e) < 0 || get_number(x->reader, note_changed, &x->at.changed, e) < 0 ||
                   get_number(x->reader, note_from, &x->from, e) < 0 || exported_bytes(x->reader, &x->bytes, e) < 0
               ? -1
               : 0;
}

static int get_ready(struct exporter *x, struct err *e)
{
    int64_t newest_ms;
    if (x->is_ready)
        return 0;
    if (begin(x, e) < 0 || db_number(reader_db(x->reader), "SELECT max(received_ms) FROM arrivals WHERE seq > (SELECT max(seq) FROM arrivals) - 100", 0,
                                     &newest_ms, e) < 0)
        return -1;
    doubt_init(&x->doubt, clock_wall_ms(), clock_mono_ms(), newest_ms);
    x->saved = x->at;
    x->is_ready = true;
    return 0;
}

/* --- the folder ----------------------------------------------------------------------------------------------------------- */

/* Home again after what may have hung; result is passed on. */
static int home(struct exporter *x, int result, struct err *e)
{
    x->is_left_behind = !apart_home(x->apart);
    return x->is_left_behind ? err_set(e, ERR_STATE, "stopping") : result;
}

static int open_folder(struct exporter *x, int *fd, struct err *e)
{
    struct export_room room = { 0 };
    int                data = dup(x->store->folder_fd); /* the store's own is gone if we are left behind */
    apart_away(x->apart);
    int failed = data < 0 ? err_set(e, ERR_IO, "dup: %m") : export_open(x->folder, data, fd, e);
    if (!failed)
        failed = export_room(*fd, &room, e);
    file_close(&data);
    x->most = x->options.bytes > 0 ? x->options.bytes : room.all / 4;
    return home(x, failed, e);
}

/* The same floor as for the data folder, which is often on the same file system. */
static int check_room(struct exporter *x, int fd, struct err *e)
{
    struct export_room room = { 0 };
    apart_away(x->apart);
    if (home(x, export_room(fd, &room, e), e) < 0)
        return -1;
    int64_t part = room.all / 100 * x->store->options.floor_percent, least = x->store->options.floor_bytes;
    least = part > least ? part : least;
    return room.free >= least ? 0
                              : err_set(e, ERR_FULL, "Store:ExportFolder %s: %lld MiB are free, Store:Floor leaves %lld MiB free", x->folder,
                                        (long long)(room.free >> 20), (long long)(least >> 20));
}

/* --- taking away ------------------------------------------------------------------------------------------------------------ */

struct removing {
    struct store_op op;
    struct exported list[GONE_AT_ONCE];
    int             count;
    int64_t         from; /* 0: as it is */
};

static int apply_removed(struct store_tx *tx, struct store_op *op, struct err *e)
{
    const struct removing *r = (const struct removing *)op;
    for (int i = 0; i < r->count; i++)
        if (tx_exported_gone(tx, &r->list[i], e) < 0)
            return -1;
    return r->from ? put_number(tx, note_from, r->from, e) : 0;
}

static int remove_all(struct exporter *x, struct removing *r, int fd, struct err *e)
{
    int failed = 0;
    apart_away(x->apart);
    for (int i = 0; i < r->count && !failed; i++)
        failed = export_remove(fd, &r->list[i], e);
    if (home(x, failed, e) < 0)
        return -1;
    FAULT("export.removed");
    if (store_do(x->store, &r->op, e) < 0)
        return -1;
    for (int i = 0; i < r->count; i++)
        x->bytes -= r->list[i].bytes;
    return r->count;
}

/* What was exported of erased events. */
static int remove_doomed(struct exporter *x, int fd, struct err *e)
{
    struct removing r = { .op = { .rank = STORE_LATER, .apply = apply_removed } };
    r.count = exported_list(x->reader, true, r.list, GONE_AT_ONCE, e);
    return r.count <= 0 ? r.count : remove_all(x, &r, fd, e);
}

/* How many of the oldest must go. */
static int count_excess(struct exporter *x, const struct removing *r, bool by_age)
{
    int64_t left = x->bytes, before_ms = by_age && x->options.days > 0 ? clock_wall_ms() - x->options.days * day_ms : INT64_MIN;
    int     n = 0;
    while (n < r->count && (left > x->most || r->list[n].received_ms < before_ms))
        left -= r->list[n++].bytes;
    return n;
}

static int remove_oldest(struct exporter *x, int fd, struct err *e)
{
    int64_t now_ms = clock_mono_ms();
    if (x->bytes <= x->most && now_ms < x->bounds_at_ms)
        return 0;
    bool            by_age = doubt_ask(&x->doubt, clock_wall_ms(), now_ms);
    struct removing r = { .op = { .rank = STORE_LATER, .apply = apply_removed } };
    r.count = exported_list(x->reader, false, r.list, GONE_AT_ONCE, e);
    if (r.count < 0)
        return -1;
    r.count = count_excess(x, &r, by_age);
    x->bounds_at_ms = r.count == 0 ? now_ms + BOUNDS_EVERY_MS : x->bounds_at_ms;
    if (r.count == 0)
        return 0;
    int64_t last = r.list[r.count - 1].event;
    r.from = last > x->from ? last : x->from;
    x->from = r.from;
    return remove_all(x, &r, fd, e);
}

/* --- what is new --------------------------------------------------------------------------------------------------------------- */

static bool on_change(void *user, const struct change *c)
{
    struct exporter *x = user;
    if (c->type != CHANGE_EVENT)
        return true;
    if (x->event_count == EVENTS_AT_ONCE)
        return false;
    (void)snprintf(x->events[x->event_count++], ID_TEXT, "%s", c->id);
    return true;
}

static struct piece *add_piece(struct exporter *x)
{
    if (x->count == x->room) {
        size_t        room = x->room ? x->room * 2 : 64;
        struct piece *more = room <= MEDIA_MAX ? realloc(x->pieces, room * sizeof *more) : NULL;
        if (!more)
            return NULL;
        x->pieces = more;
        x->room = room;
    }
    return &x->pieces[x->count++];
}

static bool on_event(void *user, const struct event_row *row)
{
    struct exporter *x = user;
    if (row->seq <= x->from || (x->options.days > 0 && row->received_ms < clock_wall_ms() - x->options.days * day_ms))
        return true;
    for (size_t i = 0; i < row->event.media_count; i++) {
        const struct media *m = &row->event.media[i];
        const char         *extension = export_extension(m->type);
        struct piece       *p = extension && !m->is_forgotten ? add_piece(x) : NULL;
        if (!p)
            continue;
        *p = (struct piece){ .x = { .event = row->seq, .n = m->n, .received_ms = row->received_ms } };
        memcpy(p->event, row->event.id, ID_TEXT);
        (void)snprintf(p->x.extension, sizeof p->x.extension, "%s", extension);
        export_beginning(p->beginning, row->event.device_id, row->received_ms);
    }
    return true;
}

/* The batch: pictures of the events behind *at, which moves on; how many changes were looked at, or -1. */
static int collect(struct exporter *x, struct position *at, struct err *e)
{
    x->count = x->event_count = 0;
    int n = changes_read(x->reader, at, CHANGES_AT_ONCE, on_change, x, e);
    for (size_t i = 0; n > 0 && i < x->event_count; i++) {
        struct event_filter f = { .zone = ZONE_NONE, .severity = -1, .id = x->events[i] };
        struct page         page = { .limit = 1 };
        if (query_events(x->reader, &f, &page, on_event, x, e) < 0)
            return -1;
    }
    return n;
}

/* --- naming, writing, saying so ---------------------------------------------------------------------------------------------------- */

struct batch {
    struct store_op  op;
    struct exporter *x;
    struct position  at;
};

static int apply_names(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct exporter *x = ((struct batch *)op)->x;
    for (size_t i = 0; i < x->count; i++) {
        struct piece *p = &x->pieces[i];
        int           is_new = tx_exported_name(tx, p->beginning, &p->x, e);
        if (is_new < 0)
            return -1;
        p->state = is_new ? PIECE_NAMED : PIECE_NEW;
    }
    return 0;
}

static int apply_written(struct store_tx *tx, struct store_op *op, struct err *e)
{
    const struct batch *b = (const struct batch *)op;
    for (size_t i = 0; i < b->x->count; i++) {
        const struct piece *p = &b->x->pieces[i];
        if ((p->state == PIECE_WRITTEN && tx_exported_written(tx, &p->x, e) < 0) || (p->state == PIECE_GONE && tx_exported_gone(tx, &p->x, e) < 0))
            return -1;
    }
    return tx_position(tx, &b->at, e);
}

struct describing {
    struct exporter    *x;
    const struct piece *piece;
    bool                is_found;
};

static void write_event(struct exporter *x, const struct event_row *row, struct buf *out)
{
    struct event_origin origin = { .site = x->site, .arrival = row->arrival, .parser = row->parser, .received_ms = row->received_ms,
                                   .marks = &row->marks };
    struct json_out     w = json_begin(out);
    event_write(&w, NULL, &row->event, &origin);
}

/* {"file","medium", and the event's own members}. */
static bool on_description(void *user, const struct event_row *row)
{
    struct describing *d = user;
    struct buf        *out = &d->x->json;
    char               file[EXPORTED_STEM + EXPORTED_EXTENSION];
    CLEANUP(buf_done) struct buf event;
    buf_init(&event, JSON_MAX);
    write_event(d->x, row, &event);
    (void)snprintf(file, sizeof file, "%s.%s", strrchr(d->piece->x.stem, '/') + 1, d->piece->x.extension);
    buf_puts(out, "{\"file\":");
    json_put_string(out, file, strlen(file));
    buf_printf(out, ",\"medium\":%d,", d->piece->x.n);
    buf_puts(out, buf_str(&event) + (event.len > 0)); /* without its opening brace */
    buf_putc(out, '\n');
    d->is_found = !event.failed && !out->failed;
    return true;
}

/* 1, 0: the event is gone, -1. */
static int describe(struct exporter *x, const struct piece *p, struct err *e)
{
    struct event_filter f = { .zone = ZONE_NONE, .severity = -1, .id = p->event };
    struct page         page = { .limit = 1 };
    struct describing   d = { x, p, false };
    buf_clear(&x->json);
    return query_events(x->reader, &f, &page, on_description, &d, e) < 0 ? -1 : d.is_found;
}

static int write_piece(struct exporter *x, struct piece *p, int fd, struct err *e)
{
    int                  found = describe(x, p, e);
    struct media_stream *picture = found > 0 ? event_media_open(x->reader, p->event, p->x.n, NULL) : NULL;
    p->state = PIECE_GONE;
    if (!picture)
        return found < 0 ? -1 : 0;
    apart_away(x->apart);
    int is_written = export_write(fd, &p->x, buf_str(&x->json), x->json.len, picture, e);
    media_close(&picture);
    if (home(x, is_written, e) < 0)
        return -1;
    p->state = is_written > 0 ? PIECE_WRITTEN : PIECE_GONE;
    return 0;
}

static int write_all_pieces(struct exporter *x, int fd, struct err *e)
{
    for (size_t i = 0; i < x->count; i++) {
        if (x->pieces[i].state != PIECE_NAMED)
            continue;
        if (check_room(x, fd, e) < 0 || write_piece(x, &x->pieces[i], fd, e) < 0)
            return -1;
    }
    return 0;
}

static void take_note(struct exporter *x)
{
    uint64_t written = 0;
    for (size_t i = 0; i < x->count; i++) {
        written += x->pieces[i].state == PIECE_WRITTEN;
        x->bytes += x->pieces[i].state == PIECE_WRITTEN ? x->pieces[i].x.bytes : 0;
    }
    (void)pthread_mutex_lock(&x->lock);
    x->state.pictures += written;
    (void)pthread_mutex_unlock(&x->lock);
}

/* How much was done; 0: there is nothing new; -1. */
static int export_new(struct exporter *x, int fd, struct err *e)
{
    struct batch b = { .op = { .rank = STORE_LATER, .apply = apply_names }, .x = x, .at = x->at };
    int          n = collect(x, &b.at, e);
    if (n <= 0)
        return n;
    if (x->count > 0 && store_do(x->store, &b.op, e) < 0)
        return -1;
    FAULT("export.named");
    if (write_all_pieces(x, fd, e) < 0)
        return -1;
    bool is_far = b.at.seq - x->saved.seq >= SAVE_EVERY || b.at.changed - x->saved.changed >= SAVE_EVERY;
    b.op = (struct store_op){ .rank = STORE_LATER, .apply = apply_written };
    if (x->count > 0 || is_far) {
        FAULT("export.written");
        if (store_do(x->store, &b.op, e) < 0)
            return -1;
        x->saved = b.at;
    }
    x->at = b.at;
    take_note(x);
    return n;
}

/* --- turns ------------------------------------------------------------------------------------------------------------------------------ */

static bool has_news(const struct exporter *x)
{
    return x->commits != store_commits(x->store) || clock_mono_ms() >= x->bounds_at_ms;
}

static int turn(struct exporter *x, struct err *e)
{
    CLEANUP(file_close) int fd = -1;
    uint64_t commits = store_commits(x->store);
    int      gone, old, new;
    if (!has_news(x))
        return 0;
    if (get_ready(x, e) < 0 || open_folder(x, &fd, e) < 0)
        return -1;
    if ((gone = remove_doomed(x, fd, e)) < 0 || (old = remove_oldest(x, fd, e)) < 0 || (new = export_new(x, fd, e)) < 0)
        return -1;
    if (gone + old + new == 0)
        x->commits = commits;
    return gone + old + new;
}

static void tell(struct exporter *x, const struct err *failed)
{
    (void)pthread_mutex_lock(&x->lock);
    if (!failed)
        x->failing_since = 0;
    else if (x->failing_since == 0)
        x->failing_since = clock_mono_ms();
    (void)snprintf(x->state.text, sizeof x->state.text, "%s", failed ? failed->text : "");
    (void)pthread_mutex_unlock(&x->lock);
}

static void run(struct apart *a, void *user)
{
    struct exporter *x = user;
    int64_t          back_off = BACK_OFF_MS;
    while (!apart_is_stopping(a)) {
        struct err e = { 0 };
        int        did = turn(x, &e);
        if (x->is_left_behind)
            return;
        tell(x, did < 0 ? &e : NULL);
        if (did >= EVENTS_AT_ONCE)
            continue; /* it catches up; else a rest, so that many mails are looked at together */
        if (!apart_rest(a, did < 0 ? back_off : IDLE_MS))
            return;
        back_off = did >= 0 ? BACK_OFF_MS : back_off * 2 < BACK_OFF_MAX_MS ? back_off * 2 : BACK_OFF_MAX_MS;
    }
}

/* --- from outside -------------------------------------------------------------------------------------------------------------------------- */

static void let_go(void *user)
{
    store_reader_close(&((struct exporter *)user)->reader);
}

static void free_all(void *user)
{
    struct exporter *x = user;
    store_reader_close(&x->reader);
    buf_done(&x->json);
    (void)pthread_mutex_destroy(&x->lock);
    free(x->pieces);
    free(x->folder);
    free(x->site);
    free(x);
}

int exporter_start(struct store *s, const struct exporter_options *o, struct exporter **out, struct err *e)
{
    struct exporter *x = calloc(1, sizeof *x);
    if (!x)
        return err_set(e, ERR_NOMEM, "out of memory");
    (void)pthread_mutex_init(&x->lock, NULL);
    buf_init(&x->json, 2 * JSON_MAX);
    x->store = s;
    x->options = *o;
    x->folder = strdup(o->folder);
    x->site = strdup(o->site);
    int failed = x->folder && x->site ? 0 : err_set(e, ERR_NOMEM, "out of memory");
    if (failed || store_reader_open(s, &x->reader, e) < 0 || changes_now(x->reader, &x->at, e) < 0) {
        free_all(x);
        return -1;
    }
    if (apart_start(&(struct apart_work){ .name = "exporter", .run = run, .let_go = let_go, .free = free_all, .user = x }, &x->apart, e) < 0)
        return -1;
    *out = x;
    return 0;
}

void exporter_stop(struct exporter **xp)
{
    struct exporter *x = TAKE(*xp);
    if (x)
        apart_stop(x->apart);
}

void exporter_state(struct exporter *x, struct exporter_state *out)
{
    int64_t away_ms = apart_away_ms(x->apart);
    (void)pthread_mutex_lock(&x->lock);
    *out = x->state;
    out->failing_ms = x->failing_since ? clock_mono_ms() - x->failing_since : 0;
    out->is_failing = x->failing_since != 0;
    (void)pthread_mutex_unlock(&x->lock);
    if (away_ms < SILENT_MS)
        return;
    out->is_failing = true;
    out->failing_ms = away_ms > out->failing_ms ? away_ms : out->failing_ms;
    (void)snprintf(out->text, sizeof out->text, "Store:ExportFolder %.200s has not answered for %lld s", x->folder, (long long)(away_ms / 1000));
}

/* archive_copy: what a turn of the archive's thread does: a batch of new events (by seq) with their pictures, some changes (by
 * events.changed), some erasures. Batches grow while the server answers soon and shrink when it does not, so that FerretDB, which
 * reads its whole collection for each update, is asked no more than it can answer before the deadline. */
#include "core/clock.h"
#include "store/archive_inside.h"
#include "store/db.h"
#include "store/digest.h"
#include "store/media.h"
#include "store/query.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_BATCH = 100, LEAST_BATCH = 10, FIRST_UPDATES = 4,
    FAST_MS = 400, SLOW_MS = 1500,
    TEXTS_MAX = 8 << 20,    /* of a batch; half of it is room for the last one */
    PICTURES_MAX = 8 << 20, /* bytes of a batch; then it is sent, be it small */
    REFUSALS_MAX = 5,       /* times that a server refuses the same events before it is believed that it never takes them */
};

int copying_init(struct copying *c, struct archive *a, struct store *s, const char *site, bool has_pictures, struct err *e)
{
    c->archive = a;
    c->store = s;
    c->site = site;
    c->has_pictures = has_pictures;
    c->batch = FIRST_BATCH;
    c->updates = FIRST_UPDATES;
    arena_init(&c->texts, TEXTS_MAX);
    c->events = calloc(MONGO_BATCH_MAX, sizeof *c->events);
    return c->events ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

void copying_done(struct copying *c)
{
    store_reader_close(&c->reader);
    mongo_close(&c->mongo);
    arena_done(&c->texts);
    free(c->events);
}

void copying_slower(struct copying *c)
{
    c->batch = c->batch / 4 > LEAST_BATCH ? c->batch / 4 : LEAST_BATCH;
    c->updates = c->updates > 4 ? c->updates / 4 : 1;
}

static size_t adapt(size_t now, int64_t ms, size_t least, size_t most)
{
    if (ms < FAST_MS)
        return now * 2 < most ? now * 2 : most;
    if (ms > SLOW_MS)
        return now / 2 > least ? now / 2 : least;
    return now;
}

/* --- reading our own ---------------------------------------------------------------------------------------------------- */

/* Adds it to the batch; false: there is no more room. */
static bool on_event(void *user, const struct event_row *row)
{
    struct copying     *c = user;
    struct mongo_event *ev = &c->events[c->count];
    if (c->count == MONGO_BATCH_MAX || c->texts.used > TEXTS_MAX / 2)
        return false;
    struct event_origin origin = { .site = c->site, .arrival = row->arrival, .parser = row->parser, .received_ms = row->received_ms,
                                   .marks = &row->marks };
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, TEXTS_MAX / 2);
    struct json_out w = json_begin(&text);
    event_write(&w, NULL, &row->event, &origin);
    memcpy(ev->id, row->event.id, ID_TEXT);
    ev->seq = row->seq;
    ev->changed = row->marks.changed;
    ev->received_ms = row->received_ms;
    ev->json_length = text.len;
    ev->json = text.failed ? NULL : arena_copy(&c->texts, buf_str(&text), text.len);
    ev->file_count = 0;
    for (size_t i = 0; i < row->event.media_count && i < MONGO_FILES_MAX; i++)
        ev->files[ev->file_count++] = (struct mongo_file_of){ .n = row->event.media[i].n };
    c->count += ev->json != NULL;
    return true;
}

/* The batch is the events after the position. */
static int list_new(struct copying *c, struct err *e)
{
    struct event_filter f = { .zone = ZONE_NONE, .severity = -1 };
    struct page         page = { .cursor = c->seq, .is_ascending = true };
    c->count = 0;
    arena_done(&c->texts);
    do {
        size_t left = c->batch - c->count;
        page.limit = left < QUERY_PAGE_MAX ? (int)left : QUERY_PAGE_MAX;
        if (query_events(c->reader, &f, &page, on_event, c, e) < 0)
            return -1;
        page.cursor = page.next;
    } while (page.next != 0 && c->count < c->batch && c->texts.used <= TEXTS_MAX / 2);
    return 0;
}

/* The event of this id, added to the batch, if it is still there. */
static int add_one(struct copying *c, const char *id, struct err *e)
{
    struct event_filter f = { .zone = ZONE_NONE, .severity = -1, .id = id };
    struct page         page = { .limit = 1 };
    return query_events(c->reader, &f, &page, on_event, c, e);
}

/* --- pictures ------------------------------------------------------------------------------------------------------------- */

/* The decoded bytes of a medium; NULL: they are no longer here. */
static struct media_stream *open_medium(struct copying *c, const char *event, int n, char type_out[80])
{
    CLEANUP(arena_done) struct arena strings;
    struct media         m;
    struct media_stream *s = NULL;
    struct err           ignored;
    char                 arrival[ID_TEXT];
    int64_t              seq;
    int                  fd;
    arena_init(&strings, 64 * 1024);
    if (query_media(c->reader, event, n, &m, arrival, &seq, &strings, &ignored) <= 0 || m.is_forgotten)
        return NULL;
    (void)snprintf(type_out, 80, "%s", m.type);
    if (store_open_raw(c->reader, seq, &fd, &ignored) < 0 || media_open(fd, m.offset, m.length, m.encoding, &s, &ignored) < 0)
        return NULL;
    return s;
}

/* Fills the piece as far as there is something: its length; -1: the arrival cannot be read. */
static ssize_t read_piece(struct media_stream *s, char *piece)
{
    size_t     n = 0;
    ssize_t    got = 1;
    struct err ignored;
    while (n < MONGO_CHUNK && (got = media_read(s, piece + n, MONGO_CHUNK - n, &ignored)) > 0)
        n += (size_t)got;
    return got < 0 ? -1 : (ssize_t)n;
}

/* Its name in the archive is its content's: 0, or -1: it cannot be read. */
static int name_medium(struct media_stream *s, char *piece, char hash[DIGEST_TEXT])
{
    struct digest *d = digest_new();
    ssize_t        n;
    while ((n = read_piece(s, piece)) > 0)
        digest_add(d, piece, (size_t)n);
    int failed = digest_end(d, hash);
    digest_free(&d);
    return n < 0 || failed ? -1 : 0;
}

static bool is_known(struct copying *c, const char *hash)
{
    for (size_t i = 0; i < KNOWN_FILES; i++)
        if (strcmp(c->known[i], hash) == 0)
            return true;
    return false;
}

static void remember(struct copying *c, const char *hash)
{
    (void)snprintf(c->known[c->next_known++ % KNOWN_FILES], sizeof c->known[0], "%s", hash);
    c->pictures++;
}

/* Sends the pieces, then says that there is a file. -1: the server failed. */
static int send_medium(struct copying *c, struct media_stream *s, char *piece, const char *hash, const char *type, int64_t *bytes, struct err *e)
{
    ssize_t n;
    int64_t sent = 0;
    for (int i = 0; (n = read_piece(s, piece)) > 0; i++, sent += n) {
        archive_away(c->archive);
        if (archive_home(c->archive, mongo_put_chunk(c->mongo, hash, i, piece, (size_t)n, e), e) < 0)
            return -1;
    }
    if (n < 0)
        return 0;
    archive_away(c->archive);
    if (archive_home(c->archive, mongo_put_file(c->mongo, hash, type, c->site, sent, clock_wall_ms(), e), e) < 0)
        return -1;
    *bytes += sent;
    remember(c, hash);
    return 0;
}

/* 1: hash names it, and it is there; 0: its bytes are no longer here; -1: the server failed. */
static int put_medium(struct copying *c, const char *event, int n, char hash[DIGEST_TEXT], int64_t *bytes, struct err *e)
{
    char                 type[80];
    struct media_stream *s = open_medium(c, event, n, type);
    char                *piece = s ? malloc(MONGO_CHUNK) : NULL;
    int                  result = piece && name_medium(s, piece, hash) == 0;
    media_close(&s);
    if (result && !is_known(c, hash) && (s = open_medium(c, event, n, type))) {
        result = send_medium(c, s, piece, hash, type, bytes, e) < 0 ? -1 : 1;
        media_close(&s);
    }
    free(piece);
    return result;
}

/* Puts the event's pictures there; those whose bytes are gone leave the list. */
static int put_media(struct copying *c, struct mongo_event *ev, int64_t *bytes, struct err *e)
{
    size_t kept = 0;
    for (size_t i = 0; c->has_pictures && i < ev->file_count; i++) {
        char hash[DIGEST_TEXT];
        int  there = put_medium(c, ev->id, ev->files[i].n, hash, bytes, e);
        if (there < 0)
            return -1;
        if (there == 0)
            continue;
        ev->files[kept] = ev->files[i];
        ev->files[kept].hash = arena_str(&c->texts, hash);
        kept += ev->files[kept].hash != NULL;
    }
    ev->file_count = kept;
    return 0;
}

/* --- batches ---------------------------------------------------------------------------------------------------------------- */

struct names {
    size_t count;
    struct {
        char    id[ID_TEXT];
        int64_t seq, changed;
    } items[MONGO_BATCH_MAX];
};

static int read_names(struct stmt *q, struct names *names, struct err *e)
{
    int found = 0;
    names->count = 0;
    while (names->count < MONGO_BATCH_MAX && (found = stmt_step(q, e)) > 0) {
        (void)snprintf(names->items[names->count].id, ID_TEXT, "%s", col_text(q, 0));
        names->items[names->count].seq = col_int(q, 1);
        names->items[names->count++].changed = col_int(q, 2);
    }
    return found < 0 ? -1 : 0;
}

/* Puts the batch's pictures there; a batch with many ends early. */
static int put_all_media(struct copying *c, struct err *e)
{
    int64_t bytes = 0;
    size_t  i = 0;
    for (; i < c->count && bytes < PICTURES_MAX; i++)
        if (put_media(c, &c->events[i], &bytes, e) < 0)
            return -1;
    c->count = i;
    return 0;
}

/* The batch is the events of these names. */
static int list_named(struct copying *c, const struct names *names, struct err *e)
{
    c->count = 0;
    arena_done(&c->texts);
    for (size_t i = 0; i < names->count; i++)
        if (add_one(c, names->items[i].id, e) < 0)
            return -1;
    return 0;
}

/* Events that this server never takes must not hold back all that follow: in their place comes a line that says so. */
static int put_stubs(struct copying *c, struct err *e)
{
    size_t        count;
    const size_t *refused = mongo_refused(c->mongo, &count);
    size_t        indexes[MONGO_BATCH_MAX];
    struct err    why = *e;
    memcpy(indexes, refused, count * sizeof *refused);
    for (size_t i = 0; i < count; i++) {
        if (indexes[i] >= c->count)
            continue;
        archive_away(c->archive);
        if (archive_home(c->archive, mongo_insert_stub(c->mongo, c->site, &c->events[indexes[i]], why.text, e), e) < 0)
            return -1;
    }
    return 0;
}

static int send_events(struct copying *c, struct err *e)
{
    if (c->count == 0)
        return 0;
    archive_away(c->archive);
    int result = archive_home(c->archive, mongo_insert(c->mongo, c->site, c->events, c->count, e), e);
    if (result == 0 || e->code != ERR_INPUT)
        return result;
    return ++c->refusals > REFUSALS_MAX ? put_stubs(c, e) : -1;
}

int copy_events(struct copying *c, struct err *e)
{
    int64_t began_ms = clock_mono_ms();
    if (list_new(c, e) < 0)
        return -1;
    if (c->count == 0)
        return 0;
    if (put_all_media(c, e) < 0 || send_events(c, e) < 0)
        return -1;
    c->batch = adapt(c->batch, clock_mono_ms() - began_ms, LEAST_BATCH, MONGO_BATCH_MAX);
    c->refusals = 0;
    c->seq = c->events[c->count - 1].seq;
    c->copied += c->count;
    archive_save(c->archive);
    return (int)c->count;
}

/* --- changes and erasures ------------------------------------------------------------------------------------------------------ */

/* The change up to which the batch went: those that followed in it may have been too many, or gone. */
static int64_t last_sent(const struct copying *c, const struct names *names)
{
    for (size_t i = 0; c->count > 0 && i < names->count; i++)
        if (strcmp(names->items[i].id, c->events[c->count - 1].id) == 0)
            return names->items[i].changed;
    return names->items[names->count - 1].changed;
}

/* What is not copied yet comes with its changes. */
int copy_changes(struct copying *c, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(
        reader_db(c->reader), "SELECT id, seq, changed FROM events WHERE changed > ? AND seq <= ? ORDER BY changed LIMIT ?", e);
    struct names names;
    if (!q)
        return -1;
    bind_int(q, 1, c->changed);
    bind_int(q, 2, c->seq);
    bind_int(q, 3, (int64_t)c->updates);
    if (read_names(q, &names, e) < 0)
        return -1;
    stmt_done(&q);
    if (names.count == 0)
        return 0;
    int64_t began_ms = clock_mono_ms();
    if (list_named(c, &names, e) < 0 || put_all_media(c, e) < 0)
        return -1;
    if (c->count > 0) {
        archive_away(c->archive);
        if (archive_home(c->archive, mongo_update(c->mongo, c->site, c->events, c->count, e), e) < 0)
            return -1;
    }
    c->updates = adapt(c->updates, clock_mono_ms() - began_ms, 1, MONGO_UPDATE_MAX);
    c->changed = last_sent(c, &names);
    archive_save(c->archive);
    return (int)names.count;
}

struct forgetting {
    struct store_op op;
    int64_t         seq;
};

static int apply_forgetting(struct store_tx *tx, struct store_op *op, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(tx_db(tx), "DELETE FROM erasures WHERE seq <= ?", e);
    if (!q)
        return -1;
    bind_int(q, 1, ((struct forgetting *)(void *)op)->seq);
    return stmt_run(q, e);
}

int copy_erasures(struct copying *c, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(reader_db(c->reader), "SELECT id, seq, 0 FROM erasures ORDER BY seq LIMIT ?", e);
    struct names names;
    char         ids[MONGO_UPDATE_MAX][ID_TEXT];
    if (!q)
        return -1;
    bind_int(q, 1, MONGO_UPDATE_MAX);
    if (read_names(q, &names, e) < 0)
        return -1;
    stmt_done(&q);
    if (names.count == 0)
        return 0;
    for (size_t i = 0; i < names.count; i++)
        memcpy(ids[i], names.items[i].id, ID_TEXT);
    archive_away(c->archive);
    if (archive_home(c->archive, mongo_erase(c->mongo, ids, names.count, e), e) < 0)
        return -1;
    memset(c->known, 0, sizeof c->known); /* a file may have gone, too */
    struct forgetting f = { .op = { .rank = STORE_EVENT, .apply = apply_forgetting }, .seq = names.items[names.count - 1].seq };
    return store_do(c->store, &f.op, e) < 0 ? -1 : (int)names.count;
}

int copy_lag(struct copying *c, int64_t *events_out, int64_t *oldest_ms_out, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(reader_db(c->reader),
        "SELECT coalesce((SELECT max(seq) FROM events), ?1) - ?1"
        " + (SELECT count(*) FROM (SELECT 1 FROM events WHERE changed > ?2 AND seq <= ?1 LIMIT 10000)),"
        " (SELECT received_ms FROM events WHERE seq > ?1 ORDER BY seq LIMIT 1)", e);
    if (!q)
        return -1;
    bind_int(q, 1, c->seq);
    bind_int(q, 2, c->changed);
    if (stmt_step(q, e) < 0)
        return -1;
    *events_out = col_int(q, 0) > 0 ? col_int(q, 0) : 0;
    *oldest_ms_out = col_int(q, 1);
    return 0;
}

/* archive_copy: what a turn of the archive's thread does: new events (by seq) with their pictures, some changes (by
 * events.changed), some erasures. Batches grow while the server answers soon and shrink when it does not, so that FerretDB, which
 * reads its whole collection for each update, is asked no more than it can answer before the deadline. */
#include "core/clock.h"
#include "store/archive_inside.h"
#include "store/db.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_BATCH = 100, LEAST_BATCH = 10, FIRST_UPDATES = 4,
    FAST_MS = 400, SLOW_MS = 1500,
    BITE_MS = 1000,         /* catching up; then it is the changes' turn */
    REFUSALS_MAX = 5,       /* times that a server refuses the same events before it is believed that it never takes them */
};

int copying_init(struct copying *c, struct archive *a, struct store *s, const struct mongo_options *to, const char *site, bool has_pictures,
                 struct err *e)
{
    c->archive = a;
    c->store = s;
    c->to = *to;
    c->site = site;
    c->has_pictures = has_pictures;
    c->limit = FIRST_BATCH;
    c->updates = FIRST_UPDATES;
    for (size_t i = 0; i < FLIGHTS; i++)
        if (batch_init(&c->flights[i].batch, e) < 0)
            return -1;
    return mongo_open(to, &c->mongo, e);
}

static void end_carriers(struct copying *c)
{
    for (size_t i = 0; i < FLIGHTS; i++)
        carrier_end(&c->flights[i].carrier);
}

void copying_done(struct copying *c)
{
    end_carriers(c);
    store_reader_close(&c->reader);
    mongo_close(&c->mongo);
    for (size_t i = 0; i < FLIGHTS; i++)
        batch_done(&c->flights[i].batch);
}

void copying_slower(struct copying *c)
{
    c->limit = c->limit / 4 > LEAST_BATCH ? c->limit / 4 : LEAST_BATCH;
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

/* --- new events ---------------------------------------------------------------------------------------------------------- */

/* Events that this server never takes must not hold back all that follow: in their place comes a line that says so. */
static int put_stubs(struct copying *c, struct mongo *m, const struct batch *b, struct err *e)
{
    size_t        count;
    const size_t *refused = mongo_refused(m, &count);
    size_t        indexes[MONGO_BATCH_MAX];
    struct err    why = *e;
    memcpy(indexes, refused, count * sizeof *refused);
    for (size_t i = 0; i < count; i++) {
        if (indexes[i] >= b->count)
            continue;
        archive_away(c->archive);
        if (archive_home(c->archive, mongo_insert_stub(m, c->site, &b->events[indexes[i]], why.text, e), e) < 0)
            return -1;
    }
    return 0;
}

/* What the server said to the batch that follows our position: if it has it, the position moves. */
static int settle(struct copying *c, struct mongo *m, const struct batch *b, int result, int64_t took_ms, struct err *e)
{
    if (result < 0 && e->code == ERR_INPUT && ++c->refusals > REFUSALS_MAX)
        result = put_stubs(c, m, b, e);
    if (result < 0)
        return -1;
    c->limit = adapt(c->limit, took_ms, LEAST_BATCH, MONGO_BATCH_MAX);
    c->refusals = 0;
    c->seq = b->events[b->count - 1].seq;
    c->copied += b->count;
    archive_save(c->archive);
    return 0;
}

/* What comes now and then goes by our own connection. */
static int carry(struct copying *c, struct batch *b, struct err *e)
{
    int64_t began_ms = clock_mono_ms();
    if (copy_pictures(c, b, e) < 0)
        return -1;
    archive_away(c->archive);
    int result = archive_home(c->archive, mongo_insert(c->mongo, c->site, b->events, b->count, e), e);
    return settle(c, c->mongo, b, result, clock_mono_ms() - began_ms, e) < 0 ? -1 : (int)b->count;
}

static int send_off(struct copying *c, struct flight *f, struct err *e)
{
    if (!f->carrier && carrier_start(&c->to, c->site, &f->carrier, e) < 0)
        return -1;
    if (copy_pictures(c, &f->batch, e) < 0)
        return -1;
    f->left_ms = clock_mono_ms();
    f->is_under_way = true;
    carrier_send(f->carrier, (struct mongo_batch){ .events = f->batch.events, .count = f->batch.count });
    return 0;
}

/* Waits for it, if it is under way. What left after one that failed counts for nothing: it is sent again. */
static int await(struct copying *c, struct flight *f, bool counts, struct err *e)
{
    if (!f->is_under_way)
        return 0;
    archive_away(c->archive);
    int result = archive_home(c->archive, carrier_wait(f->carrier, e), e);
    f->is_under_way = false;
    return counts ? settle(c, carrier_mongo(f->carrier), &f->batch, result, clock_mono_ms() - f->left_ms, e) : 0;
}

/* While batches are under way the next one is read. The first flight's has been read. All have come home when this ends. */
static int catch_up(struct copying *c, struct err *e)
{
    struct err     ignored;
    int64_t        began_ms = clock_mono_ms();
    uint64_t       before = c->copied;
    struct flight *f = &c->flights[0];
    int            failed = 0;
    size_t         i = 0;
    while (!failed && f->batch.count > 0 && clock_mono_ms() - began_ms < BITE_MS) {
        failed = send_off(c, f, e);
        int64_t sent = failed ? 0 : f->batch.events[f->batch.count - 1].seq;
        f = &c->flights[++i % FLIGHTS];
        if (!failed)
            failed = await(c, f, true, e) < 0 || batch_read_new(c, &f->batch, sent, e) < 0 ? -1 : 0;
    }
    for (size_t k = 0; k < FLIGHTS; k++, i++) {
        int lost = await(c, &c->flights[i % FLIGHTS], !failed, failed ? &ignored : e);
        failed = failed || lost ? -1 : 0;
    }
    return failed ? -1 : (int)(c->copied - before);
}

int copy_events(struct copying *c, struct err *e)
{
    struct batch *b = &c->flights[0].batch;
    if (batch_read_new(c, b, c->seq, e) < 0)
        return -1;
    if (b->count >= c->limit)
        return catch_up(c, e);
    end_carriers(c);
    return b->count == 0 ? 0 : carry(c, b, e);
}

/* --- changes and erasures ------------------------------------------------------------------------------------------------------ */

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

/* The batch is the events of these names. */
static int list_named(struct copying *c, const struct names *names, struct err *e)
{
    struct batch *b = &c->flights[0].batch;
    batch_clear(b);
    for (size_t i = 0; i < names->count; i++)
        if (batch_add_one(c, b, names->items[i].id, e) < 0)
            return -1;
    return 0;
}

/* The change up to which the batch went: those that followed in it may have been too many, or gone. */
static int64_t last_sent(const struct batch *b, const struct names *names)
{
    for (size_t i = 0; b->count > 0 && i < names->count; i++)
        if (strcmp(names->items[i].id, b->events[b->count - 1].id) == 0)
            return names->items[i].changed;
    return names->items[names->count - 1].changed;
}

/* What is not copied yet comes with its changes. */
int copy_changes(struct copying *c, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(reader_db(c->reader), e,
               "SELECT id, seq, changed FROM events WHERE changed > ? AND seq <= ? ORDER BY changed LIMIT ?",
               P(c->changed), P(c->seq), P((int64_t)c->updates));
    struct batch *b = &c->flights[0].batch;
    struct names  names;
    if (!q)
        return -1;
    if (read_names(q, &names, e) < 0)
        return -1;
    stmt_done(&q);
    if (names.count == 0)
        return 0;
    int64_t began_ms = clock_mono_ms();
    if (list_named(c, &names, e) < 0 || copy_pictures(c, b, e) < 0)
        return -1;
    if (b->count > 0) {
        archive_away(c->archive);
        if (archive_home(c->archive, mongo_update(c->mongo, c->site, b->events, b->count, e), e) < 0)
            return -1;
    }
    c->updates = adapt(c->updates, clock_mono_ms() - began_ms, 1, MONGO_UPDATE_MAX);
    c->changed = last_sent(b, &names);
    archive_save(c->archive);
    return (int)names.count;
}

struct forgetting {
    struct store_op op;
    int64_t         seq;
};

static int apply_forgetting(struct store_tx *tx, struct store_op *op, struct err *e)
{
    return db_run(tx_db(tx), e, "DELETE FROM erasures WHERE seq <= ?", P(((struct forgetting *)(void *)op)->seq));
}

int copy_erasures(struct copying *c, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(reader_db(c->reader), e, "SELECT id, seq, 0 FROM erasures ORDER BY seq LIMIT ?", P(MONGO_UPDATE_MAX));
    struct names names;
    char         ids[MONGO_UPDATE_MAX][ID_TEXT];
    if (!q)
        return -1;
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
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(reader_db(c->reader), e,
               "SELECT coalesce((SELECT max(seq) FROM events), ?1) - ?1"
               " + (SELECT count(*) FROM (SELECT 1 FROM events WHERE changed > ?2 AND seq <= ?1 LIMIT 10000)),"
               " (SELECT received_ms FROM events WHERE seq > ?1 ORDER BY seq LIMIT 1)",
               P(c->seq), P(c->changed));
    if (!q || stmt_step(q, e) < 0)
        return -1;
    *events_out = col_int(q, 0) > 0 ? col_int(q, 0) : 0;
    *oldest_ms_out = col_int(q, 1);
    return 0;
}

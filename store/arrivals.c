/* arrivals: keeping what came in. A small one is a row; of a large one the file is synced before it comes here, then its
 * folder (once per batch), then the row. */
#include "core/fault.h"
#include "core/sha256.h"
#include "store/inside.h"
#include <string.h>

enum { BODY_IN_ROW = 3072 }; /* bytes; with its envelope about a page */

/* Syncs the day's folder once per batch: every file of the batch was there when the batch was taken. A sync that failed is
 * not tried again for anybody of this batch, not even singly. */
static int sync_day(struct store_tx *tx, const char *day, struct err *e)
{
    for (unsigned i = 0; i < tx->day_count; i++) {
        if (strcmp(tx->days[i].day, day) != 0)
            continue;
        *e = tx->days[i].failed;
        return e->code == ERR_NONE ? 0 : -1;
    }
    char path[FILE_TEXT] = "arrivals/";
    memcpy(path + strlen(path), day, DAY_TEXT);
    int result = folder_sync(tx->store->folder_fd, path, e);
    note_write(tx->store, WRITES_FILES, result == 0);
    FAULT("store.folder_synced");
    if (tx->day_count < COUNT(tx->days)) { /* of more days than fit each file syncs for itself */
        memcpy(tx->days[tx->day_count].day, day, DAY_TEXT);
        tx->days[tx->day_count].failed = result < 0 ? *e : (struct err){ 0 };
        tx->day_count++;
    }
    return result;
}

/* Beyond a page the bytes have a row of their own: a row whose length changes (it is understood) is written anew as a whole. */
static bool is_apart(const struct arrival *a)
{
    return a->data && a->bytes > BODY_IN_ROW;
}

/* A hash that cannot be had keeps no mail away: its arrival is then one that verify cannot vouch for. */
static const unsigned char *hash_arrival(const struct arrival *a, unsigned char room[SHA256_BYTES])
{
    if (!a->data)
        return spool_hash(a->spool);
    return sha256(a->data, (size_t)a->bytes, room) < 0 ? NULL : room;
}

static int insert(struct store_tx *tx, struct arrival *a, struct err *e)
{
    unsigned char room[SHA256_BYTES];
    const unsigned char *hash = hash_arrival(a, room);
    return db_run(tx->db, e, "INSERT INTO arrivals(id, received_ms, bytes, envelope, file, raw, hash) VALUES(?, ?, ?, ?, ?, ?, ?)",
                  P(a->id), P(a->received_ms), P(a->bytes), P(a->envelope), P(a->data ? NULL : spool_file(a->spool)),
                  param_blob(a->data, is_apart(a) ? 0 : (size_t)a->bytes), param_blob(hash, SHA256_BYTES));
}

static int insert_body(struct store_tx *tx, const struct arrival *a, struct err *e)
{
    return db_run(tx->db, e, "INSERT INTO bodies(arrival, raw) VALUES(?, ?)", P(a->seq), param_blob(a->data, (size_t)a->bytes));
}

static bool is_small(const struct store *s, const struct arrival *a)
{
    return a->bytes <= s->options.inline_max;
}

/* Its file is on disk; or it is inline, which what is not small may only be while the disk has room. */
static int may_be_kept(struct store_tx *tx, const struct arrival *a, struct err *e)
{
    if (a->data && store_is_full(tx->store) && !is_small(tx->store, a))
        return err_set(e, ERR_FULL, "the disk is full: what is left is for small arrivals");
    if (a->data)
        return 0;
    if (!a->spool || !spool_is_synced(a->spool))
        return err_set(e, ERR_STATE, "arrival %s: its file is not synced", a->id);
    return sync_day(tx, spool_day(a->spool), e);
}

int tx_arrival(struct store_tx *tx, struct arrival *a, struct err *e)
{
    if (may_be_kept(tx, a, e) < 0 || insert(tx, a, e) < 0)
        return -1;
    a->seq = tx->last_arrival = db_last_seq(tx->db);
    if (is_apart(a) && insert_body(tx, a, e) < 0)
        return -1;
    tx->bytes += a->data ? a->bytes : 0;
    tx->files_bytes += a->data ? 0 : a->bytes;
    return 0;
}

static int apply_arrival(struct store_tx *tx, struct store_op *op, struct err *e)
{
    return tx_arrival(tx, (struct arrival *)op, e);
}

static void count_waiting(struct store *s, int64_t delta)
{
    (void)atomic_fetch_add_explicit(&s->waiting_bytes, delta, memory_order_relaxed);
}

static void arrival_done(struct store_op *op, const struct err *failed)
{
    struct arrival *a = (struct arrival *)op;
    if (op->rank == STORE_LARGE)
        count_waiting(a->store, -a->bytes);
    if (failed)
        spool_abandon(&a->spool);
    else
        spool_kept(&a->spool);
    a->kept(a, failed);
}

void store_accept(struct store *s, struct arrival *a)
{
    bool is_large = a->data && !is_small(s, a);
    a->op = (struct store_op){ .rank = is_large ? STORE_LARGE : STORE_ARRIVAL, .apply = apply_arrival, .done = arrival_done };
    a->store = s;
    a->seq = 0;
    if (is_large)
        count_waiting(s, a->bytes);
    store_submit(s, &a->op);
}

int tx_arrival_state(struct store_tx *tx, int64_t seq, enum arrival_state state, const char *parser, const char *subject,
                     struct err *e)
{
    /* What was once understood or given up does not wait again; a parser or subject already known is not forgotten. */
    if (db_run(tx->db, e,
               "UPDATE arrivals SET state = CASE WHEN state >= 2 AND ?2 < 2 THEN state ELSE ?2 END, parser = coalesce(?3, parser),"
               " subject = coalesce(?4, subject) WHERE seq = ?1",
               P(seq), P(state), P(parser), P(subject)) < 0)
        return -1;
    return db_changes(tx->db) == 1 ? 0 : err_set(e, ERR_NOT_FOUND, "there is no arrival %lld", (long long)seq);
}

int tx_arrival_failed(struct store_tx *tx, int64_t seq, struct err *e)
{
    return db_run(tx->db, e, "UPDATE arrivals SET tries = tries + 1 WHERE seq = ?", P(seq));
}

/* writer: the one thread that writes. It takes everything that waits, in the order of ranks, into one transaction and answers
 * all after its sync (group commit): 50 senders cost one sync, not 50.
 *
 * If the batch fails, each operation is tried once in a transaction of its own: one that cannot be written stops nobody else.
 * If the sync itself failed, all hear it: the same bytes are never synced again on the same descriptor, the connection is
 * opened anew. Callers hand operations over by pointer and forget them; the lock guards the queues and is never held
 * while the database is touched or a done() runs. */
#include "core/clock.h"
#include "core/fault.h"
#include "core/metrics.h"
#include "core/turn.h"
#include "core/wait.h"
#include "store/inside.h"
#include "store/schema.h"
#include <stdlib.h>
#include <string.h>

enum {
    BATCH_OPS = 512,
    CHANGES_OF_PAGE = 2,       /* rows, of all tables, for each page of the index that is merged; an event has two at least, mostly ten */
    TIDY_PAGES_MAX = 64,
    INDEXED_AT_ONCE = 100000,  /* events: more than a transaction has, unless one before failed to */
    LATER_US = 50000,
    LATER_IDLE_US = 1000000,   /* a commit of its own would cost a card one more sync for every mail */
    SLOW_SYNC_US = 1000,
    GATHER_SHARE = 10,         /* of the last sync, on slow disks: an arrival waits for others …              */
    GATHER_SHARE_EVENTS = 5,   /* … events for an arrival: nobody's device waits, and it saves a whole sync   */
    GATHER_MAX_US = 2000,      /* an alarm may be among those who wait */
    IDLE_US = 2000000,         /* then the cache is given back    */
    LOG_PAGES_MAX = 16384,     /* 64 MiB                          */
    LOG_PAGES_MAX_FULL = 1024, /* on a full disk                  */
    LOG_PAGES_BETWEEN_RESTARTS = 256,
};

struct queue {
    struct store_op *first, **end;
};

struct writer {
    struct store *store;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the following */
    pthread_cond_t filled;
    struct queue queues[STORE_RANKS];
    size_t urgent;     /* waiting of the first two ranks                         */
    size_t wake_at;    /* the thread sleeps until so many are urgent; 0: awake   */
    int64_t later_due; /* when the first of STORE_LATER or STORE_IDLE must go; 0: none waits */
    bool is_closing;

    /* the thread's own */
    struct store_tx tx;
    struct store_op *batch[BATCH_OPS];
    int64_t last_sync_us;
    int log_pages, restart_at;
    bool needs_reopen; /* something failed below SQLite: a new connection before the next write     */
    bool is_hopeless;  /* no transaction could be begun, or its sync failed: nothing to try singly */
    bool has_written, has_cache;
};

struct db *tx_db(struct store_tx *tx)
{
    return tx->db;
}

/* --- the queues ------------------------------------------------------------------------------------------------ */

static void push(struct queue *q, struct store_op *op)
{
    op->next = NULL;
    *q->end = op;
    q->end = &op->next;
}

static struct store_op *pop(struct queue *q)
{
    struct store_op *op = q->first;
    if (!op)
        return NULL;
    q->first = op->next;
    if (!q->first)
        q->end = &q->first;
    op->next = NULL;
    return op;
}

void writer_submit(struct writer *w, struct store_op *op)
{
    bool is_later = op->rank >= STORE_LATER;
    int64_t due = is_later ? clock_steady_us() + (op->rank == STORE_LATER ? LATER_US : LATER_IDLE_US) : 0;
    (void)pthread_mutex_lock(&w->lock);
    push(&w->queues[op->rank], op);
    bool sets_timer = is_later && (w->later_due == 0 || due < w->later_due);
    if (sets_timer)
        w->later_due = due;
    if (!is_later)
        w->urgent++;
    bool wakes = w->wake_at > 0 && (sets_timer || (!is_later && w->urgent >= w->wake_at));
    (void)pthread_mutex_unlock(&w->lock);
    if (wakes)
        (void)pthread_cond_signal(&w->filled);
}

/* With the lock. Sleeps until `count` are urgent, what can wait must go earlier, or the time has come (0: no such time). */
static void sleep_until(struct writer *w, size_t count, int64_t us)
{
    w->wake_at = count;
    if (us == 0)
        (void)pthread_cond_wait(&w->filled, &w->lock);
    else
        (void)wait_until(&w->filled, &w->lock, us);
    w->wake_at = 0;
}

static bool has_work(const struct writer *w)
{
    return w->urgent > 0 || w->is_closing || (w->later_due != 0 && clock_steady_us() >= w->later_due);
}

static void wait_for_work(struct writer *w)
{
    int64_t idle_at = clock_steady_us() + IDLE_US;
    while (!has_work(w)) {
        sleep_until(w, 1, w->later_due != 0 ? w->later_due : w->has_cache ? idle_at : 0);
        if (w->has_cache && w->later_due == 0 && clock_steady_us() >= idle_at) {
            db_release_memory(w->tx.db);
            w->has_cache = false;
        }
    }
}

/* How many will be urgent once every open conversation has finished its mail: whose arrival waits here has. */
static size_t urgent_at_most(const struct writer *w)
{
    int conversations = atomic_load_explicit(&w->store->conversations, memory_order_relaxed);
    size_t events = 0;
    for (const struct store_op *op = w->queues[STORE_EVENT].first; op && events < BATCH_OPS; op = op->next)
        events++;
    size_t all = events + (size_t)(conversations > 0 ? conversations : 0);
    return all < BATCH_OPS ? all : BATCH_OPS;
}

/* On a slow disk it pays to wait a little for those who are about to finish their mail too: else a device that sends one mail
 * after the other waits each time for the events of the mail before. */
static void gather(struct writer *w)
{
    if (w->last_sync_us <= SLOW_SYNC_US || w->is_closing)
        return;
    bool has_arrivals = w->queues[STORE_ARRIVAL].first || w->queues[STORE_LARGE].first;
    int64_t wait_us = w->last_sync_us / (has_arrivals ? GATHER_SHARE : GATHER_SHARE_EVENTS);
    int64_t until = clock_steady_us() + (wait_us < GATHER_MAX_US ? wait_us : GATHER_MAX_US);
    size_t all = urgent_at_most(w);
    while (w->urgent < all && clock_steady_us() < until && !w->is_closing)
        sleep_until(w, all, until);
}

/* As many of one rank as there is room for; of large ones no more than a transaction takes, so that what is more urgent and
 * comes meanwhile does not wait for all of them. */
static size_t take_rank(struct writer *w, enum store_rank rank, size_t n)
{
    int64_t room = rank == STORE_LARGE ? pace_batch_bytes(&w->store->pace, clock_steady_us()) : INT64_MAX;
    struct store_op *op;
    while (n < BATCH_OPS && room > 0 && (op = pop(&w->queues[rank]))) {
        w->batch[n++] = op;
        room -= rank == STORE_LARGE ? ((const struct arrival *)op)->bytes : 0;
    }
    return n;
}

static size_t take_waiting(struct writer *w)
{
    size_t n = 0;
    for (int rank = STORE_ARRIVAL; rank < STORE_RANKS; rank++)
        n = take_rank(w, (enum store_rank)rank, n);
    w->urgent = 0;
    for (int rank = STORE_ARRIVAL; rank < STORE_LATER; rank++)
        for (const struct store_op *op = w->queues[rank].first; op; op = op->next)
            w->urgent++;
    w->later_due = w->queues[STORE_LATER].first || w->queues[STORE_IDLE].first ? clock_steady_us() : 0;
    return n;
}

/* 0: closing, and nothing is left. */
static size_t next_batch(struct writer *w)
{
    (void)pthread_mutex_lock(&w->lock);
    wait_for_work(w);
    gather(w);
    size_t n = take_waiting(w);
    (void)pthread_mutex_unlock(&w->lock);
    return n;
}

/* --- one transaction --------------------------------------------------------------------------------------------- */

static int reopen(struct writer *w, struct err *e)
{
    db_close(&w->tx.db);
    if (db_open(w->store->database, DB_WRITER, &w->tx.db, e) < 0)
        return -1;
    w->needs_reopen = false;
    return 0;
}

int tx_running(struct store_tx *tx, struct err *e)
{
    tx->running_ms = store_running_ms(tx->store);
    return db_run(tx->db, e, "INSERT OR REPLACE INTO meta(key, value) VALUES('running_ms', ?)", P(tx->running_ms));
}

/* A minute of running time may be lost with the power, not more; it is saved with a commit that happens anyway. */
static int save_running(struct writer *w, struct err *e)
{
    bool is_due = store_running_ms(w->store) - atomic_load(&w->store->running_saved) >= RUNNING_SAVE_MS;
    return is_due ? tx_running(&w->tx, e) : 0;
}

/* Only a transaction that wrote something is synced. */
static void note_log_pages(void *user, int pages)
{
    struct writer *w = user;
    w->log_pages = pages;
    w->has_written = true;
}

static int begin(struct writer *w, struct err *e)
{
    if (store_phase(w->store) != STORE_READY)
        return err_set(e, ERR_BUSY, "the database is being made ready");
    if ((w->needs_reopen || !w->tx.db) && reopen(w, e) < 0)
        return -1;
    w->tx.bytes = 0;
    w->tx.last_arrival = 0;
    w->tx.files_bytes = 0;
    w->tx.running_ms = 0;
    w->has_cache = true;
    db_on_commit(w->tx.db, note_log_pages, w);
    return db_exec(w->tx.db, "BEGIN IMMEDIATE", e);
}

static void undo(struct writer *w)
{
    if (w->tx.db && db_is_in_transaction(w->tx.db))
        (void)!db_exec(w->tx.db, "ROLLBACK", NULL);
}

/* The disk failed, or what is on it: not what was to be written. */
static bool is_below_us(const struct err *e)
{
    return e->code == ERR_IO || e->code == ERR_DAMAGED;
}

static int commit(struct writer *w, struct err *e)
{
    int64_t start = clock_steady_us();
    int beside = atomic_load(&w->store->file_syncs);
    w->has_written = false;
    int result = db_exec(w->tx.db, "COMMIT", e);
    w->is_hopeless = result < 0 && is_below_us(e);
    if (w->has_written || w->is_hopeless)
        note_write(w->store, WRITES_DATABASE, result == 0);
    if (result == 0 && w->has_written) {
        watch_note_commit(w->store);
        w->last_sync_us = clock_steady_us() - start;
        pace_note_commit(&w->store->pace, w->last_sync_us, w->tx.bytes, beside, start + w->last_sync_us);
        metrics_observe(METRIC_COMMIT_SECONDS, (double)w->last_sync_us / 1e6);
    }
    return result;
}

/* Applies operations until the transaction is large enough; how many, or -1 (*e). */
static int apply_some(struct writer *w, struct store_op *const *ops, size_t n, struct err *e)
{
    int64_t most = pace_batch_bytes(&w->store->pace, clock_steady_us());
    size_t i = 0;
    while (i < n && w->tx.bytes < most) {
        if (ops[i]->apply(&w->tx, ops[i], e) < 0)
            return -1;
        i++;
    }
    return (int)i;
}

/* What the rest of the process may know now that it is on disk. */
static void publish(struct writer *w)
{
    if (w->tx.last_arrival > 0)
        atomic_store(&w->store->last_arrival, w->tx.last_arrival);
    if (w->tx.running_ms > 0)
        atomic_store(&w->store->running_saved, w->tx.running_ms);
    (void)atomic_fetch_add(&w->store->files_bytes, w->tx.files_bytes);
}

/* New events become findable with all else of this transaction, and the index is merged as far as it has grown by it, in bites: a device may be
 * waiting. A damaged index must stop no mail: the next commit tries again. */
static int make_findable(struct writer *w, int64_t changes, struct err *e)
{
    int64_t left, pages = changes / CHANGES_OF_PAGE;
    struct err failed = { 0 };
    bool is_done = schema_fill(w->tx.db, INDEXED_AT_ONCE, &left, &failed) == 0 &&
                   (pages == 0 || schema_tidy(w->tx.db, pages < TIDY_PAGES_MAX ? pages : TIDY_PAGES_MAX, &failed) == 0);
    if (is_done || db_is_in_transaction(w->tx.db))
        return 0;
    *e = failed; /* SQLite took all of it back by itself */
    return -1;
}

/* Writes and syncs operations from the front of ops in one transaction; how many, or -1 with nothing written. */
static int write_some(struct writer *w, struct store_op *const *ops, size_t n, struct err *e)
{
    int64_t start = clock_steady_us();
    w->is_hopeless = begin(w, e) < 0;
    if (w->is_hopeless) {
        w->needs_reopen = true;
        if (store_phase(w->store) == STORE_READY)
            note_write(w->store, WRITES_DATABASE, false);
        return -1;
    }
    int64_t changes = db_total_changes(w->tx.db);
    int count = apply_some(w, ops, n, e);
    if (count >= 0 && (save_running(w, e) < 0 || make_findable(w, db_total_changes(w->tx.db) - changes, e) < 0))
        count = -1;
    FAULT("store.rows_written");
    if (count >= 0 && commit(w, e) < 0)
        count = -1;
    if (count < 0) {
        undo(w);
        w->needs_reopen |= is_below_us(e);
        if (e->code == ERR_FULL)
            reserve_give_up(w->store);
        return -1;
    }
    FAULT("store.committed");
    pace_note_batch(&w->store->pace, clock_steady_us() - start, w->tx.bytes);
    publish(w);
    return count;
}

static void answer(struct store_op *const *ops, size_t n, const struct err *failed)
{
    for (size_t i = 0; i < n; i++)
        ops[i]->done(ops[i], failed);
}

static void write_singly(struct writer *w, struct store_op *const *ops, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct err e = { 0 };
        int kept = write_some(w, &ops[i], 1, &e);
        answer(&ops[i], 1, kept < 0 ? &e : NULL);
    }
}

static void write_batch(struct writer *w, size_t n)
{
    w->tx.day_count = 0;
    for (size_t i = 0; i < n;) {
        struct err e = { 0 };
        int count = write_some(w, w->batch + i, n - i, &e);
        if (count > 0) {
            answer(w->batch + i, (size_t)count, NULL);
            FAULT("store.answered");
            i += (size_t)count;
        } else if (w->is_hopeless || (n - i == 1 && e.code != ERR_FULL)) {
            answer(w->batch + i, n - i, &e);
            return;
        } else {
            write_singly(w, w->batch + i, n - i);
            return;
        }
    }
}

/* --- the thread -------------------------------------------------------------------------------------------------- */

/* Beside the writer the keeper copies the log into the database all the time; but only when nobody reads or writes can the
 * log begin anew. Under a load that never ends the writer makes that moment. */
static void bound_log(struct writer *w)
{
    int limit = store_is_full(w->store) ? LOG_PAGES_MAX_FULL : LOG_PAGES_MAX;
    if (w->log_pages < limit || w->log_pages < w->restart_at || !w->tx.db)
        return;
    int left = 0;
    struct err e = { 0 };
    if (db_checkpoint(w->tx.db, true, &left, &e) < 0 && e.code == ERR_IO)
        w->needs_reopen = true;
    w->restart_at = left > 0 ? w->log_pages + LOG_PAGES_BETWEEN_RESTARTS : 0;
}

static void *run(void *user)
{
    struct writer *w = user;
    size_t n;
    turn_take(TURN_DEVICE);
    while ((n = next_batch(w)) > 0) {
        write_batch(w, n);
        if (w->tx.db) {
            keeper_wake(w->store->keeper, w->log_pages);
            bound_log(w);
        }
    }
    return NULL;
}

int writer_start(struct store *s, struct db *db, struct writer **out, struct err *e)
{
    struct writer *w = calloc(1, sizeof *w);
    if (!w)
        return err_set(e, ERR_NOMEM, "out of memory");
    w->store = s;
    w->tx = (struct store_tx){ .store = s, .db = db };
    for (size_t i = 0; i < COUNT(w->queues); i++)
        w->queues[i].end = &w->queues[i].first;
    (void)pthread_cond_init(&w->filled, NULL);
    (void)pthread_mutex_init(&w->lock, NULL);
    int rc = pthread_create(&w->thread, NULL, run, w);
    if (rc != 0) {
        free(w);
        return err_set(e, ERR_IO, "start the writer thread: %s", strerror(rc));
    }
    *out = w;
    return 0;
}

void writer_stop(struct writer **w)
{
    struct writer *stopping = TAKE(*w);
    if (!stopping)
        return;
    (void)pthread_mutex_lock(&stopping->lock);
    stopping->is_closing = true;
    (void)pthread_mutex_unlock(&stopping->lock);
    (void)pthread_cond_signal(&stopping->filled);
    (void)pthread_join(stopping->thread, NULL);
    db_close(&stopping->tx.db);
    (void)pthread_cond_destroy(&stopping->filled);
    (void)pthread_mutex_destroy(&stopping->lock);
    free(stopping);
}

/* --- for callers ------------------------------------------------------------------------------------------------- */

void store_submit(struct store *s, struct store_op *op)
{
    writer_submit(s->writer, op);
}

void store_hurry(struct store *s)
{
    struct writer *w = s->writer;
    (void)pthread_mutex_lock(&w->lock);
    w->later_due = w->later_due != 0 ? 1 : 0; /* long ago */
    bool wakes = w->wake_at > 0 && w->later_due != 0;
    (void)pthread_mutex_unlock(&w->lock);
    if (wakes)
        (void)pthread_cond_signal(&w->filled);
}

void store_hint_conversation(struct store *s, int delta)
{
    (void)atomic_fetch_add_explicit(&s->conversations, delta, memory_order_relaxed);
}

struct waiter {
    struct store_op op;
    struct store_op *inner;
    pthread_mutex_t lock; /* guards the following */
    pthread_cond_t ended;
    bool has_ended;
    struct err failed;
};

static int apply_inner(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct waiter *waiter = (struct waiter *)op;
    return waiter->inner->apply(tx, waiter->inner, e);
}

static void wake_waiter(struct store_op *op, const struct err *failed)
{
    struct waiter *waiter = (struct waiter *)op;
    (void)pthread_mutex_lock(&waiter->lock);
    waiter->has_ended = true;
    if (failed)
        waiter->failed = *failed;
    (void)pthread_cond_signal(&waiter->ended);
    (void)pthread_mutex_unlock(&waiter->lock);
}

int store_do(struct store *s, struct store_op *op, struct err *e)
{
    struct waiter waiter = { .op = { .rank = op->rank, .apply = apply_inner, .done = wake_waiter },
                             .inner = op,
                             .lock = PTHREAD_MUTEX_INITIALIZER,
                             .ended = PTHREAD_COND_INITIALIZER };
    store_submit(s, &waiter.op);
    (void)pthread_mutex_lock(&waiter.lock);
    while (!waiter.has_ended)
        (void)pthread_cond_wait(&waiter.ended, &waiter.lock);
    (void)pthread_mutex_unlock(&waiter.lock);
    if (waiter.failed.code == ERR_NONE)
        return 0;
    *e = waiter.failed;
    return -1;
}

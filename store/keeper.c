/* keeper: the thread beside the writer. It copies the log into the database on a connection of its own (in the writer a
 * checkpoint would make a device wait for its 250) and does the chores that nobody waits for: tomorrow's folder, the
 * reserve, recovery once after the start, retention, the running clock. Idle, it writes nothing. */
#include "core/clock.h"
#include "core/fault.h"
#include "core/wait.h"
#include "store/inside.h"
#include "store/retention.h"
#include <stdlib.h>
#include <string.h>

enum {
    LOG_PAGES_AT_ONCE = 1000, /* so many new pages are copied at once …                   */
#ifdef POSTERN_FAULTS
    CHECKPOINT_MS = 1000, /* tests look at what a checkpoint does */
#else
    CHECKPOINT_MS = 15 * 60000, /* … fewer much later: pages that many mails write are copied once, and two syncs serve them all */
#endif
    CHECKPOINT_FULL_MS = 1000, /* on a full disk the log must stay short                  */
    SLOW_TIMES = 2,           /* … of either so much more on a slow disk: its syncs keep the devices waiting */
    FIRST_CHORES_MS = 500,    /* after the first 220                     */
    CHORES_MS = 2000,         /* while the disk is full, or fails          */
    MORE_MS = 500,            /* while there is more to forget             */
    CHORES_AFTER_MS = 3000,   /* a commit                                 */
#ifdef POSTERN_FAULTS
    IDLE_CHORES_MS = 1000, /* tests let hours pass by the test clock: then nobody waits a minute */
#else
    IDLE_CHORES_MS = 60000,
#endif
    DAY_MS = 86400000,
};

struct keeper {
    struct store *store;
    pthread_t thread;
    bool is_started;
    pthread_mutex_t lock; /* guards the following */
    pthread_cond_t woken;
    int log_pages, copied_pages; /* in the log as the writer last said; of them copied        */
    int64_t news_at;             /* first commit since the last checkpoint; 0: none           */
    int64_t chores_at;
    bool has_changed; /* a commit since the last chores began */
    bool is_closing;

    /* the thread's own */
    struct db *db; /* NULL: opened when needed */
    struct doubt doubt;
    int64_t opened_wall_ms, opened_mono_ms; /* both clocks then: the first chores may come after a step */
    bool has_reserve, has_recovered;
};

/* --- waiting ----------------------------------------------------------------------------------------------------- */

static int times(const struct keeper *k)
{
    return pace_is_slow(&k->store->pace) && !store_is_full(k->store) ? SLOW_TIMES : 1;
}

static bool has_many_pages(const struct keeper *k)
{
    return k->log_pages - k->copied_pages >= LOG_PAGES_AT_ONCE * times(k);
}

void keeper_wake(struct keeper *k, int log_pages)
{
    (void)pthread_mutex_lock(&k->lock);
    int64_t now = clock_steady_ms();
    bool had_many = has_many_pages(k), had_news = k->news_at != 0;
    if (log_pages < k->log_pages)
        k->copied_pages = 0; /* the log began anew */
    k->log_pages = log_pages;
    if (!had_news)
        k->news_at = now;
    if (!k->has_changed && k->chores_at > now + CHORES_AFTER_MS)
        k->chores_at = now + CHORES_AFTER_MS;
    bool wakes = !had_news || !k->has_changed || (!had_many && has_many_pages(k));
    k->has_changed = true;
    (void)pthread_mutex_unlock(&k->lock);
    if (wakes)
        (void)pthread_cond_signal(&k->woken);
}

/* Chores within this time. */
static void plan_by(struct keeper *k, int64_t ms)
{
    if (!k)
        return; /* store_open is not yet through */
    int64_t soon = clock_steady_ms() + ms;
    (void)pthread_mutex_lock(&k->lock);
    bool wakes = k->chores_at > soon;
    if (wakes)
        k->chores_at = soon;
    (void)pthread_mutex_unlock(&k->lock);
    if (wakes)
        (void)pthread_cond_signal(&k->woken);
}

bool keeper_is_wanted(struct keeper *k)
{
    (void)pthread_mutex_lock(&k->lock);
    bool is = has_many_pages(k);
    (void)pthread_mutex_unlock(&k->lock);
    return is;
}

void keeper_hurry(struct keeper *k)
{
    plan_by(k, CHORES_MS);
}

void keeper_begin(struct keeper *k)
{
    plan_by(k, 0);
}

static int64_t checkpoint_at(const struct keeper *k)
{
    if (k->news_at == 0)
        return INT64_MAX;
    return k->news_at + (store_is_full(k->store) ? CHECKPOINT_FULL_MS : CHECKPOINT_MS * times(k));
}

static int64_t next_deadline(const struct keeper *k)
{
    int64_t at = checkpoint_at(k);
    return at < k->chores_at ? at : k->chores_at;
}

struct due {
    bool is_checkpoint, is_chores;
};

/* false: closing. */
static bool wait_for_work(struct keeper *k, struct due *out)
{
    (void)pthread_mutex_lock(&k->lock);
    while (!k->is_closing && !has_many_pages(k) && clock_steady_ms() < next_deadline(k))
        (void)wait_until(&k->woken, &k->lock, next_deadline(k) * 1000);
    bool goes_on = !k->is_closing;
    out->is_checkpoint = k->news_at != 0 && (has_many_pages(k) || clock_steady_ms() >= checkpoint_at(k));
    out->is_chores = clock_steady_ms() >= k->chores_at;
    if (out->is_checkpoint) {
        k->copied_pages = k->log_pages;
        k->news_at = 0;
    }
    if (out->is_chores) {
        k->chores_at = INT64_MAX;
        k->has_changed = false;
    }
    (void)pthread_mutex_unlock(&k->lock);
    return goes_on;
}

static void plan_chores(struct keeper *k, int64_t pause_ms)
{
    (void)pthread_mutex_lock(&k->lock);
    if (k->chores_at > clock_steady_ms() + pause_ms)
        k->chores_at = clock_steady_ms() + pause_ms;
    (void)pthread_mutex_unlock(&k->lock);
}

/* --- work -------------------------------------------------------------------------------------------------------- */

static struct db *connection(struct keeper *k)
{
    struct err e = { 0 };
    if (!k->db && db_open(k->store->database, DB_CHECKPOINT, &k->db, &e) < 0)
        return NULL; /* whoever writes hears of it */
    return k->db;
}

static void checkpoint(struct keeper *k)
{
    int left = 0;
    struct err e = { 0 };
    if (!connection(k))
        return;
    if (db_checkpoint(k->db, false, &left, &e) < 0) {
        if (e.code == ERR_IO)
            note_write(k->store, WRITES_DATABASE, false);
        if (e.code == ERR_FULL)
            reserve_give_up(k->store);
        db_close(&k->db); /* a failed sync is never repeated on the same descriptor */
    }
    FAULT("store.checkpointed");
}

static void make_days_ahead(struct store *s)
{
    for (int i = 0; i < 2; i++) {
        char day[DAY_TEXT];
        struct err e = { 0 };
        day_of(day, clock_wall_ms() + (int64_t)i * DAY_MS);
        if (day_make(s, day, &e) < 0)
            return; /* the arrival that needs it says why */
    }
}

static int write_running(struct store_tx *tx, struct store_op *op, struct err *e)
{
    (void)op;
    return tx_running(tx, e);
}

int save_running_now(struct store *s, struct err *e)
{
    struct store_op op = { .rank = STORE_LATER, .apply = write_running };
    return store_do(s, &op, e);
}

static bool is_something_open(struct keeper *k)
{
    int64_t open = 0;
    struct err e = { 0 };
    return connection(k) &&
           db_number(k->db,
                     "SELECT EXISTS (SELECT 1 FROM arrivals INDEXED BY arrivals_waiting WHERE state < 2)"
                     " OR EXISTS (SELECT 1 FROM deliveries WHERE state < 2)",
                     0, &open, &e) == 0 &&
           open != 0;
}

/* What is owed counts in running time, so while something is owed that is kept even when nothing else is written. */
static void save_running(struct keeper *k)
{
    struct store *s = k->store;
    struct err e = { 0 };
    if (store_running_ms(s) - atomic_load(&s->running_saved) >= RUNNING_SAVE_MS && is_something_open(k))
        (void)!save_running_now(s, &e);
}

/* Once, when mails are already being taken. */
static bool look_back(struct keeper *k)
{
    int64_t newest = 0;
    struct err e = { 0 };
    if (!connection(k) || retention_count_files(k->store, k->db, &e) < 0 ||
        db_number(k->db, "SELECT max(received_ms) FROM arrivals WHERE seq > (SELECT max(seq) FROM arrivals) - 100", 0, &newest,
                  &e) < 0)
        return false;
    doubt_init(&k->doubt, k->opened_wall_ms, k->opened_mono_ms, newest);
    recover(k->store, k->db);
    return true;
}

/* Whether there is more to forget. */
static bool do_chores(struct keeper *k)
{
    if (store_phase(k->store) != STORE_READY)
        return false;
    make_days_ahead(k->store);
    floor_look(k->store);
    if (!k->has_recovered)
        k->has_recovered = look_back(k);
    if (!k->has_reserve || store_is_full(k->store)) {
        reserve_take(k->store);
        k->has_reserve = !store_is_full(k->store);
    }
    save_running(k);
    probe_writes(k->store);
    return k->has_recovered && connection(k) && retention_run(k->store, k->db, &k->doubt);
}

static bool is_trouble(const struct store *s)
{
    return store_is_full(s) || store_failed_syncs(s) > 0 || store_phase(s) != STORE_READY;
}

static void *run(void *user)
{
    struct keeper *k = user;
    struct due due;
    while (wait_for_work(k, &due)) {
        if (due.is_checkpoint)
            checkpoint(k);
        if (due.is_chores) {
            bool has_more = do_chores(k);
            plan_chores(k, is_trouble(k->store) ? CHORES_MS : has_more ? MORE_MS : IDLE_CHORES_MS);
        }
    }
    db_close(&k->db);
    return NULL;
}

/* --- life -------------------------------------------------------------------------------------------------------- */

int keeper_start(struct store *s, struct keeper **out, struct err *e)
{
    struct keeper *k = calloc(1, sizeof *k);
    if (!k)
        return err_set(e, ERR_NOMEM, "out of memory");
    k->store = s;
    k->chores_at = clock_steady_ms() + FIRST_CHORES_MS;
    k->opened_wall_ms = clock_wall_ms();
    k->opened_mono_ms = clock_mono_ms();
    (void)pthread_cond_init(&k->woken, NULL);
    (void)pthread_mutex_init(&k->lock, NULL);
    *out = k; /* before the thread: its first operation makes the writer wake it */
    int rc = pthread_create(&k->thread, NULL, run, k);
    k->is_started = rc == 0;
    return rc == 0 ? 0 : err_set(e, ERR_IO, "start the keeper thread: %s", strerror(rc));
}

void keeper_stop(struct keeper *k)
{
    if (!k || !k->is_started)
        return;
    (void)pthread_mutex_lock(&k->lock);
    k->is_closing = true;
    (void)pthread_mutex_unlock(&k->lock);
    (void)pthread_cond_signal(&k->woken);
    (void)pthread_join(k->thread, NULL);
    k->is_started = false;
}

void keeper_free(struct keeper **k)
{
    struct keeper *freed = TAKE(*k);
    if (!freed)
        return;
    (void)pthread_cond_destroy(&freed->woken);
    (void)pthread_mutex_destroy(&freed->lock);
    free(freed);
}

/* inspector: the two threads and the 10 s promise.
 *
 * The store is the queue. quick reads it by a cursor (`after`): what it handed to the relay but is not yet committed still waits
 * in the store, and must not be read twice. slow reads one at a time and waits until it is committed; its cursor goes round, so
 * that what failed comes again after all others. A failure is committed before anything else happens, so a poison mail cannot
 * make a boot loop: after three it is given up, told. The promise is kept by quick, also while it waits for an answer. */
#include "core/clock.h"
#include "core/log.h"
#include "core/turn.h"
#include "service/inspector_inside.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LOOK_MS = 1000,      /* nothing is waited for longer                       */
    IDLE_MS = 60 * 1000, /* then slow's process ends: its memory is worth more */
    STOP_MS = 10 * 1000,
};

/* --- the two lanes -------------------------------------------------------------------------------------------- */

/* What could not be committed is read again, once nothing is on its way that would then be read twice. */
static void rewind_if_asked(struct lane *l)
{
    struct inspector *in = l->in;
    (void)pthread_mutex_lock(&in->lock);
    bool is_now = in->rewind_to > 0 && in->quick_flying == 0;
    if (is_now) {
        l->after = in->rewind_to - 1 < l->after ? in->rewind_to - 1 : l->after;
        in->rewind_to = 0;
    }
    (void)pthread_mutex_unlock(&in->lock);
    if (is_now)
        lane_pause(l);
}

static bool may_go_on(struct lane *l)
{
    return !l->in->is_stopping && clock_mono_ms() >= l->pause_until;
}

/* How many arrivals were handled; 0: nothing to do, or not now. */
static int quick_round(struct lane *l)
{
    struct inspector                *in = l->in;
    struct arrival_row               rows[BATCH];
    struct err                       e;
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, BATCH_ARENA);
    rewind_if_asked(l);
    if (!may_go_on(l) || inspector_flying(in, &in->quick_flying) >= IN_FLIGHT_MAX - BATCH)
        return 0;
    int n = store_waiting_arrivals(l->reader, true, l->after, rows, BATCH, &a, &e);
    if (n < 0) {
        log_line(LOG_ERROR, "inspector.failed", LOG_S("lane", l->name), LOG_S("text", e.text));
        lane_pause(l);
    }
    return n > 0 ? lane_read(l, rows, n) : 0;
}

static void *quick_run(void *arg)
{
    struct lane *l = arg;
    turn_take(TURN_TELLER); /* and what it starts */
    (void)lane_ensure_process(l); /* the first mail shall not wait for it */
    while (!l->in->is_stopping) {
        uint64_t seen = lane_wakes(l);
        inspector_keep_promise(l->in);
        if (quick_round(l) == 0)
            lane_wait(l, seen, inspector_promise_wait_ms(l->in));
    }
    return NULL;
}

/* The next one after the cursor, else from the beginning; false: none. */
static bool slow_next(struct lane *l, struct arrival_row *row, struct arena *a)
{
    struct err e;
    int        n = store_waiting_arrivals(l->reader, false, l->after, row, 1, a, &e);
    if (n == 0 && l->after > 0) {
        l->after = 0;
        n = store_waiting_arrivals(l->reader, false, 0, row, 1, a, &e);
    }
    if (n < 0) {
        log_line(LOG_ERROR, "inspector.failed", LOG_S("lane", l->name), LOG_S("text", e.text));
        lane_pause(l);
    }
    return n > 0;
}

static void wait_until_kept(struct lane *l)
{
    struct inspector *in = l->in;
    for (uint64_t seen = lane_wakes(l); inspector_flying(in, &in->slow_flying) > 0 && !in->is_stopping; seen = lane_wakes(l))
        lane_wait(l, seen, LOOK_MS);
    (void)pthread_mutex_lock(&in->lock);
    bool has_failed = TAKE(in->has_slow_failed);
    (void)pthread_mutex_unlock(&in->lock);
    if (has_failed)
        lane_pause(l);
}

static bool slow_round(struct lane *l)
{
    struct arrival_row               row;
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, BATCH_ARENA);
    if (!may_go_on(l) || !slow_next(l, &row, &a))
        return false;
    if (lane_read(l, &row, 1) == 0)
        return false;
    wait_until_kept(l);
    l->idle_since = clock_mono_ms();
    return true;
}

static void *slow_run(void *arg)
{
    struct lane *l = arg;
    turn_take(TURN_TELLER);
    while (!l->in->is_stopping) {
        uint64_t seen = lane_wakes(l);
        if (slow_round(l))
            continue;
        if (l->process.pid > 0 && clock_mono_ms() - l->idle_since > IDLE_MS)
            inspect_process_stop(&l->process);
        lane_wait(l, seen, LOOK_MS);
    }
    return NULL;
}

/* --- life ----------------------------------------------------------------------------------------------------- */

static int lane_start(struct lane *l, void *(*run)(void *), struct err *e)
{
    inspect_process_init(&l->process);
    if (store_reader_open(l->in->store, &l->reader, e) < 0)
        return -1;
    int r = pthread_create(&l->thread, NULL, run, l);
    if (r != 0)
        return err_set(e, ERR_IO, "thread %s: %s", l->name, strerror(r));
    l->is_started = true;
    (void)pthread_setname_np(l->thread, l->name);
    return 0;
}

static void lane_stop(struct lane *l)
{
    if (l->is_started)
        (void)pthread_join(l->thread, NULL);
    inspect_process_done(&l->process);
    store_reader_close(&l->reader);
}

int inspector_start(struct store *s, struct relay *r, const struct inspector_options *o, struct inspector **out, struct err *e)
{
    struct inspector *in = calloc(1, sizeof *in);
    if (!in)
        return err_set(e, ERR_NOMEM, "out of memory");
    *in = (struct inspector){ .store = s, .relay = r, .options = *o };
    in->quick = (struct lane){ .in = in, .name = "quick", .is_quick = true };
    in->slow = (struct lane){ .in = in, .name = "slow" };
    (void)pthread_mutex_init(&in->lock, NULL);
    (void)pthread_cond_init(&in->quick.woken, NULL);
    (void)pthread_cond_init(&in->slow.woken, NULL);
    in->marks[0] = (struct mark){ clock_mono_ms(), store_last_arrival(s) };
    in->mark_count = 1;
    if (lane_start(&in->quick, quick_run, e) < 0 || lane_start(&in->slow, slow_run, e) < 0) {
        inspector_stop(&in);
        return -1;
    }
    *out = in;
    return 0;
}

/* Nothing may call back into freed memory. A relay that does not answer for 10 s keeps it. */
static bool wait_for_relay(struct inspector *in)
{
    int64_t until = clock_mono_ms() + STOP_MS;
    for (;;) {
        (void)pthread_mutex_lock(&in->lock);
        int left = in->quick_flying + in->slow_flying + in->told_flying;
        (void)pthread_mutex_unlock(&in->lock);
        if (left == 0 || clock_mono_ms() >= until)
            return left == 0;
        (void)usleep(1000);
    }
}

void inspector_stop(struct inspector **i)
{
    struct inspector *in = TAKE(*i);
    if (!in)
        return;
    atomic_store(&in->is_stopping, true);
    lane_wake(&in->quick);
    lane_wake(&in->slow);
    lane_stop(&in->quick);
    lane_stop(&in->slow);
    if (!wait_for_relay(in))
        return;
    (void)pthread_cond_destroy(&in->quick.woken);
    (void)pthread_cond_destroy(&in->slow.woken);
    (void)pthread_mutex_destroy(&in->lock);
    while (in->rules_told_count > 0)
        free(in->rules_told[--in->rules_told_count]);
    free(in);
}

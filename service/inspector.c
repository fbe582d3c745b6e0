/* inspector: the two threads and the 10 s promise.
 *
 * The store is the queue. quick reads it by a cursor (`after`): what it handed to the relay but is not yet committed still waits
 * in the store, and must not be read twice. slow reads one at a time and waits until it is committed; its cursor goes round, so
 * that what failed comes again after all others. A failure is committed before anything else happens, so a poison mail cannot
 * make a boot loop: after three it is given up, told. The promise is kept by quick, also while it waits for an answer. */
#include "service/inspector.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metrics.h"
#include "service/health.h"
#include "service/inspect_process.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    TRIES_MAX = 3,
    JOB_MS = 2000,
    JOB_BYTES_PER_SECOND = 5 * 1024 * 1024,
    BATCH = 32,
    BATCH_ARENA = 16 * 1024 * 1024,
    IN_FLIGHT_MAX = 512, /* understandings that the relay holds                    */
    LOOK_MS = 1000,      /* nothing is waited for longer                           */
    IDLE_MS = 60 * 1000, /* then slow's process ends: its memory is worth more     */
    PAUSE_MS = 250,      /* after a failure that is not the mail's; doubles …      */
    PAUSE_MAX_MS = 30 * 1000, /* … up to this                                      */
    STOP_MS = 10 * 1000,
    MARKS = 64,
};

/* At that time, that was the last arrival. */
struct mark {
    int64_t mono_ms, seq;
};

struct lane {
    struct inspector      *in;
    const char            *name;
    bool                   is_quick, is_started;
    pthread_t              thread;
    struct inspect_process process;
    struct store_reader   *reader;
    int64_t                after;                /* cursor                                    */
    int64_t                pause_until, pause_ms; /* not before that (mono): store or program  */
    bool                   is_sick;              /* its process cannot be started              */
    int64_t                idle_since;
};

struct inspector {
    struct store            *store;
    struct relay            *relay;
    struct inspector_options options;
    struct lane              quick, slow;

    /* Only quick's thread. */
    struct mark marks[MARKS]; /* a ring, oldest at `oldest` */
    int         oldest, mark_count;
    int64_t     promised;     /* all up to here are told or understood */

    atomic_int     sick_lanes;
    atomic_bool    is_stopping;
    atomic_int_fast64_t slow_seq; /* with the relay, of slow; 0: none */

    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t  woken;
    uint64_t        wakes;
    int             quick_flying, slow_flying, told_flying; /* with the relay, not yet committed */
    int64_t         rewind_to; /* the lowest of quick's that could not be committed; 0: none */
    bool            has_slow_failed; /* slow's could not */
};

/* What the relay gives back with "kept": which of the counts it was. */
struct ticket {
    struct inspector *in;
    int              *flying;
    int64_t           seq;
};

/* --- waiting and waking --------------------------------------------------------------------------------------- */

static void wake(struct inspector *in)
{
    in->wakes++;
    (void)pthread_cond_broadcast(&in->woken);
}

void inspector_wake(struct inspector *in)
{
    (void)pthread_mutex_lock(&in->lock);
    wake(in);
    (void)pthread_mutex_unlock(&in->lock);
}

static uint64_t wakes_so_far(struct inspector *in)
{
    (void)pthread_mutex_lock(&in->lock);
    uint64_t wakes = in->wakes;
    (void)pthread_mutex_unlock(&in->lock);
    return wakes;
}

/* Until somebody woke us since `seen`, at most wait_ms. */
static void wait_for_wake(struct inspector *in, uint64_t seen, int64_t wait_ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(wait_ms / 1000);
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    (void)pthread_mutex_lock(&in->lock);
    while (in->wakes == seen && !in->is_stopping)
        if (pthread_cond_timedwait(&in->woken, &in->lock, &until) != 0)
            break;
    (void)pthread_mutex_unlock(&in->lock);
}

static int flying(struct inspector *in, const int *count)
{
    (void)pthread_mutex_lock(&in->lock);
    int n = *count;
    (void)pthread_mutex_unlock(&in->lock);
    return n;
}

/* The next try not before a pause that doubles; a success ends it. */
static void pause_lane(struct lane *l)
{
    l->pause_ms = l->pause_ms == 0 ? PAUSE_MS : l->pause_ms * 2 < PAUSE_MAX_MS ? l->pause_ms * 2 : PAUSE_MAX_MS;
    l->pause_until = clock_mono_ms() + l->pause_ms;
}

/* --- handing over --------------------------------------------------------------------------------------------- */

/* Relay's or writer's thread. */
static void on_kept(void *user, const struct err *failed)
{
    struct ticket    *t = user;
    struct inspector *in = t->in;
    if (t->flying == &in->slow_flying)
        atomic_store(&in->slow_seq, 0);
    (void)pthread_mutex_lock(&in->lock);
    bool is_quick = t->flying == &in->quick_flying, was_full = in->quick_flying == IN_FLIGHT_MAX - BATCH;
    --*t->flying;
    if (failed && is_quick && (in->rewind_to == 0 || t->seq < in->rewind_to))
        in->rewind_to = t->seq;
    if (failed && t->flying == &in->slow_flying)
        in->has_slow_failed = true;
    if (!is_quick || was_full || (in->rewind_to > 0 && in->quick_flying == 0) || in->is_stopping)
        wake(in);
    (void)pthread_mutex_unlock(&in->lock);
    free(t);
}

static void hand_over(struct lane *l, struct understanding *u, enum arrival_state state, int *count)
{
    struct inspector *in = l->in;
    struct ticket    *t = malloc(sizeof *t);
    if (!t) { /* it still waits in the store */
        understanding_free(&u);
        return;
    }
    *t = (struct ticket){ .in = in, .flying = count, .seq = u->arrival_seq };
    u->state = state;
    u->kept = on_kept;
    u->user = t;
    if (count == &in->slow_flying)
        atomic_store(&in->slow_seq, u->arrival_seq);
    (void)pthread_mutex_lock(&in->lock);
    ++*count;
    (void)pthread_mutex_unlock(&in->lock);
    if (in->options.mark)
        in->options.mark(u);
    relay_take(in->relay, u);
}

/* When it was kept, by the monotonic clock, as far as the wall clock can say. */
static int64_t kept_mono_ms(const struct arrival_row *row)
{
    enum { BELIEVED_MS = 3600 * 1000 };
    int64_t age = clock_wall_ms() - row->received_ms;
    return age >= 0 && age < BELIEVED_MS ? clock_mono_ms() - age : 0;
}

/* Who sent what when; NULL when memory ran out. */
static struct understanding *understanding_of(const struct arrival_row *row)
{
    struct understanding           *u = understanding_new();
    CLEANUP(json_free) struct json *envelope = json_parse(row->envelope, strlen(row->envelope), NULL);
    if (!u || envelope_read(envelope, &u->arena, &u->envelope) < 0) {
        understanding_free(&u);
        return NULL;
    }
    u->arrival_seq = row->seq;
    memcpy(u->arrival_id, row->id, sizeof u->arrival_id);
    u->received_ms = row->received_ms;
    u->kept_mono_ms = kept_mono_ms(row);
    u->parser = u->subject = "";
    return u;
}

/* The event of a mail that nobody could read: who sent it is all we know. */
static struct understanding *unreadable(const struct inspector *in, const struct arrival_row *row)
{
    const struct inspector_options *o = &in->options;
    struct understanding           *u = understanding_of(row);
    struct event                   *ev = u ? events_add(&u->events, "unreadable") : NULL;
    if (!ev) {
        understanding_free(&u);
        return NULL;
    }
    ev->device_id = ev->device_name = envelope_device(&u->envelope, o->alarm_user, o->status_user, &u->arena);
    ev->text = arena_printf(&u->arena, "%lld kB", (long long)(row->bytes + 999) / 1000);
    if (envelope_is_for(&u->envelope, o->alarm_user))
        ev->severity = SEVERITY_ALARM;
    return u;
}

/* --- the promise (quick's thread) ----------------------------------------------------------------------------- */

static void set_mark(struct inspector *in, int64_t now)
{
    int64_t      seq = store_last_arrival(in->store);
    struct mark *last = &in->marks[(in->oldest + in->mark_count + MARKS - 1) % MARKS];
    if (in->mark_count > 0 && (last->seq == seq || now - last->mono_ms < in->options.unreadable_ms / (MARKS / 2)))
        return;
    if (in->mark_count == MARKS)
        return; /* it is set when the oldest is due, a moment later */
    in->marks[(in->oldest + in->mark_count++) % MARKS] = (struct mark){ now, seq };
}

/* Up to which arrival the time is over; 0: none. */
static int64_t due_up_to(struct inspector *in, int64_t now)
{
    int64_t up_to = in->promised;
    while (in->mark_count > 0 && in->marks[in->oldest].mono_ms + in->options.unreadable_ms <= now) {
        up_to = in->marks[in->oldest].seq;
        if (in->mark_count == 1)
            break; /* the last one stays: it says what was seen */
        in->oldest = (in->oldest + 1) % MARKS;
        in->mark_count--;
    }
    return up_to;
}

/* Read already, and on its way to the disk. */
static bool is_on_its_way(struct inspector *in, const struct arrival_row *row)
{
    if (!row->is_large && row->tries == 0)
        return row->seq <= in->quick.after && flying(in, &in->quick_flying) > 0;
    return atomic_load(&in->slow_seq) == row->seq;
}

/* Tells what is overdue; true when nothing of it is left. */
static bool tell_overdue(struct inspector *in, int64_t up_to)
{
    struct arrival_row         rows[BATCH];
    struct err                 e;
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, BATCH_ARENA);
    int  n = store_overdue_arrivals(in->quick.reader, up_to, rows, BATCH, &a, &e);
    bool is_all = n >= 0 && n < BATCH;
    for (int i = 0; i < n; i++) {
        struct understanding *u = is_on_its_way(in, &rows[i]) ? NULL : unreadable(in, &rows[i]);
        is_all = is_all && u;
        if (!u)
            continue;
        log_line(LOG_WARN, "inspector.late", LOG_S("arrival", rows[i].id), LOG_I("bytes", rows[i].bytes));
        hand_over(&in->quick, u, ARRIVAL_TOLD, &in->told_flying);
    }
    return is_all;
}

static void keep_promise(struct inspector *in)
{
    int64_t           now = clock_mono_ms();
    set_mark(in, now);
    int64_t up_to = due_up_to(in, now);
    if (up_to > in->promised && flying(in, &in->told_flying) == 0 && tell_overdue(in, up_to))
        in->promised = up_to;
}

static bool tick(void *user)
{
    struct lane *l = user;
    if (l->is_quick)
        keep_promise(l->in);
    return !l->in->is_stopping;
}

/* --- one arrival ---------------------------------------------------------------------------------------------- */

enum ending {
    DONE,    /* handed to the relay, or its failure is committed */
    NOT_NOW, /* not the arrival's fault: later                   */
};

static void set_sick(struct lane *l, const struct err *why)
{
    struct inspector *in = l->in;
    if (why)
        log_line(LOG_ERROR, "inspector.failed", LOG_S("lane", l->name), LOG_S("text", why->text), LOG_I("again_ms", l->pause_ms));
    if (l->is_sick == (why != NULL))
        return;
    l->is_sick = why != NULL;
    int sick = atomic_fetch_add(&in->sick_lanes, why ? 1 : -1) + (why ? 1 : -1);
    if (why)
        health_set(HEALTH_INSPECTOR, NULL, why->text);
    else if (sick == 0)
        health_set(HEALTH_INSPECTOR, NULL, NULL);
}

static int ensure_process(struct lane *l)
{
    struct err e;
    if (l->process.pid > 0)
        return 0;
    if (inspect_process_start(&l->process, &l->in->options, (struct ticker){ tick, l }, &e) < 0) {
        pause_lane(l);
        if (!l->in->is_stopping)
            set_sick(l, &e);
        return -1;
    }
    l->pause_ms = 0;
    set_sick(l, NULL);
    return 0;
}

static int64_t deadline_ms(const struct inspector *in, int64_t bytes)
{
    int64_t base = in->options.job_ms > 0 ? in->options.job_ms : JOB_MS;
    return base + bytes * 1000 / JOB_BYTES_PER_SECOND;
}

/* One more failure of this arrival, committed. */
struct failure {
    struct store_op op;
    int64_t         seq;
};

static int apply_failure(struct store_tx *tx, struct store_op *op, struct err *e)
{
    return tx_arrival_failed(tx, ((struct failure *)(void *)op)->seq, e);
}

static enum ending give_up(struct lane *l, const struct arrival_row *row, const char *why)
{
    struct understanding *u = unreadable(l->in, row);
    if (!u)
        return NOT_NOW;
    log_line(LOG_WARN, "inspector.given_up", LOG_S("arrival", row->id), LOG_I("bytes", row->bytes), LOG_S("text", why));
    hand_over(l, u, ARRIVAL_GIVEN_UP, l->is_quick ? &l->in->quick_flying : &l->in->slow_flying);
    return DONE;
}

static enum ending count_failure(struct lane *l, const struct arrival_row *row, const char *why)
{
    struct failure f = { .op = { .rank = STORE_EVENT, .apply = apply_failure }, .seq = row->seq };
    struct err     e;
    log_line(LOG_WARN, "inspector.restart", LOG_S("arrival", row->id), LOG_I("bytes", row->bytes), LOG_I("try", row->tries + 1),
             LOG_S("text", why));
    if (store_do(l->in->store, &f.op, &e) < 0) {
        log_line(LOG_ERROR, "inspector.failed", LOG_S("arrival", row->id), LOG_S("text", e.text));
        pause_lane(l);
        return NOT_NOW;
    }
    return row->tries + 1 >= TRIES_MAX ? give_up(l, row, why) : DONE;
}

/* Asks; a process that was gone before it heard the question is replaced once. */
static int ask(struct lane *l, const struct arrival_row *row, int fd, struct events *events, struct job_answer *answer, struct err *e)
{
    struct question q = {
        .envelope = row->envelope, .received_ms = row->received_ms, .fd = fd, .deadline_ms = deadline_ms(l->in, row->bytes),
        .ticker = { tick, l },
    };
    int r = inspect_process_ask(&l->process, &q, events, answer, e);
    if (r < 0 && e->code == ERR_BUSY && ensure_process(l) == 0)
        r = inspect_process_ask(&l->process, &q, events, answer, e);
    return r;
}

static enum ending read_raw(struct lane *l, const struct arrival_row *row, int fd)
{
    struct inspector     *in = l->in;
    struct understanding *u = understanding_of(row);
    struct job_answer     answer;
    struct err            e;
    if (!u)
        return NOT_NOW;
    int r = ask(l, row, fd, &u->events, &answer, &e);
    if (r == 0 && !answer.error && u->events.count > 0) {
        u->parser = answer.parser;
        u->subject = answer.subject;
        hand_over(l, u, ARRIVAL_UNDERSTOOD, l->is_quick ? &in->quick_flying : &in->slow_flying);
        return DONE;
    }
    bool is_busy = r < 0 && e.code == ERR_BUSY;
    if (r < 0 && !is_busy)
        metrics_add(METRIC_INSPECTOR_RESTARTS, NULL, NULL, 1);
    else if (r == 0)
        (void)err_set(&e, ERR_INPUT, "%s", answer.error ? answer.error : "no event");
    understanding_free(&u);
    return is_busy ? NOT_NOW : count_failure(l, row, e.text);
}

static enum ending handle(struct lane *l, const struct arrival_row *row)
{
    struct err e;
    int        fd = -1;
    if (ensure_process(l) < 0)
        return NOT_NOW;
    if (store_open_raw(l->reader, row->seq, &fd, &e) < 0) {
        if (e.code == ERR_NOT_FOUND)
            return give_up(l, row, "its raw mail is gone");
        log_line(LOG_ERROR, "inspector.failed", LOG_S("arrival", row->id), LOG_S("text", e.text));
        pause_lane(l);
        return NOT_NOW;
    }
    enum ending ending = read_raw(l, row, fd);
    (void)close(fd);
    return ending;
}

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
        pause_lane(l);
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
    if (!may_go_on(l) || flying(in, &in->quick_flying) >= IN_FLIGHT_MAX - BATCH)
        return 0;
    int n = store_waiting_arrivals(l->reader, true, l->after, rows, BATCH, &a, &e);
    if (n < 0) {
        log_line(LOG_ERROR, "inspector.failed", LOG_S("lane", l->name), LOG_S("text", e.text));
        pause_lane(l);
    }
    int done = 0;
    for (; done < n && !in->is_stopping; done++) {
        if (handle(l, &rows[done]) == NOT_NOW)
            break;
        l->after = rows[done].seq;
        keep_promise(in);
    }
    return done;
}

static void *quick_run(void *arg)
{
    struct lane *l = arg;
    (void)ensure_process(l); /* the first mail shall not wait for it */
    while (!l->in->is_stopping) {
        uint64_t seen = wakes_so_far(l->in);
        keep_promise(l->in);
        if (quick_round(l) == 0) {
            int64_t step = l->in->options.unreadable_ms / (MARKS / 2);
            bool    is_promising = l->in->mark_count > 1 || l->in->marks[l->in->oldest].seq > l->in->promised;
            wait_for_wake(l->in, seen, is_promising && step < LOOK_MS ? step : LOOK_MS);
        }
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
        pause_lane(l);
    }
    return n > 0;
}

static void wait_until_kept(struct lane *l)
{
    struct inspector *in = l->in;
    for (uint64_t seen = wakes_so_far(in); flying(in, &in->slow_flying) > 0 && !in->is_stopping; seen = wakes_so_far(in))
        wait_for_wake(in, seen, LOOK_MS);
    (void)pthread_mutex_lock(&in->lock);
    bool has_failed = TAKE(in->has_slow_failed);
    (void)pthread_mutex_unlock(&in->lock);
    if (has_failed)
        pause_lane(l);
}

static bool slow_round(struct lane *l)
{
    struct arrival_row               row;
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, BATCH_ARENA);
    if (!may_go_on(l) || !slow_next(l, &row, &a))
        return false;
    if (handle(l, &row) == NOT_NOW)
        return false;
    l->after = row.seq;
    wait_until_kept(l);
    l->idle_since = clock_mono_ms();
    return true;
}

static void *slow_run(void *arg)
{
    struct lane *l = arg;
    while (!l->in->is_stopping) {
        uint64_t seen = wakes_so_far(l->in);
        if (slow_round(l))
            continue;
        if (l->process.pid > 0 && clock_mono_ms() - l->idle_since > IDLE_MS)
            inspect_process_stop(&l->process);
        wait_for_wake(l->in, seen, LOOK_MS);
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
    struct inspector  *in = calloc(1, sizeof *in);
    pthread_condattr_t monotonic;
    if (!in)
        return err_set(e, ERR_NOMEM, "out of memory");
    *in = (struct inspector){ .store = s, .relay = r, .options = *o };
    in->quick = (struct lane){ .in = in, .name = "quick", .is_quick = true };
    in->slow = (struct lane){ .in = in, .name = "slow" };
    (void)pthread_mutex_init(&in->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&in->woken, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
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
    inspector_wake(in);
    lane_stop(&in->quick);
    lane_stop(&in->slow);
    if (!wait_for_relay(in))
        return;
    (void)pthread_cond_destroy(&in->woken);
    (void)pthread_mutex_destroy(&in->lock);
    free(in);
}

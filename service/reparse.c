/* reparse: one run at a time. The thread reads progress alone; others see it under the lock. */
#include "service/reparse.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/turn.h"
#include "service/aside.h"
#include "service/devices.h"
#include "service/inspect_ask.h"
#include "store/outbox.h"
#include "store/past.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 32,
    BATCH_ARENA = 16 * 1024 * 1024,
    EVENT_ARENA = 4 * 1024 * 1024,
};

enum state { IDLE, RUNNING, DONE, STOPPED, FAILED };
static const char *const state_names[] = { "idle", "running", "done", "stopped", "failed" };

struct progress {
    enum state state;
    int64_t    since_ms, total, done, changed, failed;
    int64_t    started_ms, ended_ms, started_mono_ms;
    char       device[DEVICE_TEXT_MAX + 1]; /* "" = all */
    char       error[240];
};

struct reparse {
    struct store                   *store;
    struct inspector_options        options;
    atomic_bool                     is_stopping;
    pthread_mutex_t                 lock; /* guards the rest */
    struct progress                 progress;
    pthread_t                       thread;
    bool                            has_thread; /* to be joined */
};

/* What the thread holds during a run. */
struct run {
    struct reparse        *r;
    struct store_reader   *reader;
    struct inspect_process process;
    struct past_filter     filter;
    char                   device[DEVICE_TEXT_MAX + 1];
};

static void count(struct reparse *r, int64_t *which)
{
    (void)pthread_mutex_lock(&r->lock);
    ++*which;
    (void)pthread_mutex_unlock(&r->lock);
}

static bool tick(void *user)
{
    struct reparse *r = user;
    return !r->is_stopping;
}

/* --- one arrival ---------------------------------------------------------------------------------------------------- */

struct correction {
    struct store_op           op;
    const struct arrival_row *row;
    struct events            *events;
    const struct job_answer  *answer;
    int64_t                   now_ms;
};

static int apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct correction  *c = (struct correction *)(void *)op;
    struct event_origin origin = { .arrival = c->row->id, .parser = c->answer->parser, .received_ms = c->row->received_ms };
    int64_t             seqs[EVENTS_MAX];
    bool                is_new[EVENTS_MAX];
    enum arrival_state  state;
    int                 found = tx_arrival_state_now(tx, c->row->seq, &state, e);
    if (found <= 0)
        return found; /* it was erased meanwhile */
    if (tx_events(tx, c->row->seq, &origin, c->events, seqs, is_new, e) < 0)
        return -1;
    if (tx_arrival_state(tx, c->row->seq, ARRIVAL_UNDERSTOOD, c->answer->parser, c->answer->subject, e) < 0)
        return -1;
    return tx_events_read_again(tx, c->row->seq, c->now_ms, e);
}

static int ensure_process(struct run *run, struct err *e)
{
    if (run->process.pid > 0)
        return 0;
    return inspect_process_start(&run->process, &run->r->options, (struct ticker){ tick, run->r }, e);
}

/* 0 with an answer; -1: see e, ERR_BUSY and ERR_STATE are not the arrival's fault. */
static int ask(struct run *run, const struct arrival_row *row, struct events *events, struct job_answer *answer, struct err *e)
{
    int told = 0;
    for (int tries = 0; told == 0; tries++) { /* a process that was gone is replaced once */
        if (ensure_process(run, e) < 0) {
            e->code = ERR_STATE;
            return -1;
        }
        told = tries > 1 ? err_set(e, ERR_STATE, "postern-inspect ends at once")
                         : inspect_ask(&run->process, &run->r->options, run->reader, row, e);
    }
    if (told < 0)
        return -1;
    int64_t deadline = inspect_deadline_ms(&run->r->options, row->bytes);
    if (inspect_process_hear(&run->process, deadline, (struct ticker){ tick, run->r }, events, answer, e) < 0)
        return -1;
    if (answer->error || events->count == 0)
        return err_set(e, ERR_INPUT, "%s", answer->error ? answer->error : "no event");
    return 0;
}

/* Not readable now: its events stay as they are. */
static void leave(struct run *run, const struct arrival_row *row, const struct err *why)
{
    log_line(LOG_WARN, "reparse.left", LOG_S("arrival", row->id), LOG_S("text", why->text));
    count(run->r, &run->r->progress.failed);
}

/* -1: the run cannot go on. */
static int read_again(struct run *run, const struct arrival_row *row, struct err *e)
{
    CLEANUP(arena_done) struct arena arena;
    arena_init(&arena, EVENT_ARENA);
    struct events     events = { .arena = &arena };
    struct job_answer answer = { .error = NULL };
    if (ask(run, row, &events, &answer, e) < 0) {
        if (e->code == ERR_STATE || run->r->is_stopping)
            return -1;
        leave(run, row, e);
        return 0;
    }
    struct correction c = {
        .op = { .rank = STORE_EVENT, .apply = apply }, .row = row, .events = &events, .answer = &answer, .now_ms = clock_wall_ms(),
    };
    if (store_do(run->r->store, &c.op, e) < 0)
        return -1;
    if (!row->parser || strcmp(row->parser, answer.parser) != 0)
        count(run->r, &run->r->progress.changed);
    return 0;
}

/* --- the run -------------------------------------------------------------------------------------------------------- */

/* How many of them; 0: the end; -1. */
static int read_batch(struct run *run, int64_t *after, struct err *e)
{
    CLEANUP(arena_done) struct arena a;
    struct arrival_row               rows[BATCH];
    arena_init(&a, BATCH_ARENA);
    int n = past_arrivals(run->reader, &run->filter, *after, rows, BATCH, &a, e);
    for (int i = 0; i < n; i++) {
        aside_wait(run->reader, &run->r->is_stopping);
        if (run->r->is_stopping)
            return 0;
        if (read_again(run, &rows[i], e) < 0)
            return run->r->is_stopping ? 0 : -1;
        *after = rows[i].seq;
        count(run->r, &run->r->progress.done);
    }
    return n;
}

static int read_all(struct run *run, struct err *e)
{
    int64_t after = 0, total;
    int     n;
    if (store_reader_open(run->r->store, &run->reader, e) < 0 || past_count(run->reader, &run->filter, &total, e) < 0)
        return -1;
    (void)pthread_mutex_lock(&run->r->lock);
    run->r->progress.total = total;
    (void)pthread_mutex_unlock(&run->r->lock);
    do
        n = read_batch(run, &after, e);
    while (n > 0);
    return n;
}

static void say_end(const struct progress *p)
{
    log_line(p->state == FAILED ? LOG_ERROR : LOG_INFO, "reparse.ended", LOG_S("state", state_names[p->state]), LOG_I("done", p->done),
             LOG_I("changed", p->changed), LOG_I("failed", p->failed), LOG_I("ms", clock_mono_ms() - p->started_mono_ms),
             LOG_S("text", p->error[0] ? p->error : NULL));
}

static void *run_all(void *arg)
{
    struct reparse *r = arg;
    struct run      run = { .r = r };
    struct err      e;
    turn_take(TURN_LATER);
    (void)pthread_mutex_lock(&r->lock);
    memcpy(run.device, r->progress.device, sizeof run.device);
    run.filter = (struct past_filter){ .since_ms = r->progress.since_ms, .device = run.device[0] ? run.device : NULL };
    (void)pthread_mutex_unlock(&r->lock);
    inspect_process_init(&run.process);
    int result = read_all(&run, &e);
    inspect_process_done(&run.process);
    store_reader_close(&run.reader);
    (void)pthread_mutex_lock(&r->lock);
    r->progress.state = result < 0 ? FAILED : r->is_stopping ? STOPPED : DONE;
    r->progress.ended_ms = clock_wall_ms();
    (void)snprintf(r->progress.error, sizeof r->progress.error, "%s", result < 0 ? e.text : "");
    struct progress ended = r->progress;
    (void)pthread_mutex_unlock(&r->lock);
    say_end(&ended);
    return NULL;
}

/* --- from outside --------------------------------------------------------------------------------------------------- */

int reparse_new(struct store *s, const struct inspector_options *o, struct reparse **out, struct err *e)
{
    struct reparse *r = calloc(1, sizeof *r);
    if (!r)
        return err_set(e, ERR_NOMEM, "out of memory");
    r->store = s;
    r->options = *o;
    (void)pthread_mutex_init(&r->lock, NULL);
    *out = r;
    return 0;
}

void reparse_free(struct reparse **r)
{
    struct reparse *ending = TAKE(*r);
    if (!ending)
        return;
    atomic_store(&ending->is_stopping, true);
    if (ending->has_thread)
        (void)pthread_join(ending->thread, NULL);
    (void)pthread_mutex_destroy(&ending->lock);
    free(ending);
}

/* With the lock. The thread of the run before has ended, or is about to. */
static int begin(struct reparse *r, int64_t since_ms, const char *device, struct err *e)
{
    if (r->progress.state == RUNNING)
        return err_set(e, ERR_STATE, "mails are being read again: %lld of %lld", (long long)r->progress.done, (long long)r->progress.total);
    if (r->has_thread)
        (void)pthread_join(r->thread, NULL);
    r->has_thread = false;
    struct progress p = { .state = RUNNING, .since_ms = since_ms, .started_ms = clock_wall_ms(), .started_mono_ms = clock_mono_ms() };
    (void)snprintf(p.device, sizeof p.device, "%s", device ? device : "");
    r->progress = p;
    int failed = pthread_create(&r->thread, NULL, run_all, r);
    if (failed != 0) {
        r->progress.state = FAILED;
        return err_set(e, ERR_BUSY, "thread: %s", strerror(failed));
    }
    r->has_thread = true;
    (void)pthread_setname_np(r->thread, "reparse");
    return 0;
}

int reparse_begin(struct reparse *r, int64_t since_ms, const char *device, struct err *e)
{
    if (device && strlen(device) > DEVICE_TEXT_MAX)
        return err_set(e, ERR_INPUT, "device: no name has more than %d bytes", DEVICE_TEXT_MAX);
    (void)pthread_mutex_lock(&r->lock);
    int result = r->is_stopping ? err_set(e, ERR_BUSY, "stopping") : begin(r, since_ms, device, e);
    (void)pthread_mutex_unlock(&r->lock);
    if (result == 0)
        log_line(LOG_INFO, "reparse.begun", LOG_I("since_ms", since_ms), LOG_S("device", device));
    return result;
}

bool reparse_is_running(struct reparse *r)
{
    (void)pthread_mutex_lock(&r->lock);
    bool is_running = r->progress.state == RUNNING;
    (void)pthread_mutex_unlock(&r->lock);
    return is_running;
}

void reparse_write(struct reparse *r, struct json_out *w)
{
    (void)pthread_mutex_lock(&r->lock);
    struct progress p = r->progress;
    (void)pthread_mutex_unlock(&r->lock);
    json_s(w, "state", state_names[p.state]);
    if (p.state == IDLE)
        return;
    if (p.since_ms)
        json_time(w, "since", p.since_ms);
    json_s_opt(w, "device", p.device);
    json_i(w, "total", p.total);
    json_i(w, "done", p.done);
    json_i(w, "changed", p.changed);
    json_i(w, "failed", p.failed);
    json_time(w, "started_at", p.started_ms);
    if (p.state != RUNNING)
        json_time(w, "ended_at", p.ended_ms);
    else if (p.done > 0)
        json_i(w, "eta_s", (clock_mono_ms() - p.started_mono_ms) * (p.total - p.done) / p.done / 1000);
    json_s_opt(w, "error", p.error);
}

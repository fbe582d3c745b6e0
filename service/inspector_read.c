/* inspector_read: one arrival to one postern-inspect, and what its failure costs. */
#include "core/log.h"
#include "core/metrics.h"
#include "service/health.h"
#include "service/inspector_inside.h"
#include <unistd.h>

enum { TRIES_MAX = 3, JOB_MS = 2000, JOB_BYTES_PER_SECOND = 5 * 1024 * 1024 };

static bool tick(void *user)
{
    struct lane *l = user;
    if (l->is_quick)
        inspector_keep_promise(l->in);
    return !l->in->is_stopping;
}

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

int lane_ensure_process(struct lane *l)
{
    struct err e;
    if (l->process.pid > 0)
        return 0;
    if (inspect_process_start(&l->process, &l->in->options, (struct ticker){ tick, l }, &e) < 0) {
        lane_pause(l);
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
    struct understanding *u = understanding_unreadable(l->in, row);
    if (!u)
        return NOT_NOW;
    log_line(LOG_WARN, "inspector.given_up", LOG_S("arrival", row->id), LOG_I("bytes", row->bytes), LOG_S("text", why));
    inspector_hand_over(l->in, u, ARRIVAL_GIVEN_UP, l->is_quick ? &l->in->quick_flying : &l->in->slow_flying);
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
        lane_pause(l);
        return NOT_NOW;
    }
    lane_wake(&l->in->slow); /* it is slow's from here */
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
    if (r < 0 && e->code == ERR_BUSY && lane_ensure_process(l) == 0)
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
        inspector_hand_over(l->in, u, ARRIVAL_UNDERSTOOD, l->is_quick ? &in->quick_flying : &in->slow_flying);
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

enum ending lane_read(struct lane *l, const struct arrival_row *row)
{
    struct err e;
    int        fd = -1;
    if (lane_ensure_process(l) < 0)
        return NOT_NOW;
    if (store_open_raw(l->reader, row->seq, &fd, &e) < 0) {
        if (e.code == ERR_NOT_FOUND)
            return give_up(l, row, "its raw mail is gone");
        log_line(LOG_ERROR, "inspector.failed", LOG_S("arrival", row->id), LOG_S("text", e.text));
        lane_pause(l);
        return NOT_NOW;
    }
    enum ending ending = read_raw(l, row, fd);
    (void)close(fd);
    return ending;
}

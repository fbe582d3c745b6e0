/* inspector_read: one arrival to one postern-inspect, and what its failure costs. */
#include "core/log.h"
#include "core/metrics.h"
#include "service/health.h"
#include "service/inspect_ask.h"
#include "service/inspector_inside.h"
#include <string.h>
#include <unistd.h>

enum {
    TRIES_MAX = 3,
    AHEAD_MAX = 16,         /* questions that a process holds */
    AHEAD_BYTES = 4 * 1024, /* of one that may go ahead       */
};

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
    if (l->in->options.devices)
        devices_complain(l->in->options.devices, &u->envelope, row->received_ms, why);
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

/* --- questions ------------------------------------------------------------------------------------------------ */

/* Whether the process may have it before it has answered the one before: little enough that neither end ever waits for
 * the other's buffer. */
static bool may_go_ahead(const struct lane *l, const struct arrival_row *row)
{
    return l->process.unheard < AHEAD_MAX && row->bytes + (int64_t)strlen(row->envelope) <= AHEAD_BYTES;
}

/* The process has rows[i]; or rows[i] ended already, as enum ending says. */
enum telling { TOLD, ENDED_DONE, ENDED_NOT_NOW };

/* Tells the process rows[i], if it does not know it yet, and those after it that may go ahead: it reads the next mail while we
 * keep this one's events. */
static enum telling tell_ahead(struct lane *l, const struct arrival_row *rows, int i, int n)
{
    struct err e;
    for (int tries = 0; l->process.unheard == 0; tries++) { /* a process that was gone is replaced once */
        if (tries > 1 || lane_ensure_process(l) < 0)
            return ENDED_NOT_NOW;
        if (inspect_ask(&l->process, &l->in->options, l->reader, &rows[i], &e) >= 0)
            continue;
        if (e.code == ERR_NOT_FOUND)
            return give_up(l, &rows[i], "its raw mail is gone") == DONE ? ENDED_DONE : ENDED_NOT_NOW;
        log_line(LOG_ERROR, "inspector.failed", LOG_S("arrival", rows[i].id), LOG_S("text", e.text));
        lane_pause(l);
        return ENDED_NOT_NOW;
    }
    for (int next = i + l->process.unheard; next < n && may_go_ahead(l, &rows[i]) && may_go_ahead(l, &rows[next]); next++)
        if (inspect_ask(&l->process, &l->in->options, l->reader, &rows[next], &e) < 1)
            break; /* its own turn will show why */
    return l->process.unheard > 0 ? TOLD : ENDED_NOT_NOW;
}

static enum ending hear(struct lane *l, const struct arrival_row *row)
{
    struct inspector     *in = l->in;
    struct understanding *u = understanding_of(row);
    struct job_answer     answer;
    struct err            e;
    if (!u) {
        inspect_process_stop(&l->process); /* its answer would be taken for the next one's */
        return NOT_NOW;
    }
    int r = inspect_process_hear(&l->process, inspect_deadline_ms(&in->options, row->bytes), (struct ticker){ tick, l }, &u->events, &answer, &e);
    if (r == 0 && !answer.error && u->events.count > 0) {
        u->parser = answer.parser;
        u->subject = answer.subject;
        if (u->events.rule_trouble)
            inspector_tell_rule(in, u->events.rule_trouble);
        inspector_hand_over(in, u, ARRIVAL_UNDERSTOOD, l->is_quick ? &in->quick_flying : &in->slow_flying);
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

int lane_read(struct lane *l, const struct arrival_row *rows, int n)
{
    int done = 0;
    for (; done < n && !l->in->is_stopping; done++) {
        enum telling told = tell_ahead(l, rows, done, n);
        if (told == ENDED_NOT_NOW || (told == TOLD && hear(l, &rows[done]) == NOT_NOW))
            break;
        l->after = rows[done].seq;
        l->pause_ms = 0;
        if (l->is_quick)
            inspector_keep_promise(l->in);
    }
    if (done < n)
        inspect_process_stop(&l->process); /* what it still holds is asked again, of another */
    return done;
}

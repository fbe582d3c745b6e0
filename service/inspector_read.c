/* inspector_read: one arrival to one postern-inspect, and what its failure costs. */
#include "core/log.h"
#include "core/metrics.h"
#include "service/health.h"
#include "service/inspector_inside.h"
#include <string.h>
#include <unistd.h>

enum {
    TRIES_MAX = 3,
    JOB_MS = 2000,
    JOB_BYTES_PER_SECOND = 5 * 1024 * 1024,
    AHEAD_MAX = 16,           /* questions that a process holds              */
    AHEAD_BYTES = 4 * 1024,   /* of one that may go ahead                    */
    ENVELOPE_ARENA = 512 * 1024,
    INLINE_BYTES = 64 * 1024, /* larger ones go as a descriptor              */
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

/* Who sent it, before it is read; false: nobody is known, the reader draws an id of its own. */
static bool recognise(const struct inspector *in, const struct arrival_row *row, struct device_known *known, struct job_device *out)
{
    CLEANUP(arena_done) struct arena a;
    CLEANUP(json_free) struct json  *json = in->options.devices ? json_parse(row->envelope, strlen(row->envelope), NULL) : NULL;
    struct envelope                  envelope;
    arena_init(&a, ENVELOPE_ARENA);
    if (!json || envelope_read(json, &a, &envelope) < 0)
        return false;
    devices_recognise(in->options.devices, &envelope, known);
    *out = (struct job_device){ known->id, known->name, known->kind, known->language, known->time_zone };
    return known->id[0] != '\0';
}

/* 1: told; 0: the process was gone, it is told anew by the next one; -1: its raw mail cannot be had, see e. */
static int tell(struct lane *l, const struct arrival_row *row, struct err *e)
{
    CLEANUP(buf_done) struct buf raw;
    buf_init(&raw, INLINE_BYTES);
    struct device_known known;
    struct job_device   device;
    struct question q = { .device = recognise(l->in, row, &known, &device) ? &device : NULL, .envelope = row->envelope, .received_ms = row->received_ms, .fd = -1 };
    int             r = row->bytes <= INLINE_BYTES ? store_copy_raw(l->reader, row->seq, &raw, e) : 0;
    if (r == 0)
        r = store_open_raw(l->reader, row->seq, &q.fd, e);
    if (r < 0)
        return -1;
    if (q.fd < 0) {
        q.raw = buf_str(&raw);
        q.raw_bytes = raw.len;
    }
    r = inspect_process_tell(&l->process, &q, e);
    if (q.fd >= 0)
        (void)close(q.fd);
    return r == 0;
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
        if (tell(l, &rows[i], &e) >= 0)
            continue;
        if (e.code == ERR_NOT_FOUND)
            return give_up(l, &rows[i], "its raw mail is gone") == DONE ? ENDED_DONE : ENDED_NOT_NOW;
        log_line(LOG_ERROR, "inspector.failed", LOG_S("arrival", rows[i].id), LOG_S("text", e.text));
        lane_pause(l);
        return ENDED_NOT_NOW;
    }
    for (int next = i + l->process.unheard; next < n && may_go_ahead(l, &rows[i]) && may_go_ahead(l, &rows[next]); next++)
        if (tell(l, &rows[next], &e) < 1)
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
    int r = inspect_process_hear(&l->process, deadline_ms(in, row->bytes), (struct ticker){ tick, l }, &u->events, &answer, &e);
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

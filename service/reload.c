/* reload: the steps on the loop; looks in libuv's pool, since they read files and ask postern-inspect. */
#include "service/reload.h"
#include "core/clock.h"
#include "core/fault.h"
#include "core/log.h"
#include "net/inherited.h"
#include "service/doors.h"
#include "service/notify.h"
#include "service/reload_look.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <uv.h>

enum {
    STEP_MS = 10,
    CALM_MOST_MS = 60 * 1000, /* a device that sends a drop at a time does not hold the settings for ever */
};

enum phase { IDLE, FIRST_LOOK, WAITING, LAST_LOOK, GOING };

struct reload {
    struct reload_options options;
    uv_loop_t            *loop;
    uv_async_t            wish; /* of another thread: begin */
    uv_timer_t            step;
    uv_work_t             work;
    atomic_int            phase; /* enum phase; the loop's thread sets it */
    atomic_bool           is_stopped;
    bool                  is_audited; /* whoever asked has it in the audit */
    int64_t               calm_by_ms;
    /* What a look brings. */
    bool       is_good;
    size_t     changes;
    unsigned   same_doors;
    struct err failed; /* code ERR_NONE: no */
};

/* --- in the pool --------------------------------------------------------------------------------------------------- */

static void take_look(struct reload *r, struct reload_look *l)
{
    r->is_good = l->is_good;
    r->changes = l->changes;
    reload_look_log(l);
    if (!l->is_good)
        return;
    if (r->phase == FIRST_LOOK && !r->is_audited)
        r->options.asked(r->options.user, l->changes);
    r->same_doors = doors_same(l->now, &l->next);
    if (r->phase == LAST_LOOK && doors_keep_new(l->now, &l->next, &r->failed) < 0)
        r->is_good = false;
}

static void on_work(uv_work_t *work)
{
    struct reload     *r = work->data;
    struct reload_look l;
    r->is_good = false;
    r->failed.code = ERR_NONE;
    if (reload_look(r->options.settings, &l, &r->failed) == 0)
        take_look(r, &l);
    reload_look_done(&l);
}

/* --- on the loop ----------------------------------------------------------------------------------------------------- */

static void give_up(struct reload *r)
{
    if (r->phase == LAST_LOOK)
        inherited_forget();
    (void)uv_timer_stop(&r->step);
    log_line(LOG_ERROR, "reload.refused", LOG_S("text", r->failed.code != ERR_NONE ? r->failed.text : "there are mistakes in the new settings"),
             LOG_S("instead", "the settings before"));
    r->phase = IDLE;
    notify_ready();
}

static void say_unchanged(struct reload *r)
{
    log_line(LOG_INFO, "reload.unchanged", LOG_S("text", "the settings are the same; certificates are looked at"));
    r->options.unchanged(r->options.user);
    r->phase = IDLE;
    notify_ready();
}

static void on_step(uv_timer_t *timer);

static void wait_for_calm(struct reload *r)
{
    r->phase = WAITING;
    r->calm_by_ms = clock_mono_ms() + CALM_MOST_MS;
    log_line(LOG_INFO, "reload.begins", LOG_I("changes", r->changes));
    (void)uv_timer_start(&r->step, on_step, 0, STEP_MS);
}

static void go(struct reload *r)
{
    FAULT("reload.before_go");
    if (r->options.go(r->options.user, r->same_doors, &r->failed) == 0)
        r->phase = GOING;
    else
        give_up(r);
}

static void on_looked(uv_work_t *work, int status)
{
    struct reload *r = work->data;
    (void)status;
    if (r->is_stopped) {
        inherited_forget();
        r->phase = IDLE;
    } else if (!r->is_good) {
        give_up(r);
    } else if (r->changes == 0) {
        inherited_forget();
        say_unchanged(r);
    } else if (r->phase == LAST_LOOK) {
        go(r);
    } else {
        wait_for_calm(r);
    }
}

static void look(struct reload *r, enum phase phase)
{
    r->phase = phase;
    if (uv_queue_work(r->loop, &r->work, on_work, on_looked) == 0)
        return;
    (void)err_set(&r->failed, ERR_NOMEM, "out of memory");
    give_up(r);
}

static void on_step(uv_timer_t *timer)
{
    struct reload *r = timer->data;
    if (!r->options.is_calm(r->options.user) && clock_mono_ms() < r->calm_by_ms)
        return;
    (void)uv_timer_stop(timer);
    look(r, LAST_LOOK);
}

static void begin(struct reload *r, bool is_audited)
{
    const char *in_the_way = r->options.in_the_way(r->options.user);
    if (r->is_stopped || r->phase != IDLE) /* one that goes on reads them later than this */
        return;
    if (in_the_way) {
        log_line(LOG_ERROR, "reload.refused", LOG_S("text", in_the_way), LOG_S("instead", "the settings before"));
        return;
    }
    notify_reloading();
    r->is_audited = is_audited;
    look(r, FIRST_LOOK);
}

void reload_ask(struct reload *r)
{
    begin(r, false);
}

static void on_wish(uv_async_t *wish)
{
    begin(wish->data, true);
}

/* --- for other threads ------------------------------------------------------------------------------------------------ */

int reload_try(struct reload *r, struct json_out *w, struct err *e)
{
    const char *in_the_way = r->phase != IDLE ? "the settings are being read anew" : r->options.in_the_way(r->options.user);
    if (in_the_way)
        return err_set(e, ERR_STATE, "%s", in_the_way);
    struct reload_look l;
    int                result = reload_look(r->options.settings, &l, e);
    if (result == 0) {
        reload_look_write(&l, w);
        result = l.is_good;
    }
    reload_look_done(&l);
    return result;
}

void reload_begin(struct reload *r)
{
    (void)uv_async_send(&r->wish);
}

/* --- life ------------------------------------------------------------------------------------------------------------- */

struct reload *reload_new(struct uv_loop_s *loop, const struct reload_options *o)
{
    struct reload *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->options = *o;
    r->loop = loop;
    if (uv_async_init(loop, &r->wish, on_wish) < 0) {
        free(r);
        return NULL;
    }
    (void)uv_timer_init(loop, &r->step);
    uv_unref((uv_handle_t *)&r->wish);
    r->wish.data = r->step.data = r->work.data = r;
    return r;
}

void reload_stop(struct reload *r)
{
    if (!r)
        return;
    r->is_stopped = true;
    (void)uv_timer_stop(&r->step);
}

void reload_free(struct reload **r)
{
    free(TAKE(*r));
}

/* apart: `home` is held by the thread while it is at home; `lock` guards what others ask of it. */
#include "store/apart.h"
#include "core/clock.h"
#include "core/turn.h"
#include "core/wait.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { STOP_MS = 3000 };

struct apart {
    struct apart_work work;
    pthread_t         thread;
    pthread_mutex_t   home; /* guards is_abandoned, and the work's own */
    bool              is_abandoned;

    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t  changed;
    bool            is_stopping, has_ended;
    int64_t         away_since; /* 0: at home */
};

static void note_away(struct apart *a, int64_t since)
{
    (void)pthread_mutex_lock(&a->lock);
    a->away_since = since;
    (void)pthread_mutex_unlock(&a->lock);
}

void apart_away(struct apart *a)
{
    note_away(a, clock_mono_ms());
    (void)pthread_mutex_unlock(&a->home);
}

bool apart_home(struct apart *a)
{
    (void)pthread_mutex_lock(&a->home);
    note_away(a, 0);
    return !a->is_abandoned;
}

bool apart_is_stopping(struct apart *a)
{
    (void)pthread_mutex_lock(&a->lock);
    bool is = a->is_stopping;
    (void)pthread_mutex_unlock(&a->lock);
    return is;
}

bool apart_rest(struct apart *a, int64_t ms)
{
    int64_t until_us = wait_deadline_us(ms);
    (void)pthread_mutex_unlock(&a->home);
    (void)pthread_mutex_lock(&a->lock);
    while (!a->is_stopping && wait_until(&a->changed, &a->lock, until_us))
        ;
    (void)pthread_mutex_unlock(&a->lock);
    return apart_home(a);
}

int64_t apart_away_ms(struct apart *a)
{
    (void)pthread_mutex_lock(&a->lock);
    int64_t since = a->away_since;
    (void)pthread_mutex_unlock(&a->lock);
    return since ? clock_mono_ms() - since : 0;
}

/* --- life ------------------------------------------------------------------------------------------------------------ */

static void free_all(struct apart *a)
{
    a->work.free(a->work.user);
    (void)pthread_mutex_destroy(&a->home);
    (void)pthread_mutex_destroy(&a->lock);
    (void)pthread_cond_destroy(&a->changed);
    free(a);
}

static void note_end(struct apart *a)
{
    (void)pthread_mutex_lock(&a->lock);
    a->has_ended = true;
    (void)pthread_cond_broadcast(&a->changed);
    (void)pthread_mutex_unlock(&a->lock);
}

static void *run(void *arg)
{
    struct apart *a = arg;
    turn_take(TURN_LATER);
    (void)pthread_mutex_lock(&a->home);
    a->work.run(a, a->work.user);
    bool is_abandoned = a->is_abandoned;
    if (!is_abandoned)
        note_end(a); /* while at home: after that nobody abandons us */
    (void)pthread_mutex_unlock(&a->home);
    if (is_abandoned)
        free_all(a);
    return NULL;
}

int apart_start(const struct apart_work *work, struct apart **out, struct err *e)
{
    struct apart *a = calloc(1, sizeof *a);
    if (!a) {
        work->free(work->user);
        return err_set(e, ERR_NOMEM, "out of memory");
    }
    (void)pthread_cond_init(&a->changed, NULL);
    (void)pthread_mutex_init(&a->home, NULL);
    (void)pthread_mutex_init(&a->lock, NULL);
    a->work = *work;
    *out = a;
    int failed = pthread_create(&a->thread, NULL, run, a);
    if (failed != 0) {
        free_all(a);
        return err_set(e, ERR_BUSY, "thread %s: %s", work->name, strerror(failed));
    }
    (void)pthread_setname_np(a->thread, work->name);
    return 0;
}

static bool has_ended_soon(struct apart *a)
{
    int64_t until_us = wait_deadline_us(STOP_MS);
    (void)pthread_mutex_lock(&a->lock);
    a->is_stopping = true;
    (void)pthread_cond_broadcast(&a->changed);
    while (!a->has_ended && wait_until(&a->changed, &a->lock, until_us))
        ;
    bool has_ended = a->has_ended;
    (void)pthread_mutex_unlock(&a->lock);
    return has_ended;
}

/* false: it came home in the last moment, and ends by itself. */
static bool abandon(struct apart *a)
{
    (void)pthread_mutex_lock(&a->home);
    (void)pthread_mutex_lock(&a->lock);
    bool is_away = !a->has_ended;
    (void)pthread_mutex_unlock(&a->lock);
    if (is_away) {
        a->is_abandoned = true;
        a->work.let_go(a->work.user);
        (void)pthread_detach(a->thread);
    }
    (void)pthread_mutex_unlock(&a->home);
    return is_away;
}

void apart_stop(struct apart *a)
{
    if (!has_ended_soon(a) && abandon(a))
        return;
    (void)pthread_join(a->thread, NULL);
    free_all(a);
}

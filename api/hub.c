/* hub: one thread, one lock. */
#include "api/hub.h"
#include "api/context.h"
#include "core/clock.h"
#include "core/wait.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOK_MS = 1000,   /* at clients that have gone, and at health      */
    BEAT_MS = 5000,   /* streams look whether a heartbeat is due       */
    PAUSE_MS = 20,    /* between two wakes, and …                      */
    PAUSE_EACH = 2,   /* … a millisecond more for so many streams      */
    HEALTH_MAX = 64 * 1024,
};

struct hub {
    struct hub_options o;
    struct http       *http;
    pthread_t          thread;
    pthread_mutex_t    lock; /* guards the following */
    pthread_cond_t     changed;
    bool               is_running, is_stopping;
    int                streams;
    struct buf         health;
    uint64_t           health_version;

    /* the thread's own */
    uint64_t seen; /* commits */
    int64_t  beat_ms, looked_ms;
};

/* --- health ---------------------------------------------------------------------------------------------------- */

static bool refresh_health(struct hub *h)
{
    if (!h->o.health)
        return false;
    struct buf now;
    buf_init(&now, HEALTH_MAX);
    struct json_out w = json_begin(&now);
    (void)h->o.health(h->o.user, &w, NULL);
    (void)pthread_mutex_lock(&h->lock);
    bool is_new = !now.failed && strcmp(buf_str(&now), buf_str(&h->health)) != 0;
    if (is_new) {
        struct buf old = h->health;
        h->health = now;
        now = old;
        h->health_version++;
    }
    (void)pthread_mutex_unlock(&h->lock);
    buf_done(&now);
    return is_new;
}

bool hub_health(struct hub *h, uint64_t *version, struct buf *out)
{
    (void)pthread_mutex_lock(&h->lock);
    bool is_new = *version != h->health_version;
    if (is_new)
        buf_puts(out, buf_str(&h->health));
    *version = h->health_version;
    (void)pthread_mutex_unlock(&h->lock);
    return is_new;
}

/* --- the thread ------------------------------------------------------------------------------------------------ */

/* Until it stops, the time is over or (only while no stream was open) one opens. Whether it goes on. */
static bool rest(struct hub *h, int64_t ms, bool until_stream)
{
    int64_t until_us = wait_deadline_us(ms);
    (void)pthread_mutex_lock(&h->lock);
    while (!h->is_stopping && !(until_stream && h->streams > 0) && wait_until(&h->changed, &h->lock, until_us))
        continue;
    bool goes_on = !h->is_stopping;
    (void)pthread_mutex_unlock(&h->lock);
    return goes_on;
}

static int streams_open(struct hub *h)
{
    (void)pthread_mutex_lock(&h->lock);
    int streams = h->streams;
    (void)pthread_mutex_unlock(&h->lock);
    return streams;
}

/* Once a second: whether a stream has to be woken for another reason than a write. */
static bool look_around(struct hub *h)
{
    int64_t now = clock_mono_ms();
    if (now - h->looked_ms < LOOK_MS)
        return false;
    h->looked_ms = now;
    (void)http_look_after_streams(h->http, now);
    api_readers_rest(h->o.api);
    bool is_beat = now - h->beat_ms >= BEAT_MS;
    if (is_beat)
        h->beat_ms = now;
    return refresh_health(h) || is_beat;
}

static void *run(void *user)
{
    struct hub *h = user;
    bool        goes_on = true;
    while (goes_on) {
        bool is_due = look_around(h);
        int  streams = streams_open(h);
        if (streams == 0) {
            goes_on = rest(h, LOOK_MS, true);
            continue;
        }
        uint64_t commits = store_wait_commit(h->o.store, h->seen, is_due ? 0 : LOOK_MS / 2);
        if (is_due || commits != h->seen)
            http_wake(h->http);
        h->seen = commits;
        goes_on = rest(h, PAUSE_MS + streams / PAUSE_EACH, false); /* what is written meanwhile goes together */
    }
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------------------------ */

int hub_new(const struct hub_options *o, struct hub **out, struct err *e)
{
    struct hub *h = calloc(1, sizeof *h);
    if (!h)
        return err_set(e, ERR_NOMEM, "out of memory");
    h->o = *o;
    buf_init(&h->health, HEALTH_MAX);
    (void)pthread_cond_init(&h->changed, NULL);
    (void)pthread_mutex_init(&h->lock, NULL);
    (void)refresh_health(h);
    *out = h;
    return 0;
}

int hub_start(struct hub *h, struct http *http, struct err *e)
{
    h->http = http;
    h->is_running = pthread_create(&h->thread, NULL, run, h) == 0;
    return h->is_running ? 0 : err_set(e, ERR_IO, "no thread for the live streams");
}

void hub_stop(struct hub *h)
{
    if (!h || !h->is_running)
        return;
    (void)pthread_mutex_lock(&h->lock);
    h->is_stopping = true;
    (void)pthread_cond_signal(&h->changed);
    (void)pthread_mutex_unlock(&h->lock);
    (void)pthread_join(h->thread, NULL);
    h->is_running = false;
}

void hub_free(struct hub **hp)
{
    struct hub *h = TAKE(*hp);
    if (!h)
        return;
    buf_done(&h->health);
    (void)pthread_cond_destroy(&h->changed);
    (void)pthread_mutex_destroy(&h->lock);
    free(h);
}

bool hub_enter(struct hub *h)
{
    (void)pthread_mutex_lock(&h->lock);
    bool is_room = h->streams < h->o.streams_max;
    h->streams += is_room;
    (void)pthread_cond_signal(&h->changed);
    (void)pthread_mutex_unlock(&h->lock);
    return is_room;
}

bool hub_leave(struct hub *h)
{
    (void)pthread_mutex_lock(&h->lock);
    bool was_last = --h->streams == 0;
    (void)pthread_mutex_unlock(&h->lock);
    return was_last;
}

/* carrier: one slot, and who waits for it to be filled or emptied. */
#include "store/carrier.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct carrier {
    struct mongo   *mongo; /* the carrier's own, but between two batches */
    const char     *site;
    pthread_t       thread;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t  changed;
    enum carrier_state { IDLE, UNDER_WAY, BACK, LEAVING } state;
    struct mongo_batch batch;
    int                result;
    struct err         why;
};

static void change(struct carrier *c, enum carrier_state state)
{
    c->state = state;
    (void)pthread_cond_broadcast(&c->changed);
}

static void *run(void *arg)
{
    struct carrier *c = arg;
    (void)pthread_mutex_lock(&c->lock);
    while (c->state != LEAVING) {
        if (c->state != UNDER_WAY) {
            (void)pthread_cond_wait(&c->changed, &c->lock);
            continue;
        }
        struct mongo_batch batch = c->batch;
        struct err         why = { 0 };
        (void)pthread_mutex_unlock(&c->lock);
        int result = mongo_insert(c->mongo, c->site, batch.events, batch.count, &why);
        (void)pthread_mutex_lock(&c->lock);
        c->result = result;
        c->why = why;
        change(c, BACK);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return NULL;
}

static void carrier_free(struct carrier *c)
{
    mongo_close(&c->mongo);
    (void)pthread_mutex_destroy(&c->lock);
    (void)pthread_cond_destroy(&c->changed);
    free(c);
}

int carrier_start(const struct mongo_options *to, const char *site, struct carrier **out, struct err *e)
{
    struct carrier *c = calloc(1, sizeof *c);
    if (!c)
        return err_set(e, ERR_NOMEM, "out of memory");
    (void)pthread_mutex_init(&c->lock, NULL);
    (void)pthread_cond_init(&c->changed, NULL);
    c->site = site;
    int failed = mongo_open(to, &c->mongo, e);
    int no_thread = failed ? 0 : pthread_create(&c->thread, NULL, run, c);
    if (no_thread)
        failed = err_set(e, ERR_BUSY, "thread: %s", strerror(no_thread));
    if (failed) {
        carrier_free(c);
        return -1;
    }
    (void)pthread_setname_np(c->thread, "carrier");
    *out = c;
    return 0;
}

/* The lock is held by whoever asks. */
static void wait_until_back(struct carrier *c)
{
    while (c->state == UNDER_WAY)
        (void)pthread_cond_wait(&c->changed, &c->lock);
}

void carrier_end(struct carrier **cp)
{
    struct carrier *c = TAKE(*cp);
    if (!c)
        return;
    (void)pthread_mutex_lock(&c->lock);
    wait_until_back(c);
    change(c, LEAVING);
    (void)pthread_mutex_unlock(&c->lock);
    (void)pthread_join(c->thread, NULL);
    carrier_free(c);
}

void carrier_send(struct carrier *c, struct mongo_batch batch)
{
    (void)pthread_mutex_lock(&c->lock);
    c->batch = batch;
    change(c, UNDER_WAY);
    (void)pthread_mutex_unlock(&c->lock);
}

int carrier_wait(struct carrier *c, struct err *e)
{
    (void)pthread_mutex_lock(&c->lock);
    wait_until_back(c);
    int result = c->result;
    if (result < 0)
        *e = c->why;
    change(c, IDLE);
    (void)pthread_mutex_unlock(&c->lock);
    return result;
}

struct mongo *carrier_mongo(struct carrier *c)
{
    return c->mongo;
}

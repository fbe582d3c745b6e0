/* watch: who wants to know that something was written waits here, and costs the writer a look at one number while nobody does. */
#include "core/wait.h"
#include "store/inside.h"

void watch_init(struct store *s)
{
    (void)pthread_cond_init(&s->committed, NULL);
    (void)pthread_mutex_init(&s->watch_lock, NULL);
}

void watch_done(struct store *s)
{
    (void)pthread_cond_destroy(&s->committed);
    (void)pthread_mutex_destroy(&s->watch_lock);
}

/* Counted before it is asked whether anybody waits, and a watcher says so before it looks: one of the two sees the other. */
void watch_note_commit(struct store *s)
{
    (void)atomic_fetch_add(&s->commits, 1);
    if (atomic_load(&s->watchers) == 0)
        return;
    (void)pthread_mutex_lock(&s->watch_lock);
    (void)pthread_cond_broadcast(&s->committed);
    (void)pthread_mutex_unlock(&s->watch_lock);
}

uint64_t store_commits(const struct store *s)
{
    return atomic_load(&s->commits);
}

uint64_t store_wait_commit(struct store *s, uint64_t seen, int64_t timeout_ms)
{
    int64_t until_us = wait_deadline_us(timeout_ms);
    (void)pthread_mutex_lock(&s->watch_lock);
    (void)atomic_fetch_add(&s->watchers, 1);
    while (store_commits(s) == seen && wait_until(&s->committed, &s->watch_lock, until_us))
        continue;
    (void)atomic_fetch_sub(&s->watchers, 1);
    (void)pthread_mutex_unlock(&s->watch_lock);
    return store_commits(s);
}

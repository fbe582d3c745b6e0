/* pace: see pace.h. */
#include "store/pace.h"
#include <stddef.h>

enum {
    SHARE_UP = 8,              /* of a new sample in the smoothed time …                                 */
    SHARE_DOWN = 4,
    SAMPLE_MOST_US = 8000,     /* one hiccup, however long, does not make a disk slow                    */
    SAMPLE_BYTES = 1280 << 10, /* what more bytes cost hides what the sync costs                         */
    BYTES_PER_US = 250,        /* to write them into the log, before the sync                            */
    SILENCE_US = 500000,       /* without a sample: the next commit shall be small enough to be one      */
    SMALL_BATCH = 256 << 10,   /* … with its last arrival, up to 1 MiB, still no more than SAMPLE_BYTES  */
    BATCH_LONG_US = 250000,    /* an alarm shall not wait longer for the pictures that are being written */
};

void pace_init(struct pace *p, int64_t now_us)
{
    *p = (struct pace){ .noted_us = now_us, .batch_bytes = PACE_BATCH_MOST };
}

enum { RECENT = sizeof((struct pace *)0)->recent / sizeof(int64_t) };

static int64_t shortest_with(struct pace *p, int64_t sample)
{
    p->recent[p->next++ % RECENT] = sample;
    int64_t shortest = sample;
    for (size_t i = 0; i < RECENT; i++)
        shortest = p->recent[i] < shortest ? p->recent[i] : shortest;
    return shortest;
}

/* A short one says nothing: there may have been nothing to write. */
void pace_note_start(struct pace *p, int64_t took_us)
{
    if (took_us <= PACE_SLOW_US)
        return;
    p->sync_us = took_us < SAMPLE_MOST_US ? took_us : SAMPLE_MOST_US;
    for (size_t i = 0; i < RECENT; i++)
        p->recent[i] = p->sync_us;
    atomic_store_explicit(&p->is_slow, true, memory_order_relaxed);
}

void pace_note_commit(struct pace *p, int64_t took_us, int64_t bytes, int beside, int64_t now_us)
{
    if (bytes > SAMPLE_BYTES)
        return;
    int64_t sample = (took_us - bytes / BYTES_PER_US) / (1 + beside);
    sample = shortest_with(p, sample < 0 ? 0 : sample > SAMPLE_MOST_US ? SAMPLE_MOST_US : sample);
    p->sync_us += (sample - p->sync_us) / (sample > p->sync_us ? SHARE_UP : SHARE_DOWN);
    p->noted_us = now_us;
    if (p->sync_us > PACE_SLOW_US)
        atomic_store_explicit(&p->is_slow, true, memory_order_relaxed);
    else if (p->sync_us < PACE_FAST_US)
        atomic_store_explicit(&p->is_slow, false, memory_order_relaxed);
}

void pace_note_batch(struct pace *p, int64_t took_us, int64_t bytes)
{
    if (took_us > BATCH_LONG_US && bytes > PACE_BATCH_LEAST)
        p->batch_bytes = p->batch_bytes / 2 > PACE_BATCH_LEAST ? p->batch_bytes / 2 : PACE_BATCH_LEAST;
    else if (took_us < BATCH_LONG_US / 3 && bytes >= p->batch_bytes / 2)
        p->batch_bytes = p->batch_bytes * 2 < PACE_BATCH_MOST ? p->batch_bytes * 2 : PACE_BATCH_MOST;
}

bool pace_is_slow(const struct pace *p)
{
    return atomic_load_explicit(&p->is_slow, memory_order_relaxed);
}

int64_t pace_batch_bytes(const struct pace *p, int64_t now_us)
{
    return now_us - p->noted_us > SILENCE_US ? SMALL_BATCH : p->batch_bytes;
}

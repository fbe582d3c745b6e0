/* pace: how long the disk's syncs take, and what follows from it. On a disk where a sync is dear (a memory card: 10 ms and
 * more, one at a time) a picture goes with all others into the next commit, not into a file with syncs of its own; and a
 * transaction takes no more bytes than the disk writes in a moment, so that an alarm need not wait for pictures.
 * The writer's thread notes and asks; whether the disk is slow any thread may ask. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    PACE_SLOW_US = 2000, /* smoothed: from here on it is slow … */
    PACE_FAST_US = 1000, /* … until it is below this            */
    PACE_BATCH_MOST = 8 << 20,
    PACE_BATCH_LEAST = 1 << 20,
};

struct pace {
    int64_t sync_us;   /* smoothed                                                                   */
    int64_t recent[4]; /* the shortest of them counts: on a slow disk all are long, on a busy one some */
    unsigned next;
    int64_t noted_us;
    int64_t batch_bytes;
    atomic_bool is_slow;
};

void pace_init(struct pace *p, int64_t now_us);
/* The sync of the start took so long: when it was slow nobody need find out by his own mail. */
void pace_note_start(struct pace *p, int64_t took_us);
/* A commit of so many bytes of arrivals took so long, beside so many syncs of files. What the bytes themselves cost is taken
 * off, and the rest shared: a disk that is fast but busy is not slow, and where syncs go side by side files do no harm. */
void pace_note_commit(struct pace *p, int64_t took_us, int64_t bytes, int beside, int64_t now_us);
/* A whole transaction took so long, from its begin to its sync. */
void pace_note_batch(struct pace *p, int64_t took_us, int64_t bytes);
bool pace_is_slow(const struct pace *p);
/* How many bytes of arrivals the next transaction may take. Small for once when the last commits were all too large to say
 * anything about the disk. */
int64_t pace_batch_bytes(const struct pace *p, int64_t now_us);

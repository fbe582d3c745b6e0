/* lane: the order of sending. */
#include "service/lane.h"

enum { BACKOFF_FIRST_MS = 5000, BACKOFF_ALARM_MS = 60000, BACKOFF_MAX_MS = 300000, WISH_MAX_MS = 3600000 };

struct lane lane_make(double rate_per_minute, int burst, int64_t now_ms)
{
    return (struct lane){
        .bucket = bucket_make(rate_per_minute, burst, now_ms),
        .due_ms = { LANE_NEVER, LANE_NEVER, LANE_NEVER },
    };
}

/* What this severity wants now: a step, or LANE_REST with the time it wants something (LANE_NEVER: nothing). */
static enum lane_step wish_of(const struct lane *l, int severity, int64_t now_ms, int64_t *wake_ms)
{
    *wake_ms = l->due_ms[severity];
    if (l->due_ms[severity] != LANE_NEVER)
        return l->due_ms[severity] <= now_ms ? LANE_AGAIN : LANE_REST;
    return l->is_waiting[severity] ? LANE_NEW : LANE_REST;
}

enum lane_step lane_choose(struct lane *l, int64_t now_ms, enum severity *severity_out, int64_t *wake_ms_out)
{
    *wake_ms_out = LANE_NEVER;
    if (l->is_busy)
        return LANE_REST;
    for (int s = SEVERITIES - 1; s >= 0; s--) {
        int64_t        wake_ms;
        enum lane_step step = wish_of(l, s, now_ms, &wake_ms);
        if (step == LANE_REST && wake_ms < *wake_ms_out)
            *wake_ms_out = wake_ms;
        if (step == LANE_REST)
            continue;
        int64_t ready_ms = bucket_ready_ms(&l->bucket, now_ms);
        if (ready_ms < l->shut_until_ms)
            ready_ms = l->shut_until_ms;
        *severity_out = (enum severity)s;
        *wake_ms_out = ready_ms;
        return ready_ms <= now_ms ? step : LANE_REST;
    }
    if (*wake_ms_out != LANE_NEVER && *wake_ms_out < l->shut_until_ms)
        *wake_ms_out = l->shut_until_ms;
    return LANE_REST;
}

bool lane_is_free(struct lane *l, enum severity s, int64_t now_ms)
{
    if (l->is_busy || now_ms < l->shut_until_ms || l->due_ms[s] != LANE_NEVER)
        return false;
    for (int other = (int)s; other < SEVERITIES; other++)
        if (l->is_waiting[other] || l->due_ms[other] <= now_ms)
            return false;
    return bucket_has(&l->bucket, now_ms);
}

int64_t lane_backoff_ms(int attempts, enum severity s, int64_t wait_ms, uint32_t chance)
{
    int64_t most = s == SEVERITY_ALARM ? BACKOFF_ALARM_MS : BACKOFF_MAX_MS;
    int64_t base = BACKOFF_FIRST_MS;
    for (int i = 1; i < attempts && base < most; i++)
        base *= 2;
    if (base > most)
        base = most;
    base -= base / 4 * (int64_t)(chance >> 16) / 65536; /* up to a quarter less, so that many do not come back as one */
    if (wait_ms > WISH_MAX_MS)
        wait_ms = WISH_MAX_MS;
    return wait_ms > base ? wait_ms : base;
}

/* bucket: tokens that come back with time. */
#include "service/bucket.h"

struct bucket bucket_make(double rate_per_minute, int burst, int64_t now_ms)
{
    double most = burst > 1 ? burst : 1;
    return (struct bucket){ .tokens = most, .burst = most, .per_ms = rate_per_minute / 60000, .at_ms = now_ms };
}

static void refill(struct bucket *b, int64_t now_ms)
{
    if (now_ms <= b->at_ms)
        return;
    b->tokens += (double)(now_ms - b->at_ms) * b->per_ms;
    if (b->tokens > b->burst)
        b->tokens = b->burst;
    b->at_ms = now_ms;
}

/* A token is there a hair early rather than never: sums of fractions do not reach 1 exactly. */
static const double almost = 1 - 1e-6;

bool bucket_has(struct bucket *b, int64_t now_ms)
{
    refill(b, now_ms);
    return b->per_ms <= 0 || b->tokens >= almost;
}

bool bucket_take(struct bucket *b, int64_t now_ms)
{
    if (!bucket_has(b, now_ms))
        return false;
    if (b->per_ms > 0)
        b->tokens -= 1;
    return true;
}

void bucket_give(struct bucket *b)
{
    b->tokens = b->tokens + 1 < b->burst ? b->tokens + 1 : b->burst;
}

int64_t bucket_ready_ms(struct bucket *b, int64_t now_ms)
{
    if (bucket_has(b, now_ms))
        return now_ms;
    return now_ms + (int64_t)((almost - b->tokens) / b->per_ms) + 1;
}

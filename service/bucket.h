/* bucket: so many a minute, so many at once. Time is an argument and only goes forward. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct bucket {
    double  tokens, burst, per_ms;
    int64_t at_ms;
};
/* Full. rate_per_minute <= 0: no limit. */
struct bucket bucket_make(double rate_per_minute, int burst, int64_t now_ms);
bool          bucket_has(struct bucket *b, int64_t now_ms);
bool          bucket_take(struct bucket *b, int64_t now_ms);
void          bucket_give(struct bucket *b); /* one that was taken and not used */
int64_t       bucket_ready_ms(struct bucket *b, int64_t now_ms); /* when there is a token: now_ms or later */

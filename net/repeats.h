/* repeats: which of many equal facts is worth saying: the first from an address for a reason, then one a minute (or as long as
 * quiet_ms says) with the number that went unsaid. A flood from many addresses is bounded, too. Time is an argument. One thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { REPEATS_PLACES = 64, REPEATS_QUIET_MS = 60 * 1000 };

struct repeats {
    struct repeat {
        unsigned char address[16];
        const char *reason; /* a constant, compared by its text; NULL: the place is free */
        int64_t said_ms;
        uint64_t unsaid;
    } places[REPEATS_PLACES];
    uint64_t unsaid_elsewhere; /* while no place was free */
    int64_t quiet_ms;          /* 0: REPEATS_QUIET_MS     */
};

/* Whether to say it; *repeats_out: how many were not said since the last time. */
bool repeats_say(struct repeats *r, const unsigned char address[16], const char *reason, int64_t mono_ms,
                 uint64_t *repeats_out);

/* rates: how many mails each address may still send now, where the owner has set so many a minute: a bucket of that many for
 * each, filled as time goes by. Addresses beyond the places push out the one that has sent least. One thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RATES_PLACES = 256 };

struct rates {
    struct rate {
        unsigned char address[16];
        int64_t left;  /* in 1/60000 of a mail: a millisecond adds per_minute of them */
        int64_t at_ms; /* … as of then                                                 */
    } places[RATES_PLACES];
    size_t count;
};

/* Takes one, if there is one; per_minute at most 100,000 and always the same. */
bool rates_take(struct rates *r, const unsigned char address[16], int64_t per_minute, int64_t mono_ms);

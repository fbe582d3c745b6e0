/* wrong: addresses that sent wrong tokens. Ten are answered at once, then one every six seconds: who guesses is slow, however many
 * connections they open. Of IPv6 the first half counts. Time is an argument; the caller has a lock. */
#pragma once
#include <stdint.h>

enum { WRONG_PLACES = 256, WRONG_AT_ONCE = 10, WRONG_EVERY_MS = 6000 };

struct wrong {
    struct wrong_place {
        unsigned char address[16];
        int64_t       paid_ms; /* all of them are worked off by then; 0: the place is free */
    } places[WRONG_PLACES];
};
/* Seconds until another may be sent; 0: now. peer: an IP address. */
int  wrong_wait_seconds(const struct wrong *w, const char *peer, int64_t mono_ms);
void wrong_add(struct wrong *w, const char *peer, int64_t mono_ms);

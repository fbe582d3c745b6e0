/* doubt: may things be deleted because they are old? Not by a clock that has just stepped: a Pi without a battery clock starts
 * in 1970 or where it stopped, and jumps when the network comes. Pure: both clocks are arguments. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct doubt {
    int64_t wall_ms, mono_ms; /* when last asked                                 */
    int64_t until_mono_ms;    /* no deletion by age before; 0: the clock is good */
};
/* newest_ms: when the newest arrival came; 0: there is none. */
void doubt_init(struct doubt *d, int64_t wall_ms, int64_t mono_ms, int64_t newest_ms);
/* Whether the clock has been consistent for a running day, or always since the start. */
bool doubt_ask(struct doubt *d, int64_t wall_ms, int64_t mono_ms);

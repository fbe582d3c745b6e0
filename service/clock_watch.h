/* clock_watch: notices that our clock was not to be trusted, and that somebody has set it; then what was kept meanwhile gets its right time
 * (store/clock_step.h). In doubt is a clock that stands before 2025, and, in the first day after the machine was started, one that nobody
 * keeps right as far as the kernel knows: a Pi without a battery clock wakes where it fell asleep. A step of a clock that was not in doubt is
 * the owner's own, and changes nothing. */
#pragma once
#include "store/clock_step.h"

struct uv_loop_s;
struct clock_watch;

/* --- the judgement: pure ---------------------------------------------------------------------------------------------- */

struct clock_doubt {
    bool    is_begun, is_there; /* was it looked at before; is the clock in doubt */
    int64_t base_ms;            /* wall clock less running time, at the last look */
};
enum clock_news { CLOCK_NO_NEWS, CLOCK_DOUBT_BEGINS, CLOCK_DOUBT_ENDS, CLOCK_STEPPED };
enum clock_news clock_doubt_look(struct clock_doubt *d, int64_t wall_ms, int64_t mono_ms, bool is_kept);

/* --- the watch: loop's thread ------------------------------------------------------------------------------------------- */

/* Before anything is kept; waits for the disk if the clock is in doubt. corrected: on the loop. NULL: out of memory. */
struct clock_watch *clock_watch_start(struct uv_loop_s *loop, struct store *s, void *user,
                                      void (*corrected)(void *user, const struct clock_stepped *how));
void clock_watch_tick(struct clock_watch *w);   /* every second; NULL is nothing */
void clock_watch_free(struct clock_watch **w);  /* after the loop has ended */

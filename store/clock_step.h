/* clock_step: times that were kept while our clock was not to be trusted (a Pi without a battery clock, before NTP has answered), put right
 * once it is. Which rows these are is known by their seqs: a note in the database holds the highest of each table from when the doubt began,
 * and where the clock stood against the running time of this boot. So the correction is exact, is done once whatever dies in between, and
 * also when the clock stepped while nobody ran. Orders go by seq and stay; ids and the names of files keep the time that was thought then. */
#pragma once
#include "store/store.h"

struct clock_now {
    const char *boot; /* the kernel's id of this boot; "" = not known: then nothing is remembered across a start */
    int64_t     wall_ms, mono_ms;
};

struct clock_stepped {
    int64_t step_ms;  /* by which they were wrong */
    int64_t arrivals, events;
    int64_t since_ms; /* of the first arrival, as it is now; 0: none */
};

enum { CLOCK_STEP_LEAST_MS = 10 * 1000 }; /* less is no step: NTP also slews */

/* What is kept from now on is in doubt. A note of this boot stays as it is. Any thread; waits for the disk. */
int clock_doubt_begin(struct store *s, const struct clock_now *now, struct err *e) MUST_CHECK;
/* Corrects what is in doubt, if the clock has stepped since. 1: so; 0: nothing is in doubt, or it did not step; -1. */
int clock_doubt_correct(struct store *s, const struct clock_now *now, struct clock_stepped *out, struct err *e) MUST_CHECK;
/* From now on the clock is right. */
int clock_doubt_end(struct store *s, struct err *e) MUST_CHECK;
bool clock_doubt_is_noted(struct store *s); /* of whatever boot */

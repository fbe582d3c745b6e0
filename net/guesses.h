/* guesses: how many wrong passwords came from each address, and how long each waits for its answer: 1 s, 2, 4 … at most 10 s; those
 * of one address wait one after the other, so that many connections guess no faster than one. A quarter of an hour without one is
 * forgotten. Nobody who has the right password waits. Time is an argument. One thread. */
#pragma once
#include <stdint.h>

enum { GUESSES_PLACES = 256, GUESSES_WAIT_MS = 10 * 1000, GUESSES_QUIET_MS = 15 * 60 * 1000 };

struct guesses {
    struct guess {
        unsigned char address[16];
        unsigned wrong; /* 0: the place is free */
        int64_t last_ms, answered_ms; /* answered: when the last of them is */
    } places[GUESSES_PLACES];
};

/* One more: returns how many it makes, and for how long its answer waits. Where no place is free, the oldest goes. */
unsigned guesses_add(struct guesses *g, const unsigned char address[16], int64_t mono_ms, int64_t *wait_ms_out);
unsigned guesses_count(const struct guesses *g, const unsigned char address[16], int64_t mono_ms);

/* guesses: see guesses.h. */
#include "net/guesses.h"
#include "core/attr.h"
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { FIRST_WAIT_MS = 1000 };

static bool is_live(const struct guess *g, int64_t mono_ms)
{
    return g->wrong > 0 && mono_ms - g->last_ms < GUESSES_QUIET_MS;
}

static const struct guess *find(const struct guesses *g, const unsigned char address[16], int64_t mono_ms)
{
    for (size_t i = 0; i < COUNT(g->places); i++)
        if (is_live(&g->places[i], mono_ms) && memcmp(g->places[i].address, address, sizeof g->places[i].address) == 0)
            return &g->places[i];
    return NULL;
}

/* A place for a new address: the one that was quiet longest; free ones are, since always. */
static struct guess *make(struct guesses *g, const unsigned char address[16])
{
    struct guess *oldest = &g->places[0];
    for (size_t i = 0; i < COUNT(g->places) && oldest->wrong > 0; i++)
        if (g->places[i].wrong == 0 || g->places[i].last_ms < oldest->last_ms)
            oldest = &g->places[i];
    *oldest = (struct guess){ 0 };
    memcpy(oldest->address, address, sizeof oldest->address);
    return oldest;
}

static int64_t wait_after(unsigned wrong)
{
    int64_t wait = FIRST_WAIT_MS;
    while (--wrong > 0 && wait < GUESSES_WAIT_MS)
        wait *= 2;
    return wait < GUESSES_WAIT_MS ? wait : GUESSES_WAIT_MS;
}

unsigned guesses_add(struct guesses *g, const unsigned char address[16], int64_t mono_ms, int64_t *wait_ms_out)
{
    const struct guess *known = find(g, address, mono_ms);
    struct guess *place = known ? &g->places[known - g->places] : make(g, address);
    int64_t from = place->wrong > 0 && place->answered_ms > mono_ms ? place->answered_ms : mono_ms;
    place->wrong++;
    place->last_ms = mono_ms;
    place->answered_ms = from + wait_after(place->wrong);
    if (place->answered_ms > mono_ms + GUESSES_WAIT_MS)
        place->answered_ms = mono_ms + GUESSES_WAIT_MS;
    *wait_ms_out = place->answered_ms - mono_ms;
    return place->wrong;
}

unsigned guesses_count(const struct guesses *g, const unsigned char address[16], int64_t mono_ms)
{
    const struct guess *known = find(g, address, mono_ms);
    return known ? known->wrong : 0;
}

/* aside: see aside.h. */
#include "service/aside.h"
#include <unistd.h>

enum { LOOK_ARENA = 4 * 1024 * 1024, EVERY_MS = 20, MAX_MS = 10 * 1000 };

static bool does_anything_wait(struct store_reader *r)
{
    CLEANUP(arena_done) struct arena a;
    struct arrival_row               row;
    struct err                       e;
    arena_init(&a, LOOK_ARENA);
    return store_waiting_arrivals(r, true, 0, &row, 1, &a, &e) > 0 || store_waiting_arrivals(r, false, 0, &row, 1, &a, &e) > 0;
}

void aside_wait(struct store_reader *r, const atomic_bool *is_stopping)
{
    for (int waited = 0; waited < MAX_MS && !atomic_load(is_stopping) && does_anything_wait(r); waited += EVERY_MS)
        (void)usleep(EVERY_MS * 1000);
}

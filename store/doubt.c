/* doubt: see doubt.h. */
#include "store/doubt.h"

static const int64_t day_ms = 86400000;

void doubt_init(struct doubt *d, int64_t wall_ms, int64_t mono_ms, int64_t newest_ms)
{
    *d = (struct doubt){ .wall_ms = wall_ms, .mono_ms = mono_ms };
    if (newest_ms != 0 && (wall_ms < newest_ms - day_ms || wall_ms > newest_ms + 400 * day_ms))
        d->until_mono_ms = mono_ms + day_ms;
}

bool doubt_ask(struct doubt *d, int64_t wall_ms, int64_t mono_ms)
{
    int64_t step = (wall_ms - d->wall_ms) - (mono_ms - d->mono_ms);
    d->wall_ms = wall_ms;
    d->mono_ms = mono_ms;
    if (step > day_ms || step < -day_ms)
        d->until_mono_ms = mono_ms + day_ms;
    if (d->until_mono_ms != 0 && mono_ms >= d->until_mono_ms)
        d->until_mono_ms = 0;
    return d->until_mono_ms == 0;
}

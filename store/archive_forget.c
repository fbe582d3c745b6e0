/* archive_forget: the archive's own bounds, by age: slowly, since each bite makes FerretDB read all it has, and while nothing else is to do. */
#include "core/clock.h"
#include "store/archive_inside.h"
#include "store/db.h"
#include <string.h>

enum { BITE_EVERY_MS = 2000, LOOK_EVERY_MS = 3600 * 1000 };
static const int64_t day_ms = INT64_C(24) * 3600 * 1000;

/* Not by a clock that may be wrong: what goes there is gone. */
static bool is_clock_good(struct copying *c)
{
    int64_t    newest_ms = 0;
    struct err ignored;
    if (!c->has_doubt) {
        if (db_number(reader_db(c->reader), "SELECT received_ms FROM events ORDER BY seq DESC LIMIT 1", 0, &newest_ms, &ignored) < 0)
            return false;
        doubt_init(&c->doubt, clock_wall_ms(), clock_mono_ms(), newest_ms);
        c->has_doubt = true;
    }
    return doubt_ask(&c->doubt, clock_wall_ms(), clock_mono_ms());
}

/* How many went of what is older than so many days; 0: there is no such bound. */
static int bite(struct copying *c, int64_t days, int (*forget)(struct mongo *m, const char *site, int64_t before_ms, struct err *e), struct err *e)
{
    if (days <= 0)
        return 0;
    archive_away(c->archive);
    return archive_home(c->archive, forget(c->mongo, c->site, clock_wall_ms() - days * day_ms, e), e);
}

int copy_forgetting(struct copying *c, struct err *e)
{
    int pictures = 0, events = 0;
    if (!is_clock_good(c) || clock_mono_ms() < c->next_forgetting_ms)
        return 0;
    if ((pictures = bite(c, c->keep_pictures_days, mongo_forget_files, e)) < 0 || (events = bite(c, c->keep_days, mongo_forget_events, e)) < 0)
        return -1;
    bool has_more = pictures + events > 0;
    if (has_more)
        memset(c->known, 0, sizeof c->known); /* a file may have gone */
    c->forgotten += (uint64_t)events;
    c->forgotten_pictures += (uint64_t)pictures;
    c->next_forgetting_ms = clock_mono_ms() + (has_more ? BITE_EVERY_MS : LOOK_EVERY_MS);
    return 0;
}

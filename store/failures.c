/* failures: writes and syncs that failed in a row. Three make /readyz red, so it must also be found out when they work again,
 * with no device sending: then the keeper tries by itself. */
#include "core/clock.h"
#include "store/inside.h"

void note_write(struct store *s, enum writes kind, bool succeeded)
{
    if (!succeeded) {
        (void)atomic_fetch_add(&s->failures[kind], 1);
        keeper_hurry(s->keeper);
    } else if (atomic_load_explicit(&s->failures[kind], memory_order_relaxed) != 0) {
        atomic_store(&s->failures[kind], 0);
    }
}

int store_failed_syncs(const struct store *s)
{
    int files = atomic_load(&s->failures[WRITES_FILES]), database = atomic_load(&s->failures[WRITES_DATABASE]);
    return files > database ? files : database;
}

/* Both outcomes are noted on the way. */
static void probe_files(struct store *s)
{
    char id[ID_TEXT];
    struct err e;
    struct spool *f = NULL;
    int64_t now = clock_wall_ms();
    if (spool_open(s, id_make(id, now), now, &f, &e) == 0 && spool_write(f, "probe", 5, &e) == 0)
        (void)!spool_sync(f, &e);
    spool_abandon(&f);
}

void probe_writes(struct store *s)
{
    struct err e;
    if (atomic_load(&s->failures[WRITES_FILES]) > 0)
        probe_files(s);
    if (atomic_load(&s->failures[WRITES_DATABASE]) > 0)
        (void)!save_running_now(s, &e);
}

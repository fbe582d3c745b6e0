/* devices: who has ever sent something, and when last. */
#include "store/inside.h"

int tx_device_seen(struct store_tx *tx, const char *device, int64_t wall_ms, struct err *e)
{
    CLEANUP(stmt_done)
    struct stmt *s = db_stmt(tx->db,
                             "INSERT INTO devices(id, name, last_seen_ms) VALUES(?1, ?1, ?2)"
                             " ON CONFLICT(id) DO UPDATE SET last_seen_ms = max(last_seen_ms, excluded.last_seen_ms)",
                             e);
    if (!s)
        return -1;
    bind_text(s, 1, device);
    bind_int(s, 2, wall_ms);
    return stmt_run(s, e);
}

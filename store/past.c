/* past: what waits for the inspector is left to it, and drills are left alone: what they mean is known to the process that made
 * them, and not from their bytes. */
#include "store/past.h"
#include "store/inside.h"

#define PAST                                                                                                             \
    " FROM arrivals WHERE state >= 2 AND seq > ?1 AND received_ms >= ?2 AND (file IS NOT NULL OR raw IS NOT NULL)"       \
    " AND coalesce(parser, '') != 'drill' AND (?3 IS NULL OR EXISTS (SELECT 1 FROM events WHERE arrival = arrivals.seq"   \
    " AND device IN (SELECT id FROM devices WHERE id = ?3 OR name = ?3)))"

int past_count(struct store_reader *r, const struct past_filter *f, int64_t *out, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s = db_ask(reader_db(r), e, "SELECT count(*)" PAST, P(0), P(f->since_ms), P(f->device));
    if (!s || stmt_step(s, e) < 0)
        return -1;
    *out = col_int(s, 0);
    return 0;
}

int past_arrivals(struct store_reader *r, const struct past_filter *f, int64_t after, struct arrival_row *rows, int limit,
                  struct arena *a, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s =
        db_ask(reader_db(r), e, "SELECT " ARRIVAL_ROW PAST " ORDER BY seq LIMIT ?4", P(after), P(f->since_ms), P(f->device), P(limit));
    return s ? read_arrival_rows(s, rows, limit, a, e) : -1;
}

int tx_events_read_again(struct store_tx *tx, int64_t arrival_seq, int64_t wall_ms, struct err *e)
{
    return db_run(tx->db, e, "UPDATE events SET reparsed_ms = ? WHERE arrival = ?", P(wall_ms), P(arrival_seq));
}

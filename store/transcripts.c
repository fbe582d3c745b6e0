/* transcripts: a short list for each device; what is too old goes with what comes. */
#include "store/transcripts.h"
#include "store/inside.h"

static int forget_oldest(struct store_tx *tx, const char *device, struct err *e)
{
    CLEANUP(stmt_done)
    struct stmt *s = db_stmt(tx->db,
                             "DELETE FROM transcripts WHERE device = ?1 AND seq <="
                             " (SELECT seq FROM transcripts WHERE device = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
                             e);
    if (!s)
        return -1;
    bind_text(s, 1, device);
    bind_int(s, 2, TRANSCRIPTS_KEPT);
    return stmt_run(s, e);
}

int tx_transcript_add(struct store_tx *tx, const struct transcript_row *row, struct err *e)
{
    {
        CLEANUP(stmt_done)
        struct stmt *s = db_stmt(tx->db, "INSERT INTO transcripts(device, at_ms, peer, body) VALUES(?, ?, ?, ?)", e);
        if (!s)
            return -1;
        bind_text(s, 1, row->device);
        bind_int(s, 2, row->at_ms);
        bind_text(s, 3, row->peer);
        bind_text(s, 4, row->body);
        if (stmt_run(s, e) < 0)
            return -1;
    }
    return forget_oldest(tx, row->device, e);
}

int query_transcripts(struct store_reader *r, const char *device, void (*on_row)(void *user, const struct transcript_row *row),
                      void *user, struct err *e)
{
    CLEANUP(stmt_done)
    struct stmt *q = db_stmt(reader_db(r),
                             "SELECT device, at_ms, peer, body FROM transcripts WHERE device = ? ORDER BY seq DESC LIMIT ?", e);
    if (!q)
        return -1;
    bind_text(q, 1, device);
    bind_int(q, 2, TRANSCRIPTS_KEPT);
    int found;
    while ((found = stmt_step(q, e)) > 0) {
        const struct transcript_row row = {
            .device = col_text(q, 0), .at_ms = col_int(q, 1), .peer = col_text(q, 2), .body = col_text(q, 3)
        };
        on_row(user, &row);
    }
    return found;
}

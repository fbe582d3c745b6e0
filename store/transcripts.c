/* transcripts: a short list for each device; what is too old goes with what comes. */
#include "store/transcripts.h"
#include "store/inside.h"

static int forget_oldest(struct store_tx *tx, const char *device, struct err *e)
{
    return db_run(tx->db, e,
                  "DELETE FROM transcripts WHERE device = ?1 AND seq <="
                  " (SELECT seq FROM transcripts WHERE device = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
                  P(device), P(TRANSCRIPTS_KEPT));
}

int tx_transcript_add(struct store_tx *tx, const struct transcript_row *row, struct err *e)
{
    int done = db_run(tx->db, e, "INSERT INTO transcripts(device, at_ms, peer, body) VALUES(?, ?, ?, ?)",
                      P(row->device), P(row->at_ms), P(row->peer), P(row->body));
    return done < 0 ? -1 : forget_oldest(tx, row->device, e);
}

int query_transcripts(struct store_reader *r, const char *device, void (*on_row)(void *user, const struct transcript_row *row),
                      void *user, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(reader_db(r), e, "SELECT device, at_ms, peer, body FROM transcripts WHERE device = ? ORDER BY seq DESC LIMIT ?",
               P(device), P(TRANSCRIPTS_KEPT));
    if (!q)
        return -1;
    int found;
    while ((found = stmt_step(q, e)) > 0) {
        const struct transcript_row row = {
            .device = col_text(q, 0), .at_ms = col_int(q, 1), .peer = col_text(q, 2), .body = col_text(q, 3)
        };
        on_row(user, &row);
    }
    return found;
}

/* transcripts: a short list for each device; what is too old goes with what comes. */
#include "store/transcripts.h"
#include "store/inside.h"

enum { DAY_MS = 86400000 };

static int forget_oldest(struct store_tx *tx, const char *device, struct err *e)
{
    return db_run(tx->db, e,
                  "DELETE FROM transcripts WHERE device = ?1 AND seq <="
                  " (SELECT seq FROM transcripts WHERE device = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
                  P(device), P(TRANSCRIPTS_KEPT));
}

/* 1: a mail that it brought was erased while it went on. Ids begin with their time: of mails from over a day
 * before it nothing is asked. */
static int is_of_erased(struct store_tx *tx, const struct transcript_row *row, struct err *e)
{
    static const char          sql[] = "SELECT 1 FROM erased WHERE id > ?1 AND (instr(?2, id) > 0 OR json_extract(?2, '$.mails') > 16) LIMIT 1";
    static const unsigned char least[10];
    char                       since[ID_TEXT];
    (void)id_from(since, row->at_ms > DAY_MS ? row->at_ms - DAY_MS : 0, least);
    CLEANUP(stmt_done) struct stmt *q = db_ask(tx->db, e, sql, P(since), P(row->body));
    return q ? stmt_step(q, e) : -1;
}

int tx_transcript_add(struct store_tx *tx, const struct transcript_row *row, struct err *e)
{
    int is_erased = is_of_erased(tx, row, e);
    if (is_erased != 0)
        return is_erased < 0 ? -1 : 0;
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

/* quotes: erasing takes a message's row or the answer in it; until the verdict is written there is none, and it cannot be erased. */
#include "store/quotes.h"
#include "store/inside.h"

static int may_quote(struct db *db, int64_t message, struct err *e)
{
    static const char sql[] = "SELECT 1 FROM messages WHERE seq = ? AND (state = 0 OR detail IS NOT NULL)";
    CLEANUP(stmt_done) struct stmt *q = db_ask(db, e, sql, P(message));
    return q ? stmt_step(q, e) : -1;
}

int tx_may_quote(struct store_tx *tx, int64_t message, struct err *e)
{
    return may_quote(tx->db, message, e);
}

int query_may_quote(struct store_reader *r, int64_t message, struct err *e)
{
    return may_quote(reader_db(r), message, e);
}

int tx_quote(struct store_tx *tx, int64_t event, int64_t message, struct err *e)
{
    return db_run(tx->db, e, "INSERT INTO quotes(event, message) VALUES(?, ?)", P(event), P(message));
}

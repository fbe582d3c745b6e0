/* account_ends: one statement over the newest rows, so that its time does not grow with the history. */
#include "store/account_ends.h"
#include "store/db.h"
#include "store/outbox.h"

enum { LOOKED_AT = 2000 };

int query_account_ends(struct store_reader *r, account_end_fn *each, void *user, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(reader_db(r), e,
               "SELECT account, state, ended_ms, detail, verdict, seq FROM (SELECT * FROM messages ORDER BY seq DESC LIMIT ?)"
               " WHERE ended_ms IS NOT NULL AND state IN (?, ?, ?)",
               P(LOOKED_AT), P(MESSAGE_SENT), P(MESSAGE_UNKNOWN), P(MESSAGE_FAILED));
    if (!q)
        return -1;
    int more;
    while ((more = stmt_step(q, e)) > 0) {
        bool        is_sent = col_int(q, 1) == MESSAGE_SENT;
        const char *detail = col_text(q, 3) && col_text(q, 3)[0] ? col_text(q, 3) : col_text(q, 4);
        each(user, col_text(q, 0), col_int(q, 2), is_sent ? NULL : detail ? detail : "failed", col_int(q, 5));
    }
    return more;
}

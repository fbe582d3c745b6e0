/* audit_list: one statement. */
#include "store/audit_list.h"
#include "store/db.h"

static struct audit_row read_row(struct stmt *q)
{
    return (struct audit_row){
        .seq = col_int(q, 0),
        .at_ms = col_int(q, 1),
        .who = col_text(q, 2),
        .role = col_text(q, 3),
        .what = col_text(q, 4),
        .object = col_text(q, 5),
        .detail = col_text(q, 6),
    };
}

int query_audit(struct store_reader *r, struct page *page, bool (*on_row)(void *user, const struct audit_row *row), void *user,
                struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(reader_db(r), e,
               "SELECT seq, at_ms, who, role, what, object, detail FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?",
               P(page->cursor > 0 ? page->cursor : INT64_MAX),
               P(page->limit + 1)); /* one more tells whether there is a next page */
    if (!q)
        return -1;
    int64_t last = 0;
    int     found, taken = 0;
    page->next = 0;
    while ((found = stmt_step(q, e)) > 0) {
        struct audit_row row = read_row(q);
        if (taken == page->limit || !on_row(user, &row)) {
            page->next = last;
            return 0;
        }
        last = row.seq;
        taken++;
    }
    return found;
}

/* erase_rest: how much is still to do, and events that only the archive has. */
#include "core/clock.h"
#include "store/erase.h"
#include "store/exported.h"
#include "store/inside.h"

int erase_rest(struct store_reader *r, struct erase_rest *out, struct err *e)
{
    int64_t    traces;
    struct db *db = reader_db(r);
    *out = (struct erase_rest){ 0 };
    if (db_number(db, "SELECT count(*) FROM erasing", 0, &out->mails, e) < 0 || db_number(db, "SELECT count(*) FROM erasures", 0, &out->archive, e) < 0 ||
        db_number(db, "SELECT EXISTS (SELECT 1 FROM meta WHERE key = 'note/sweep') OR EXISTS (SELECT 1 FROM meta WHERE key > 'doomed/' AND key < 'doomed0')", 0, &traces, e) < 0)
        return -1;
    out->has_traces = traces != 0;
    return exported_doomed(r, &out->exported, e);
}

struct queueing {
    struct store_op           op;
    const struct audit_entry *by;
    const char               *event;
};

static int apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    const struct queueing *x = (const struct queueing *)op;
    int64_t                now = clock_wall_ms();
    int failed = db_run(tx->db, e, "INSERT INTO erasures(id, at_ms, who) VALUES(?, ?, 'erase')", P(x->event), P(now));
    return failed < 0 ? -1 : tx_audit(tx, now, x->by, e);
}

int erase_archived(struct store *s, const char *event, const struct audit_entry *by, struct err *e)
{
    struct queueing x = { .op = { .rank = STORE_EVENT, .apply = apply }, .by = by, .event = event };
    return store_do(s, &x.op, e);
}

/* marks: three small operations. */
#include "store/marks.h"
#include "core/clock.h"
#include "core/json.h"
#include "store/db.h"

struct marking {
    struct store_op           op;
    const struct mark_change *change;
    const struct audit_entry *by;
    int                       found;
};

static const char mark_sql[] =
    "UPDATE events SET"
    " acked_ms = CASE ?2 WHEN 1 THEN coalesce(acked_ms, ?5) WHEN 2 THEN NULL ELSE acked_ms END,"
    " acked_by = CASE ?2 WHEN 1 THEN iif(acked_ms IS NULL, ?6, acked_by) WHEN 2 THEN NULL ELSE acked_by END,"
    " kept = CASE ?3 WHEN 1 THEN 1 WHEN 2 THEN 0 ELSE kept END,"
    " kept_by = CASE ?3 WHEN 1 THEN iif(kept, kept_by, ?6) WHEN 2 THEN NULL ELSE kept_by END,"
    " note = iif(?4 IS NULL, note, nullif(?4, ''))"
    " WHERE id = ?1";

static int mark_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct marking *m = (struct marking *)op;
    int64_t         now = clock_wall_ms();
    if (db_run(tx_db(tx), e, mark_sql,
               P(m->by->object), P(m->change->acknowledged), P(m->change->kept), P(m->change->note), P(now), P(m->by->who)) < 0)
        return -1;
    m->found = db_changes(tx_db(tx)) > 0;
    return m->found ? tx_audit(tx, now, m->by, e) : 0;
}

int marks_set(struct store *s, const struct mark_change *change, const struct audit_entry *by, struct err *e)
{
    struct marking m = { .op = { .rank = STORE_EVENT, .apply = mark_apply }, .change = change, .by = by };
    return store_do(s, &m.op, e) < 0 ? -1 : m.found;
}

/* --- many at once --------------------------------------------------------------------------------------------- */

struct acknowledging {
    struct store_op     op;
    struct marks_sweep *sweep; /* as before this part, until it is on disk */
    const int64_t      *seqs;
    size_t              count;
    int64_t             done, audit_seq;
};

static int acknowledge_one(struct store_tx *tx, int64_t seq, const char *who, int64_t now, int64_t *done, struct err *e)
{
    if (db_run(tx_db(tx), e, "UPDATE events SET acked_ms = ?2, acked_by = ?3 WHERE seq = ?1 AND acked_ms IS NULL",
               P(seq), P(now), P(who)) < 0)
        return -1;
    *done += db_changes(tx_db(tx));
    return 0;
}

static int write_over(struct store_tx *tx, int64_t audit_seq, const char *detail, struct err *e)
{
    return db_run(tx_db(tx), e, "UPDATE audit SET detail = ?2 WHERE seq = ?1", P(audit_seq), P(detail));
}

/* The act's row, with how many there are now. */
static int write_act(struct store_tx *tx, struct acknowledging *x, int64_t now, struct err *e)
{
    CLEANUP(buf_done) struct buf detail;
    buf_init(&detail, 64 * 1024);
    struct json_out w = json_begin(&detail);
    json_object(&w, NULL);
    json_s(&w, "filter", x->sweep->filter);
    json_i(&w, "count", x->sweep->count + x->done);
    json_end(&w);
    if (x->sweep->audit_seq != 0)
        return write_over(tx, x->sweep->audit_seq, buf_str(&detail), e);
    struct audit_entry entry = x->sweep->by;
    entry.detail = buf_str(&detail);
    if (tx_audit(tx, now, &entry, e) < 0)
        return -1;
    x->audit_seq = db_last_seq(tx_db(tx));
    return 0;
}

static int acknowledge_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct acknowledging *x = (struct acknowledging *)op;
    int64_t               now = clock_wall_ms();
    x->done = 0; /* it may run twice */
    for (size_t i = 0; i < x->count; i++)
        if (acknowledge_one(tx, x->seqs[i], x->sweep->by.who, now, &x->done, e) < 0)
            return -1;
    return x->done > 0 ? write_act(tx, x, now, e) : 0;
}

int marks_acknowledge(struct store *s, struct marks_sweep *sweep, const int64_t *seqs, size_t count, struct err *e)
{
    struct acknowledging x = { .op = { .rank = STORE_EVENT, .apply = acknowledge_apply }, .sweep = sweep, .seqs = seqs, .count = count,
                               .audit_seq = sweep->audit_seq };
    if (store_do(s, &x.op, e) < 0)
        return -1;
    sweep->count += x.done;
    sweep->audit_seq = x.audit_seq;
    return 0;
}

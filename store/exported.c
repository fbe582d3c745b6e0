/* exported: the rows of the table, by (event, medium). */
#include "store/exported.h"
#include "store/db.h"
#include <stdio.h>

enum { NAMES_MAX = 100000 }; /* of one device in one second */

/* --- erasing ------------------------------------------------------------------------------------------------------- */

int tx_exported_erase(struct store_tx *tx, int64_t event, struct err *e)
{
    return db_run(tx_db(tx), e, "UPDATE exported SET is_doomed = 1 WHERE event = ?1", P(event));
}

int exported_doomed(struct store_reader *r, int64_t *out, struct err *e)
{
    return db_number(reader_db(r), "SELECT count(*) FROM exported INDEXED BY exported_doomed WHERE is_doomed = 1", 0, out, e);
}

/* --- names --------------------------------------------------------------------------------------------------------- */

/* 1: it has a name, and is not written; 2: it is written, or doomed; 0: it has none; -1. */
static int find_name(struct store_tx *tx, struct exported *x, struct err *e)
{
    static const char sql[] = "SELECT stem, bytes IS NOT NULL OR is_doomed FROM exported WHERE event = ?1 AND n = ?2";
    CLEANUP(stmt_done) struct stmt *s = db_ask(tx_db(tx), e, sql, P(x->event), P(x->n));
    int found = s ? stmt_step(s, e) : -1;
    if (found <= 0)
        return found;
    (void)snprintf(x->stem, sizeof x->stem, "%s", col_text(s, 0));
    return col_int(s, 1) ? 2 : 1;
}

/* 1 free, 0 taken, -1. */
static int is_free(struct store_tx *tx, const char *stem, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s = db_ask(tx_db(tx), e, "SELECT 1 FROM exported WHERE stem = ?", P(stem));
    int found = s ? stmt_step(s, e) : -1;
    return found < 0 ? -1 : !found;
}

static int choose_name(struct store_tx *tx, const char *beginning, struct exported *x, struct err *e)
{
    for (int n = 1; n < NAMES_MAX; n++) {
        if (snprintf(x->stem, sizeof x->stem, "%s-%d", beginning, n) >= (int)sizeof x->stem)
            return err_set(e, ERR_INPUT, "the name is too long: %s", beginning);
        int found = is_free(tx, x->stem, e);
        if (found != 0)
            return found < 0 ? -1 : 0;
    }
    return err_set(e, ERR_LIMIT, "there are %d exported pictures of %s", NAMES_MAX, beginning);
}

/* 1; 0: the event is gone; -1. */
static int put_row(struct store_tx *tx, const struct exported *x, struct err *e)
{
    static const char sql[] = "INSERT INTO exported(event, n, stem, extension, received_ms)"
                              " SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM events WHERE seq = ?1)";
    int done = db_run(tx_db(tx), e, sql, P(x->event), P(x->n), P(x->stem), P(x->extension), P(x->received_ms));
    return done < 0 ? -1 : db_changes(tx_db(tx)) > 0;
}

int tx_exported_name(struct store_tx *tx, const char *beginning, struct exported *x, struct err *e)
{
    int found = find_name(tx, x, e);
    if (found != 0)
        return found < 0 ? -1 : found == 1;
    return choose_name(tx, beginning, x, e) < 0 ? -1 : put_row(tx, x, e);
}

/* --- what became of them --------------------------------------------------------------------------------------------- */

int tx_exported_written(struct store_tx *tx, const struct exported *x, struct err *e)
{
    return db_run(tx_db(tx), e, "UPDATE exported SET bytes = ?3 WHERE event = ?1 AND n = ?2", P(x->event), P(x->n), P(x->bytes));
}

int tx_exported_gone(struct store_tx *tx, const struct exported *x, struct err *e)
{
    return db_run(tx_db(tx), e, "DELETE FROM exported WHERE event = ?1 AND n = ?2", P(x->event), P(x->n));
}

int tx_exported_doom_lost(struct store_tx *tx, struct err *e)
{
    return db_exec(tx_db(tx), "UPDATE exported SET is_doomed = 1 WHERE bytes IS NULL"
                              " AND NOT EXISTS (SELECT 1 FROM events e WHERE e.seq = exported.event)", e);
}

int tx_exported_forget_all(struct store_tx *tx, struct err *e)
{
    return db_exec(tx_db(tx), "DELETE FROM exported", e);
}

/* --- lists ----------------------------------------------------------------------------------------------------------- */

#define ROW "SELECT event, n, stem, extension, received_ms, coalesce(bytes, 0) FROM exported"

int exported_list(struct store_reader *r, bool is_doomed, struct exported *out, int limit, struct err *e)
{
    static const char doomed[] = ROW " INDEXED BY exported_doomed WHERE is_doomed = 1 ORDER BY event, n LIMIT ?1",
                      oldest[] = ROW " WHERE is_doomed = 0 AND bytes IS NOT NULL ORDER BY event, n LIMIT ?1";
    CLEANUP(stmt_done) struct stmt *q = db_ask(reader_db(r), e, is_doomed ? doomed : oldest, P(limit));
    if (!q)
        return -1;
    int n = 0, more = 0;
    for (; n < limit && (more = stmt_step(q, e)) > 0; n++) {
        out[n] = (struct exported){ .event = col_int(q, 0), .n = (int)col_int(q, 1), .received_ms = col_int(q, 4), .bytes = col_int(q, 5) };
        (void)snprintf(out[n].stem, sizeof out[n].stem, "%s", col_text(q, 2));
        (void)snprintf(out[n].extension, sizeof out[n].extension, "%s", col_text(q, 3));
    }
    return more < 0 ? -1 : n;
}

int exported_bytes(struct store_reader *r, int64_t *out, struct err *e)
{
    return db_number(reader_db(r), "SELECT total(bytes) FROM exported", 0, out, e);
}

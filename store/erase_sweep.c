/* erase_sweep: what rows that are gone leave behind. A contentless index keeps deleted words in its parts until those are merged into
 * one; the log keeps old pages until it begins anew. Both in bites. The note "sweep" says how far it is; it goes last. */
#include "core/fault.h"
#include "store/erase_one.h"
#include "store/notes.h"
#include "store/schema.h"
#include <stdio.h>
#include <string.h>

enum { MERGES_AT_ONCE = 20, MERGE_PAGES = 32 /* few, for mails wait meanwhile */, STAGE_BYTES = 16 };

static const char sweep_note[] = "sweep", begin[] = "begin", merging[] = "merging", merged[] = "merged";

int tx_erase_begin_sweep(struct store_tx *tx, struct err *e)
{
    return tx_note(tx, sweep_note, begin, e);
}

/* --- words in the audit ------------------------------------------------------------------------------------------------ */

/* A filter that somebody acknowledged everything by may quote what it found. */
static int unquote(struct store_tx *tx, struct err *e)
{
    return db_exec(tx->db, "UPDATE audit SET detail = json_remove(detail, '$.filter') WHERE what = 'event.ack'"
                           " AND (instr(detail, 'text=') > 0 OR instr(detail, 'user=') > 0 OR instr(detail, 'zone=') > 0)", e);
}

/* --- words in the index ------------------------------------------------------------------------------------------------ */

struct merge {
    struct store_op op;
    bool            is_done;
};

/* With fewer than two changes a merge had nothing left to do (sqlite.org/fts5.html, 6.8). */
static int merge_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct merge *m = (struct merge *)op;
    char          stage[STAGE_BYTES] = "";
    m->is_done = false;
    if (note_of(tx->db, sweep_note, stage, sizeof stage, e) < 0)
        return -1;
    bool is_first = strcmp(stage, begin) == 0;
    if (is_first && unquote(tx, e) < 0)
        return -1;
    int64_t before = db_total_changes(tx->db);
    if (schema_tidy(tx->db, is_first ? -MERGE_PAGES : MERGE_PAGES, e) < 0)
        return -1;
    m->is_done = !is_first && db_total_changes(tx->db) - before < 2;
    return tx_note(tx, sweep_note, m->is_done ? merged : merging, e);
}

/* true: all of it is merged. */
static bool merge_some(struct store *s, struct err *e)
{
    struct merge m = { .op = { .rank = STORE_LATER, .apply = merge_apply } };
    for (int i = 0; i < MERGES_AT_ONCE && !m.is_done; i++) {
        if (store_do(s, &m.op, e) < 0)
            return false;
        FAULT("erase.merged");
    }
    return m.is_done;
}

/* --- the log ----------------------------------------------------------------------------------------------------------- */

static int end_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    char stage[STAGE_BYTES] = "";
    (void)op;
    if (note_of(tx->db, sweep_note, stage, sizeof stage, e) < 0)
        return -1;
    return strcmp(stage, merged) == 0 ? tx_note(tx, sweep_note, NULL, e) : 0; /* else more was erased meanwhile */
}

bool erase_sweep(struct store *s, struct db *db)
{
    struct store_op end = { .rank = STORE_LATER, .apply = end_apply };
    char            stage[STAGE_BYTES] = "";
    struct err      e = { 0 };
    int             found = note_of(db, sweep_note, stage, sizeof stage, &e);
    if (found <= 0)
        return found < 0;
    if (strcmp(stage, merged) != 0 && !merge_some(s, &e))
        return true;
    if (db_empty_log(db, &e) <= 0) /* somebody still reads what was there before */
        return true;
    FAULT("erase.log_emptied");
    return store_do(s, &end, &e) < 0;
}

/* notes: rows of the table meta, their names behind "note/" so that none is the store's own. */
#include "store/notes.h"
#include "store/db.h"
#include <stdio.h>

int tx_note(struct store_tx *tx, const char *name, const char *value, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        value ? db_stmt(tx_db(tx), "INSERT OR REPLACE INTO meta(key, value) VALUES('note/' || ?1, ?2)", e)
              : db_stmt(tx_db(tx), "DELETE FROM meta WHERE key = 'note/' || ?1", e);
    if (!q)
        return -1;
    bind_text(q, 1, name);
    if (value)
        bind_text(q, 2, value);
    return stmt_run(q, e);
}

int note_read(struct store_reader *r, const char *name, char *out, size_t size, struct err *e)
{
    out[0] = '\0';
    CLEANUP(stmt_done) struct stmt *q = db_stmt(reader_db(r), "SELECT value FROM meta WHERE key = 'note/' || ?", e);
    if (!q)
        return -1;
    bind_text(q, 1, name);
    int found = stmt_step(q, e);
    if (found > 0)
        (void)snprintf(out, size, "%s", col_text(q, 0));
    return found;
}

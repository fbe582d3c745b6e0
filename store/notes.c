/* notes: rows of the table meta, their names behind "note/" so that none is the store's own. */
#include "store/notes.h"
#include "store/db.h"
#include <stdio.h>

int tx_note(struct store_tx *tx, const char *name, const char *value, struct err *e)
{
    return value ? db_run(tx_db(tx), e, "INSERT OR REPLACE INTO meta(key, value) VALUES('note/' || ?, ?)", P(name), P(value))
                 : db_run(tx_db(tx), e, "DELETE FROM meta WHERE key = 'note/' || ?", P(name));
}

int note_of(struct db *db, const char *name, char *out, size_t size, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_ask(db, e, "SELECT value FROM meta WHERE key = 'note/' || ?", P(name));
    int found = q ? stmt_step(q, e) : -1;
    (void)snprintf(out, size, "%s", found > 0 && col_text(q, 0) ? col_text(q, 0) : "");
    return found;
}

int note_read(struct store_reader *r, const char *name, char *out, size_t size, struct err *e)
{
    return note_of(reader_db(r), name, out, size, e);
}

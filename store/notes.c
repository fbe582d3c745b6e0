/* notes: rows of the table meta, their names behind "note/" so that none is the store's own. */
#include "store/notes.h"
#include "store/db.h"
#include <stdio.h>

int tx_note(struct store_tx *tx, const char *name, const char *value, struct err *e)
{
    return value ? db_run(tx_db(tx), e, "INSERT OR REPLACE INTO meta(key, value) VALUES('note/' || ?, ?)", P(name), P(value))
                 : db_run(tx_db(tx), e, "DELETE FROM meta WHERE key = 'note/' || ?", P(name));
}

int note_read(struct store_reader *r, const char *name, char *out, size_t size, struct err *e)
{
    out[0] = '\0';
    CLEANUP(stmt_done) struct stmt *q = db_ask(reader_db(r), e, "SELECT value FROM meta WHERE key = 'note/' || ?", P(name));
    int found = q ? stmt_step(q, e) : -1;
    if (found > 0)
        (void)snprintf(out, size, "%s", col_text(q, 0));
    return found;
}

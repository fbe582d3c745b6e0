/* imports: the rows of arrivals that were brought along. */
#include "store/imports.h"
#include "store/inside.h"
#include <stdio.h>
#include <unistd.h>

void imports_forget_file(struct store *s, const char *id, int64_t received_ms)
{
    char day[DAY_TEXT], file[FILE_TEXT];
    day_of(day, received_ms);
    (void)snprintf(file, sizeof file, "arrivals/%s/%.26s.eml", day, id);
    if (!spool_is_open(s, file))
        (void)unlinkat(s->folder_fd, file, 0);
}

/* Or was, and an owner erased it. */
static int is_there(struct store_tx *tx, const char *id, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s =
        db_ask(tx->db, e, "SELECT 1 FROM arrivals WHERE id = ?1 UNION ALL SELECT 1 FROM erased WHERE id = ?1", P(id));
    return s ? stmt_step(s, e) : -1;
}

static int name_source(struct store_tx *tx, int64_t seq, const char *source, struct err *e)
{
    return db_run(tx->db, e, "UPDATE arrivals SET source = ? WHERE seq = ?", P(source), P(seq));
}

int tx_import(struct store_tx *tx, struct arrival *a, const char *source, struct err *e)
{
    int found = is_there(tx, a->id, e);
    if (found != 0)
        return found < 0 ? -1 : 0;
    return tx_arrival(tx, a, e) < 0 || name_source(tx, a->seq, source, e) < 0 ? -1 : 1;
}

void import_kept(struct arrival *a, bool is_kept)
{
    if (is_kept)
        spool_kept(&a->spool);
    else
        spool_abandon(&a->spool);
}

int tx_saw_person(struct store_tx *tx, const char *arrival_id, struct err *e)
{
    int done = db_run(tx->db, e, "UPDATE events SET person = 1 WHERE person = 0 AND arrival = (SELECT seq FROM arrivals WHERE id = ?)",
                      P(arrival_id));
    return done < 0 ? -1 : db_changes(tx->db);
}

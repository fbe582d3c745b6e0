/* links: three small statements. */
#include "store/links.h"
#include "store/inside.h"
#include <string.h>

enum { L_SEQ, L_ARRIVAL, L_RECEIVED, L_SAME_AS, L_PARSER, L_ENVELOPE, L_ID, L_KIND, L_RESTORED, L_SEVERITY, L_DEVICE, L_ZONE, L_ZONE_NAME,
       L_USER, L_CODE };

static void read_row(struct stmt *q, struct link_row *row)
{
    *row = (struct link_row){
        .seq = col_int(q, L_SEQ),
        .arrival = col_int(q, L_ARRIVAL),
        .received_ms = col_int(q, L_RECEIVED),
        .same_as = col_int(q, L_SAME_AS),
        .parser = col_text(q, L_PARSER),
        .envelope = col_text(q, L_ENVELOPE),
        .event = {
            .kind = col_text(q, L_KIND),
            .restored = col_int(q, L_RESTORED) != 0,
            .severity = (enum severity)col_int(q, L_SEVERITY),
            .device_id = col_text(q, L_DEVICE),
            .zone_number = col_is_null(q, L_ZONE) ? ZONE_NONE : (int)col_int(q, L_ZONE),
            .zone_name = col_text(q, L_ZONE_NAME),
            .user = col_text(q, L_USER),
            .code = (int)col_int(q, L_CODE),
        },
    };
    const char *id = col_text(q, L_ID);
    if (id && strlen(id) < ID_TEXT)
        memcpy(row->event.id, id, strlen(id) + 1);
}

int tx_recent_events(struct store_tx *tx, int most, int (*on_row)(void *user, const struct link_row *row), void *user, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(tx_db(tx), e,
               "SELECT * FROM (SELECT e.seq AS seq, e.arrival, e.received_ms, e.same_as, e.parser, a.envelope, e.id, e.kind,"
               " e.restored, e.severity, e.device, e.zone, e.zone_name, e.user, e.code"
               " FROM events e JOIN arrivals a ON a.seq = e.arrival ORDER BY e.seq DESC LIMIT ?) ORDER BY seq",
               P(most));
    if (!q)
        return -1;
    int found;
    while ((found = stmt_step(q, e)) > 0) {
        struct link_row row;
        read_row(q, &row);
        if (on_row(user, &row) < 0)
            return err_set(e, ERR_NOMEM, "no room for the last events");
    }
    return found;
}

int tx_event_link(struct store_tx *tx, int64_t event, int64_t first, const char *first_id, struct err *e)
{
    int done = db_run(tx_db(tx), e,
                      "UPDATE events SET same_as = ?2 WHERE seq = ?1 AND EXISTS (SELECT 1 FROM events WHERE seq = ?2 AND id = ?3)",
                      P(event), P(first), P(first_id));
    return done < 0 ? -1 : db_changes(tx_db(tx));
}

int tx_is_told(struct store_tx *tx, int64_t event, const char *recipient, enum severity severity, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(tx_db(tx), e, "SELECT 1 FROM deliveries WHERE event = ? AND recipient = ? AND state <= ? AND severity >= ? LIMIT 1",
               P(event), P(recipient), P(DELIVERY_SENT), P(severity));
    return q ? stmt_step(q, e) : -1;
}

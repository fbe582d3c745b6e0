/* erase_one: what hangs on a mail, step by step. Rows go by store/forget.h; here is what only erasing does. */
#include "store/erase_one.h"
#include "core/clock.h"
#include "store/exported.h"
#include "store/forget.h"
#include "store/outbox.h"
#include <stdio.h>

/* --- the debt -------------------------------------------------------------------------------------------------------- */

/* ?1: an event; its mail's, or it alone. */
#define ITS_EVENTS "(SELECT s.seq FROM events e JOIN events s ON s.seq = e.seq OR s.arrival = e.arrival WHERE e.seq = ?1)"
#define ITS_DELIVERIES "(SELECT seq FROM deliveries WHERE event IN " ITS_EVENTS ")"
#define ITS_MESSAGES "(SELECT message FROM legs WHERE delivery IN " ITS_DELIVERIES " AND message IS NOT NULL)"

/* Its request may have left: its answer must find what it is the answer to. */
static const char in_flight_sql[] = "SELECT 1 FROM messages WHERE seq IN " ITS_MESSAGES " AND state = 0 LIMIT 1";
static const char owed_sql[] = "SELECT count(*) FROM deliveries WHERE event IN " ITS_EVENTS " AND state < 2";

/* A message that waits for its next attempt is withdrawn: the relay asks in the transaction of each attempt whether it is still owed.
 * Its other members wait for a new one, which does not quote what goes. */
static const char *const withdraw_steps[] = {
    ("UPDATE deliveries SET state = 0, message = NULL WHERE state = 1 AND event NOT IN " ITS_EVENTS
     " AND seq IN (SELECT l.delivery FROM legs l JOIN messages m ON m.seq = l.message WHERE l.state = 1 AND m.state = 1 AND m.seq IN " ITS_MESSAGES ")"),
    ("UPDATE legs SET state = 0, message = NULL WHERE state = 1 AND delivery NOT IN " ITS_DELIVERIES
     " AND message IN (SELECT seq FROM messages WHERE state = 1 AND seq IN " ITS_MESSAGES ")"),
    "UPDATE messages SET state = 5 WHERE state = 1 AND seq IN " ITS_MESSAGES,
    "UPDATE deliveries SET state = 4 WHERE state < 2 AND event IN " ITS_EVENTS,
};

static int withdraw(struct store_tx *tx, int64_t event, struct erase_result *r, struct err *e)
{
    int64_t owed;
    if (db_number_of(tx->db, owed_sql, 0, &owed, e, P(event)) < 0)
        return -1;
    r->deliveries += owed;
    return db_run_each(tx->db, e, withdraw_steps, P(event));
}

/* --- what an answer quoted --------------------------------------------------------------------------------------------- */

/* Events of ours that say how its messages were refused: they are erased like it, by whoever goes on with the list. */
#define QUOTING "FROM quotes WHERE message IN " ITS_MESSAGES " AND event NOT IN (SELECT event FROM erasing)"

static int list_quoting(struct store_tx *tx, int64_t event, struct erase_result *r, struct err *e)
{
    int64_t more;
    if (db_number_of(tx->db, "SELECT count(*) " QUOTING, 0, &more, e, P(event)) < 0)
        return -1;
    r->left += more;
    return db_run(tx->db, e, "INSERT INTO erasing(event) SELECT event " QUOTING, P(event));
}

/* --- what stays: an id ------------------------------------------------------------------------------------------------- */

static const char *const remember_steps[] = {
    "INSERT OR IGNORE INTO erased(id) SELECT a.id FROM events e JOIN arrivals a ON a.seq = e.arrival WHERE e.seq = ?1",
    /* Only where there is, or was, an archive; its thread follows. */
    "INSERT INTO erasures(id, at_ms, who) SELECT id, unixepoch() * 1000, 'erase' FROM events WHERE seq IN " ITS_EVENTS
    " AND EXISTS (SELECT 1 FROM meta WHERE key = 'note/archive.gateway')",
};

static int remember(struct store_tx *tx, int64_t event, struct err *e)
{
    return db_run_each(tx->db, e, remember_steps, P(event));
}

/* --- the mail ---------------------------------------------------------------------------------------------------------- */

static int forget_one(struct store_tx *tx, int64_t event, struct forgotten *f, struct err *e)
{
    int gone = tx_exported_erase(tx, event, e) < 0 ? -1 : tx_forget_event(tx, event, true, f, e);
    return gone > 0 ? 0 : gone < 0 ? -1 : err_set(e, ERR_STATE, "event %lld is still owed to somebody", (long long)event);
}

static int forget_all(struct store_tx *tx, int64_t event, int64_t arrival, struct forgotten *f, struct err *e)
{
    static const char next_sql[] = "SELECT seq FROM events WHERE arrival = ?1 LIMIT 1";
    int64_t next = event;
    do {
        if (forget_one(tx, next, f, e) < 0 || (arrival > 0 && db_number_of(tx->db, next_sql, 0, &next, e, P(arrival)) < 0))
            return -1;
    } while (arrival > 0 && next > 0);
    return 0;
}

int tx_erase_mail(struct store_tx *tx, int64_t event, struct erase_result *r, struct err *e)
{
    static const char strike_sql[] = "DELETE FROM erasing WHERE event = ?1";
    struct forgotten  f = { 0 };
    int64_t           arrival, is_in_flight;
    if (db_number_of(tx->db, "SELECT coalesce(arrival, 0) FROM events WHERE seq = ?1", -1, &arrival, e, P(event)) < 0 ||
        db_number_of(tx->db, in_flight_sql, 0, &is_in_flight, e, P(event)) < 0)
        return -1;
    if (arrival < 0)
        return db_run(tx->db, e, strike_sql, P(event));
    if (is_in_flight) {
        r->left++;
        return 0;
    }
    if (list_quoting(tx, event, r, e) < 0 || withdraw(tx, event, r, e) < 0 || remember(tx, event, e) < 0 || forget_all(tx, event, arrival, &f, e) < 0)
        return -1;
    r->events += f.events;
    r->mails += arrival > 0;
    r->bytes += f.bytes;
    return db_run(tx->db, e, strike_sql, P(event));
}

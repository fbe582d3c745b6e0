/* forget: small steps, each a list of statements that take the row's seq as ?1. */
#include "store/forget.h"
#include "core/clock.h"
#include "store/doomed.h"
#include "store/notes.h"
#include <stdio.h>

/* --- raw bytes ------------------------------------------------------------------------------------------------- */

static int doom_file(struct store_tx *tx, int64_t arrival, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s =
        db_ask(tx->db, e, "SELECT file, bytes FROM arrivals WHERE seq = ? AND file IS NOT NULL", P(arrival));
    int found = s ? stmt_step(s, e) : -1;
    return found > 0 ? tx_doom(tx, col_text(s, 0), col_int(s, 1), e) : found;
}

int tx_forget_media(struct store_tx *tx, int64_t arrival, int64_t now_ms, struct err *e)
{
    return db_run(tx->db, e,
                  "UPDATE media SET forgotten_ms = ?2 WHERE event IN (SELECT seq FROM events WHERE arrival = ?1)"
                  " AND forgotten_ms IS NULL",
                  P(arrival), P(now_ms));
}

int tx_forget_bytes(struct store_tx *tx, int64_t arrival, struct err *e)
{
    static const char *const steps[] = {
        "UPDATE arrivals SET raw = NULL, file = NULL WHERE seq = ?1",
        "DELETE FROM bodies WHERE arrival = ?1",
    };
    return db_run_each(tx->db, e, steps, P(arrival)) < 0 ? -1 : tx_forget_media(tx, arrival, clock_wall_ms(), e);
}

int tx_forget_raw(struct store_tx *tx, int64_t arrival, struct forgotten *f, struct err *e)
{
    int64_t bytes;
    if (db_number_of(tx->db, "SELECT bytes FROM arrivals WHERE seq = ? AND (file IS NOT NULL OR raw IS NOT NULL)", -1, &bytes, e, P(arrival)) < 0)
        return -1;
    if (bytes < 0)
        return 0;
    f->mails++;
    f->bytes += bytes;
    return doom_file(tx, arrival, e) < 0 ? -1 : tx_forget_bytes(tx, arrival, e);
}

/* --- events ---------------------------------------------------------------------------------------------------- */

#define ITS_MESSAGES                                                                                                          \
    "(SELECT l.message FROM deliveries d JOIN legs l ON l.delivery = d.seq WHERE d.event = ?1 AND l.message IS NOT NULL"       \
    " UNION SELECT message FROM deliveries WHERE event = ?1 AND message IS NOT NULL)"

static const char is_open_sql[] =
    "SELECT 1 FROM deliveries d LEFT JOIN messages m ON m.seq = d.message WHERE d.event = ?1 AND (d.state < 2 OR m.state < 2) LIMIT 1";

/* What was said elsewhere in the event's own words. A conversation names the first sixteen mails that it brought; one with more may have
 * brought this one if its peer did. */
static const char *const wipe_steps[] = {
    "UPDATE messages SET text = '', title = NULL, detail = NULL WHERE seq IN " ITS_MESSAGES,
    "UPDATE audit SET detail = NULL WHERE what = 'event.mark' AND object = (SELECT id FROM events WHERE seq = ?1)",
    "DELETE FROM transcripts WHERE seq IN (SELECT t.seq FROM events e JOIN arrivals a ON a.seq = e.arrival JOIN transcripts t"
    " ON t.at_ms BETWEEN e.received_ms - 86400000 AND e.received_ms + 86400000 WHERE e.seq = ?1 AND (instr(t.body, a.id) > 0"
    " OR (t.peer = json_extract(a.envelope, '$.peer') AND json_extract(t.body, '$.mails') > 16)))",
};

static const char *const remove_steps[] = {
    "UPDATE events SET same_as = NULL WHERE same_as = ?1",
    "DELETE FROM messages WHERE seq IN " ITS_MESSAGES
    " AND NOT EXISTS (SELECT 1 FROM legs l JOIN deliveries d ON d.seq = l.delivery WHERE l.message = messages.seq AND d.event != ?1)",
    "DELETE FROM legs WHERE delivery IN (SELECT seq FROM deliveries WHERE event = ?1)",
    "DELETE FROM deliveries WHERE event = ?1",
    "DELETE FROM media WHERE event = ?1",
    "DELETE FROM quotes WHERE event = ?1",
    "DELETE FROM events WHERE seq = ?1",
};

static int remove_arrival(struct store_tx *tx, int64_t arrival, struct forgotten *f, struct err *e)
{
    return tx_forget_raw(tx, arrival, f, e) < 0 ? -1 : db_run(tx->db, e, "DELETE FROM arrivals WHERE seq = ?1", P(arrival));
}

/* Its arrival once the event is gone. */
static int let_arrival_go(struct store_tx *tx, int64_t arrival, bool is_erased, struct forgotten *f, struct err *e)
{
    int64_t others;
    if (db_number_of(tx->db, "SELECT 1 FROM events WHERE arrival = ?1 LIMIT 1", 0, &others, e, P(arrival)) < 0)
        return -1;
    if (!others)
        return remove_arrival(tx, arrival, f, e);
    if (!is_erased)
        return 0;
    return tx_forget_raw(tx, arrival, f, e) < 0 ? -1 : db_run(tx->db, e, "UPDATE arrivals SET subject = NULL WHERE seq = ?1", P(arrival));
}

int tx_forget_event(struct store_tx *tx, int64_t seq, bool is_erased, struct forgotten *f, struct err *e)
{
    int64_t arrival, is_open;
    if (db_number_of(tx->db, "SELECT coalesce(arrival, 0) FROM events WHERE seq = ?1", -1, &arrival, e, P(seq)) < 0 ||
        db_number_of(tx->db, is_open_sql, 0, &is_open, e, P(seq)) < 0)
        return -1;
    if (arrival < 0 || is_open)
        return 0;
    if (is_erased && db_run_each(tx->db, e, wipe_steps, P(seq)) < 0)
        return -1;
    if (db_run_each(tx->db, e, remove_steps, P(seq)) < 0)
        return -1;
    f->events++;
    return arrival > 0 && let_arrival_go(tx, arrival, is_erased, f, e) < 0 ? -1 : 1;
}

/* --- counting --------------------------------------------------------------------------------------------------- */

static const char note_name[] = "forgotten";
enum { COUNTS_BYTES = 96 };

static int read_counts(struct db *db, struct forgotten *out, struct err *e)
{
    char      text[COUNTS_BYTES];
    long long events, mails, pictures, bytes;
    *out = (struct forgotten){ 0 };
    int found = note_of(db, note_name, text, sizeof text, e);
    if (found > 0 && sscanf(text, "%lld %lld %lld %lld", &events, &mails, &pictures, &bytes) == 4)
        *out = (struct forgotten){ events, mails, pictures, bytes };
    return found < 0 ? -1 : 0;
}

int tx_forgotten_add(struct store_tx *tx, const struct forgotten *f, struct err *e)
{
    struct forgotten sum;
    char             text[COUNTS_BYTES];
    if (read_counts(tx->db, &sum, e) < 0)
        return -1;
    (void)snprintf(text, sizeof text, "%lld %lld %lld %lld", (long long)(sum.events + f->events), (long long)(sum.mails + f->mails),
                   (long long)(sum.pictures + f->pictures), (long long)(sum.bytes + f->bytes));
    return tx_note(tx, note_name, text, e);
}

struct taking {
    struct store_op  op;
    struct forgotten taken;
};

static int take(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct taking *t = (struct taking *)op;
    return read_counts(tx->db, &t->taken, e) < 0 ? -1 : tx_note(tx, note_name, NULL, e);
}

int forgotten_take(struct store *s, struct forgotten *out, struct err *e)
{
    struct taking t = { .op = { .rank = STORE_LATER, .apply = take } };
    if (store_do(s, &t.op, e) < 0)
        return -1;
    *out = t.taken;
    return 0;
}

/* erase: the list, what it counts, and its way into the writer's transactions. */
#include "store/erase.h"
#include "core/clock.h"
#include "core/fault.h"
#include "store/doomed.h"
#include "store/erase_one.h"
#include <stdlib.h>

enum { MAILS_AT_ONCE = 64, STEP_US = 5000, STEP_BYTES = 128 << 10, TURN_MS = 1500, ROOM_MAX = 1 << 14, LISTED_AT_ONCE = 500 };

/* --- the list -------------------------------------------------------------------------------------------------------- */

void erase_list_done(struct erase_list *l)
{
    free(l->events);
    *l = (struct erase_list){ 0 };
}

static int append(struct erase_list *l, int64_t event, struct err *e)
{
    if (l->count == l->room) {
        size_t   room = l->room ? 2 * l->room : 64;
        int64_t *more = room > ROOM_MAX ? NULL : realloc(l->events, room * sizeof *more);
        if (!more)
            return err_set(e, room > ROOM_MAX ? ERR_LIMIT : ERR_NOMEM, "there is no room for more than %d events", ERASE_MAX);
        l->events = more;
        l->room = room;
    }
    l->events[l->count++] = event;
    l->is_sorted = false;
    return 0;
}

/* The first of a mail's events stands for it: that one is never dropped by another reading. */
static const char first_of_mail_sql[] = "SELECT CASE WHEN arrival IS NULL THEN seq ELSE (SELECT seq FROM events f WHERE f.arrival = e.arrival"
                                        " ORDER BY f.n LIMIT 1) END FROM events e WHERE seq = ?1";

int erase_list_add(struct erase_list *l, struct store_reader *r, const int64_t *seqs, size_t count, struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        CLEANUP(stmt_done) struct stmt *q = db_ask(reader_db(r), e, first_of_mail_sql, P(seqs[i]));
        int found = q ? stmt_step(q, e) : -1;
        if (found < 0 || (found > 0 && append(l, col_int(q, 0), e) < 0))
            return -1;
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void sort(struct erase_list *l)
{
    size_t kept = 0;
    if (l->is_sorted || l->count == 0)
        return;
    qsort(l->events, l->count, sizeof *l->events, compare);
    for (size_t i = 1; i < l->count; i++)
        if (l->events[i] != l->events[kept])
            l->events[++kept] = l->events[i];
    l->count = kept + 1;
    l->is_sorted = true;
}

/* --- counting -------------------------------------------------------------------------------------------------------- */

#define ITS_MAIL "SELECT s.* FROM events e JOIN events s ON s.seq = e.seq OR s.arrival = e.arrival WHERE e.seq = ?1"

static const char count_sql[] =
    "SELECT count(*), max(m.arrival IS NOT NULL), min(m.received_ms), max(m.received_ms),"
    " total((SELECT count(*) FROM deliveries d WHERE d.event = m.seq AND d.state < 2)),"
    " total((SELECT count(*) FROM events o WHERE o.same_as IN (m.seq, m.same_as) AND o.arrival IS NOT m.arrival)"
    "  + EXISTS (SELECT 1 FROM events o WHERE o.seq = m.same_as AND o.arrival IS NOT m.arrival))"
    " FROM (" ITS_MAIL ") m";

static int count_one(struct store_reader *r, int64_t event, struct erase_counts *sum, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_ask(reader_db(r), e, count_sql, P(event));
    int found = q ? stmt_step(q, e) : -1;
    if (found <= 0 || col_int(q, 0) == 0)
        return found < 0 ? -1 : 0;
    sum->events += col_int(q, 0);
    sum->mails += col_int(q, 1);
    if (sum->first_ms == 0 || col_int(q, 2) < sum->first_ms)
        sum->first_ms = col_int(q, 2);
    if (col_int(q, 3) > sum->last_ms)
        sum->last_ms = col_int(q, 3);
    sum->deliveries += col_int(q, 4);
    sum->linked += col_int(q, 5);
    return 0;
}

int erase_count(struct erase_list *l, struct store_reader *r, struct erase_counts *out, struct err *e)
{
    sort(l);
    *out = (struct erase_counts){ 0 };
    for (size_t i = 0; i < l->count; i++)
        if (count_one(r, l->events[i], out, e) < 0)
            return -1;
    return 0;
}

/* --- written down first ---------------------------------------------------------------------------------------------- */

struct listing {
    struct store_op           op;
    const int64_t            *events;
    size_t                    count;
    const struct audit_entry *by; /* NULL: its row is there */
};

static int list_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    const struct listing *x = (const struct listing *)op;
    for (size_t i = 0; i < x->count; i++)
        if (db_run(tx->db, e, "INSERT OR IGNORE INTO erasing(event) VALUES(?)", P(x->events[i])) < 0)
            return -1;
    return x->by ? tx_audit(tx, clock_wall_ms(), x->by, e) : 0;
}

static int write_down(struct store *s, const struct erase_list *l, const struct audit_entry *by, struct err *e)
{
    for (size_t at = 0; at < l->count; at += LISTED_AT_ONCE) {
        struct listing x = { .op = { .rank = STORE_EVENT, .apply = list_apply }, .events = l->events + at, .by = at == 0 ? by : NULL };
        x.count = l->count - at < LISTED_AT_ONCE ? l->count - at : LISTED_AT_ONCE;
        if (store_do(s, &x.op, e) < 0)
            return -1;
        FAULT("erase.written_down");
    }
    return 0;
}

/* --- a few at a time ------------------------------------------------------------------------------------------------- */

/* As many as a few milliseconds suffice for, and not of many bytes (each is overwritten): mails that come in wait so long. */
struct step {
    struct store_op     op;
    const int64_t      *events;
    size_t              count, done;
    struct erase_result result;
};

static int step_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct step *x = (struct step *)op;
    int64_t      until_us = clock_steady_us() + STEP_US;
    x->result = (struct erase_result){ 0 }; /* it may run twice */
    x->done = 0;
    do {
        if (tx_erase_mail(tx, x->events[x->done++], &x->result, e) < 0)
            return -1;
    } while (x->done < x->count && x->result.bytes < STEP_BYTES && clock_steady_us() < until_us);
    FAULT("erase.mails_gone");
    return x->result.events > 0 ? tx_erase_begin_sweep(tx, e) : 0;
}

static void add(struct store *s, struct erase_result *sum, const struct erase_result *one)
{
    if (one->events > 0 && s->options.erased)
        s->options.erased(s->options.user);
    sum->events += one->events;
    sum->mails += one->mails;
    sum->deliveries += one->deliveries;
    sum->bytes += one->bytes;
    sum->left += one->left;
}

/* Up to that time (real, monotonic). What is not reached counts as left. */
static int step_through(struct store *s, const int64_t *events, size_t count, int64_t until_us, struct erase_result *sum, struct err *e)
{
    size_t at = 0;
    while (at < count && clock_steady_us() < until_us) {
        struct step x = { .op = { .rank = STORE_LATER, .apply = step_apply }, .events = events + at };
        x.count = count - at < MAILS_AT_ONCE ? count - at : MAILS_AT_ONCE;
        if (store_do(s, &x.op, e) < 0)
            return -1;
        FAULT("erase.step_kept");
        add(s, sum, &x.result);
        at += x.done;
    }
    sum->left += (int64_t)(count - at);
    return 0;
}

int erase_all(struct store *s, struct store_reader *r, struct erase_list *l, const struct audit_entry *by, struct erase_result *out, struct err *e)
{
    sort(l);
    *out = (struct erase_result){ 0 };
    if (l->count == 0)
        return 0;
    (void)atomic_fetch_add(&s->erasing, 1);
    int failed = write_down(s, l, by, e) < 0 || step_through(s, l->events, l->count, clock_steady_us() + ERASE_WAIT_MS * INT64_C(1000), out, e) < 0;
    (void)atomic_fetch_sub(&s->erasing, 1);
    if (failed)
        return -1;
    doomed_remove(s, reader_db(r));
    keeper_begin(s->keeper);
    return 0;
}

/* --- what another run left, and what was on its way -------------------------------------------------------------------- */

/* Up to MAILS_AT_ONCE of them beyond `after`: how many, or -1. */
static int read_left(struct db *db, int64_t after, int64_t *events, struct err *e)
{
    CLEANUP(stmt_done)
    struct stmt *q = db_ask(db, e, "SELECT event FROM erasing WHERE event > ? ORDER BY event LIMIT ?", P(after), P(MAILS_AT_ONCE));
    int found = q ? 1 : -1, n = 0;
    while (q && n < MAILS_AT_ONCE && (found = stmt_step(q, e)) > 0)
        events[n++] = col_int(q, 0);
    return found < 0 ? -1 : n;
}

/* A turn of it; true: some are still there. */
static bool go_through(struct store *s, struct db *db)
{
    int64_t             events[MAILS_AT_ONCE], after = 0, until_us = clock_steady_us() + TURN_MS * INT64_C(1000);
    struct erase_result result = { 0 };
    struct err          e;
    int                 n;
    while ((n = read_left(db, after, events, &e)) > 0 && clock_steady_us() < until_us) {
        if (step_through(s, events, (size_t)n, until_us, &result, &e) < 0)
            return true;
        after = events[n - 1];
    }
    if (result.mails > 0)
        doomed_remove(s, db);
    return n != 0 || result.left > 0;
}

bool erase_go_on(struct store *s, struct db *db)
{
    if (atomic_load(&s->erasing) > 0)
        return true; /* whoever asked does it, and counts */
    bool has_more = go_through(s, db);
    return erase_sweep(s, db) || has_more;
}

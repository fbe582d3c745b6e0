/* outbox: the SQL of the debt. */
#include "store/outbox.h"
#include "store/db.h"
#include <stdio.h>
#include <string.h>

static const char *const delivery_states[] = { "waiting", "sending", "sent", "unknown", "failed" };

const char *delivery_state_name(enum delivery_state s)
{
    return delivery_states[s];
}

/* A leg whose way is so much higher carries the pictures of a delivery that its text has ended already: it is no way of the
 * recipient's, and its end changes nothing about the delivery. */
enum { PICTURES_WAY = 1000 };

/* A delivery as the functions below pass it around. */
struct debt {
    int64_t       seq, event, created_run_ms;
    enum severity severity;
    char          id[ID_TEXT], recipient[OUTBOX_RECIPIENT];
    int           way; /* of the leg it was found by */
};

static void note_end(struct outbox_end_list *ended, const struct debt *d, enum delivery_state state)
{
    if (!ended || ended->count == OUTBOX_MEMBERS_MAX)
        return;
    struct outbox_ended *one = &ended->items[ended->count++];
    *one = (struct outbox_ended){ .state = state, .created_run_ms = d->created_run_ms };
    (void)snprintf(one->id, sizeof one->id, "%s", d->id);
    (void)snprintf(one->recipient, sizeof one->recipient, "%s", d->recipient);
}

/* --- ways and legs ------------------------------------------------------------------------------------------ */

static bool way_at(const struct outbox_turn *t, const char *recipient, int way, struct outbox_way *out)
{
    return t->rules->way(t->rules->user, recipient, way, out);
}

/* A leg of the same event to the same address, of another recipient: told once, it counts for both. */
static int find_twin(struct db *db, const struct debt *d, const struct outbox_way *w, int64_t *message_out, enum leg_state *state_out,
                     struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db,
                                                "SELECT l.message, l.state FROM deliveries d JOIN legs l ON l.delivery = d.seq"
                                                " WHERE d.event = ? AND d.seq <> ? AND l.account = ? AND l.address = ?"
                                                " AND l.state IN (1, 2) ORDER BY l.state DESC LIMIT 1",
                                                e);
    if (!q)
        return -1;
    bind_int(q, 1, d->event);
    bind_int(q, 2, d->seq);
    bind_text(q, 3, w->account);
    bind_text(q, 4, w->address);
    int found = stmt_step(q, e);
    if (found > 0) {
        *message_out = col_int(q, 0);
        *state_out = (enum leg_state)col_int(q, 1);
    }
    return found;
}

static int next_leg_number(struct db *db, int64_t delivery, int *out, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db, "SELECT max(n) + 1 FROM legs WHERE delivery = ?", e);
    if (!q)
        return -1;
    bind_int(q, 1, delivery);
    if (stmt_step(q, e) < 0)
        return -1;
    *out = (int)col_int(q, 0);
    return 0;
}

static int insert_leg(struct db *db, const struct debt *d, int n, int way, const struct outbox_way *w, enum leg_state state,
                      int64_t message, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db,
                                                "INSERT INTO legs(delivery, n, way, account, address, severity, state, message)"
                                                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                                                e);
    if (!q)
        return -1;
    bind_int(q, 1, d->seq);
    bind_int(q, 2, n);
    bind_int(q, 3, way);
    bind_text(q, 4, w->account);
    bind_text(q, 5, w->address);
    bind_int(q, 6, d->severity);
    bind_int(q, 7, state);
    if (message)
        bind_int(q, 8, message);
    return stmt_run(q, e);
}

static int end_delivery(struct db *db, const struct outbox_turn *t, const struct debt *d, enum delivery_state state, int64_t message,
                        struct outbox_end_list *ended, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db,
                                                "UPDATE deliveries SET state = ?1, sent_ms = ?2, message = ifnull(?3, message)"
                                                " WHERE seq = ?4 AND state <> 2",
                                                e);
    if (!q)
        return -1;
    bind_int(q, 1, state);
    if (state == DELIVERY_SENT)
        bind_int(q, 2, t->wall_ms);
    if (message)
        bind_int(q, 3, message);
    bind_int(q, 4, d->seq);
    if (stmt_run(q, e) < 0)
        return -1;
    if (db_changes(db) > 0)
        note_end(ended, d, state);
    return 0;
}

static int set_due(struct db *db, const struct outbox_turn *t, const struct debt *d, int next_way, struct err *e)
{
    struct outbox_way next;
    int64_t           due = d->created_run_ms + t->rules->give_up_ms[d->severity];
    int64_t           soon = t->run_ms + t->rules->next_way_ms[d->severity];
    if (soon < due && way_at(t, d->recipient, next_way, &next))
        due = soon;
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db, "UPDATE deliveries SET due_run_ms = ? WHERE seq = ?", e);
    if (!q)
        return -1;
    bind_int(q, 1, due);
    bind_int(q, 2, d->seq);
    return stmt_run(q, e);
}

/* Begins the way, and those after it as long as they are shut. How many were begun, or -1. */
static int begin_ways(struct db *db, const struct outbox_turn *t, const struct debt *d, int n, int way, struct outbox_end_list *ended,
                      struct err *e)
{
    struct outbox_way w = { .is_shut = true };
    int               begun = 0;
    for (; w.is_shut && way_at(t, d->recipient, way, &w); way++, n++, begun++) {
        int64_t        message = 0;
        enum leg_state state = LEG_WAITING;
        if (n > 0 && find_twin(db, d, &w, &message, &state, e) < 0)
            return -1;
        if (insert_leg(db, d, n, way, &w, state, message, e) < 0)
            return -1;
        if (state == LEG_SENT)
            return end_delivery(db, t, d, DELIVERY_SENT, message, ended, e) < 0 ? -1 : 1;
    }
    if (begun > 0 && set_due(db, t, d, way, e) < 0)
        return -1;
    return begun;
}

/* The way after the newest leg's, unless another leg than that of `way` is already the newest. How many were begun, or -1. */
static int begin_next(struct db *db, const struct outbox_turn *t, const struct debt *d, int way, struct outbox_end_list *ended,
                      struct err *e)
{
    int newest_n, newest_way;
    {
        CLEANUP(stmt_done) struct stmt *q = db_stmt(db, "SELECT n, way FROM legs WHERE delivery = ? ORDER BY n DESC LIMIT 1", e);
        if (!q)
            return -1;
        bind_int(q, 1, d->seq);
        int found = stmt_step(q, e);
        if (found <= 0)
            return found;
        newest_n = (int)col_int(q, 0);
        newest_way = (int)col_int(q, 1);
    }
    if (way >= 0 && newest_way != way)
        return 0;
    return begin_ways(db, t, d, newest_n + 1, newest_way + 1, ended, e);
}

static int update_delivery(struct db *db, int64_t seq, enum delivery_state from, enum delivery_state to, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db, "UPDATE deliveries SET state = ? WHERE seq = ? AND state = ?", e);
    if (!q)
        return -1;
    bind_int(q, 1, to);
    bind_int(q, 2, seq);
    bind_int(q, 3, from);
    return stmt_run(q, e);
}

struct leg_tally {
    int  open, newest_way;
    bool is_unknown; /* one may have told it */
};

static int tally_legs(struct db *db, int64_t delivery, struct leg_tally *out, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        db_stmt(db,
                "SELECT ifnull(sum(l.state < 2), 0), ifnull(max(l.state = 3 OR m.maybe_twice = 1), 0), ifnull(max(l.way), -1)"
                " FROM legs l LEFT JOIN messages m ON m.seq = l.message WHERE l.delivery = ?",
                e);
    if (!q)
        return -1;
    bind_int(q, 1, delivery);
    if (stmt_step(q, e) < 0)
        return -1;
    *out = (struct leg_tally){
        .open = (int)col_int(q, 0),
        .is_unknown = col_int(q, 1) != 0,
        .newest_way = (int)col_int(q, 2),
    };
    return 0;
}

/* After a leg ended without SENT: if nothing is open and no way is left, the delivery ends, too; else it waits. */
static int settle(struct db *db, const struct outbox_turn *t, const struct debt *d, struct outbox_end_list *ended, struct err *e)
{
    struct leg_tally  legs;
    struct outbox_way next;
    if (tally_legs(db, d->seq, &legs, e) < 0)
        return -1;
    if (legs.open > 0)
        return 0;
    if (way_at(t, d->recipient, legs.newest_way + 1, &next))
        return update_delivery(db, d->seq, DELIVERY_SENDING, DELIVERY_WAITING, e);
    return end_delivery(db, t, d, legs.is_unknown ? DELIVERY_UNKNOWN : DELIVERY_FAILED, 0, ended, e);
}

static void read_debt(struct stmt *q, struct debt *d)
{
    *d = (struct debt){
        .seq = col_int(q, 0),
        .event = col_int(q, 1),
        .severity = (enum severity)col_int(q, 2),
        .created_run_ms = col_int(q, 3),
        .way = (int)col_int(q, 6),
    };
    (void)snprintf(d->id, sizeof d->id, "%s", col_text(q, 4));
    (void)snprintf(d->recipient, sizeof d->recipient, "%s", col_text(q, 5));
}
#define DEBT_COLUMNS "d.seq, d.event, d.severity, d.created_run_ms, d.id, d.recipient"

enum { DEBTS_MAX = 4 * OUTBOX_MEMBERS_MAX }; /* members, and twins that joined later */

/* All rows of a query of DEBT_COLUMNS and a way; the statement is done, so that what follows may write. -1 or how many. */
static int read_debts(struct stmt *q, struct debt *debts, int max, struct err *e)
{
    int count = 0, more = 1;
    while (count < max && (more = stmt_step(q, e)) > 0)
        read_debt(q, &debts[count++]);
    return more < 0 ? -1 : count;
}

/* --- deliveries --------------------------------------------------------------------------------------------- */

int tx_delivery_add(struct store_tx *tx, const struct outbox_turn *t, struct outbox_debt *d, struct err *e)
{
    struct db *db = tx_db(tx);
    {
        CLEANUP(stmt_done) struct stmt *q =
            db_stmt(db,
                    "INSERT INTO deliveries(id, event, recipient, severity, state, title, priority, created_ms, created_run_ms, due_run_ms)"
                    " VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, ?)",
                    e);
        if (!q)
            return -1;
        bind_text(q, 1, d->id);
        bind_int(q, 2, d->event);
        bind_text(q, 3, d->recipient);
        bind_int(q, 4, d->severity);
        bind_text(q, 5, d->title);
        if (d->priority >= 0)
            bind_int(q, 6, d->priority);
        bind_int(q, 7, t->wall_ms);
        bind_int(q, 8, t->run_ms);
        struct outbox_way second;
        int64_t           give_up = t->rules->give_up_ms[d->severity], next = t->rules->next_way_ms[d->severity];
        bind_int(q, 9, t->run_ms + (next < give_up && way_at(t, d->recipient, d->way + 1, &second) ? next : give_up));
        if (stmt_run(q, e) < 0)
            return -1;
    }
    d->delivery = db_last_seq(db);
    struct debt debt = { .seq = d->delivery, .event = d->event, .severity = d->severity, .created_run_ms = t->run_ms };
    (void)snprintf(debt.recipient, sizeof debt.recipient, "%s", d->recipient);
    struct outbox_way first;
    if (way_at(t, d->recipient, d->way, &first) && !first.is_shut) /* the common case: due stands in the row already */
        return insert_leg(db, &debt, 0, d->way, &first, LEG_WAITING, 0, e);
    return begin_ways(db, t, &debt, 0, d->way, NULL, e) < 0 ? -1 : 0;
}

static int is_in_flight(struct db *db, int64_t delivery, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db,
                                                "SELECT 1 FROM legs l JOIN messages m ON m.seq = l.message"
                                                " WHERE l.delivery = ? AND l.state = 1 AND m.state = 0",
                                                e);
    if (!q)
        return -1;
    bind_int(q, 1, delivery);
    return stmt_step(q, e);
}

static int close_legs(struct db *db, int64_t delivery, enum leg_state to, enum leg_state up_to, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db, "UPDATE legs SET state = ? WHERE delivery = ? AND state <= ?", e);
    if (!q)
        return -1;
    bind_int(q, 1, to);
    bind_int(q, 2, delivery);
    bind_int(q, 3, up_to);
    return stmt_run(q, e);
}

enum { RECHECK_MS = 10000 };

static int postpone(struct db *db, int64_t delivery, int64_t due_run_ms, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db, "UPDATE deliveries SET due_run_ms = ? WHERE seq = ?", e);
    if (!q)
        return -1;
    bind_int(q, 1, due_run_ms);
    bind_int(q, 2, delivery);
    return stmt_run(q, e);
}

static int give_up(struct db *db, const struct outbox_turn *t, const struct debt *d, struct outbox_end_list *ended, struct err *e)
{
    int flies = is_in_flight(db, d->seq, e);
    if (flies != 0)
        return flies < 0 ? -1 : postpone(db, d->seq, t->run_ms + RECHECK_MS, e);
    struct leg_tally legs;
    if (tally_legs(db, d->seq, &legs, e) < 0)
        return -1;
    if (close_legs(db, d->seq, LEG_FAILED, LEG_TAKEN, e) < 0)
        return -1;
    return end_delivery(db, t, d, legs.is_unknown ? DELIVERY_UNKNOWN : DELIVERY_FAILED, 0, ended, e);
}

static int delivery_due(struct db *db, const struct outbox_turn *t, struct debt *d, struct outbox_end_list *ended, struct err *e)
{
    int64_t deadline = d->created_run_ms + t->rules->give_up_ms[d->severity];
    if (t->run_ms >= deadline)
        return give_up(db, t, d, ended, e);
    int begun = begin_next(db, t, d, -1, ended, e);
    if (begun != 0)
        return begun < 0 ? -1 : 0;
    return postpone(db, d->seq, deadline, e);
}

int tx_deliveries_due(struct store_tx *tx, const struct outbox_turn *t, struct outbox_end_list *ended, struct err *e)
{
    struct db  *db = tx_db(tx);
    struct debt debts[OUTBOX_MEMBERS_MAX];
    int         count;
    {
        CLEANUP(stmt_done) struct stmt *q = db_stmt(db,
                                                    "SELECT " DEBT_COLUMNS ", 0 FROM deliveries d WHERE d.state < 2"
                                                    " AND d.due_run_ms <= ? ORDER BY d.due_run_ms LIMIT ?",
                                                    e);
        if (!q)
            return -1;
        bind_int(q, 1, t->run_ms);
        bind_int(q, 2, OUTBOX_MEMBERS_MAX);
        count = read_debts(q, debts, OUTBOX_MEMBERS_MAX, e);
    }
    for (int i = 0; i < count; i++)
        if (delivery_due(db, t, &debts[i], ended, e) < 0)
            return -1;
    return count < 0 ? -1 : count == OUTBOX_MEMBERS_MAX;
}

int tx_delivery_retry(struct store_tx *tx, const struct outbox_turn *t, const char *id, struct err *e)
{
    struct db  *db = tx_db(tx);
    struct debt d;
    {
        CLEANUP(stmt_done) struct stmt *q =
            db_stmt(db, "SELECT " DEBT_COLUMNS ", 0 FROM deliveries d WHERE d.id = ? AND d.state IN (3, 4)", e);
        if (!q)
            return -1;
        bind_text(q, 1, id);
        int found = stmt_step(q, e);
        if (found <= 0)
            return found;
        read_debt(q, &d);
    }
    {
        CLEANUP(stmt_done) struct stmt *q =
            db_stmt(db, "UPDATE deliveries SET state = 0, created_run_ms = ? WHERE seq = ?", e);
        if (!q)
            return -1;
        bind_int(q, 1, t->run_ms);
        bind_int(q, 2, d.seq);
        if (stmt_run(q, e) < 0)
            return -1;
    }
    d.created_run_ms = t->run_ms;
    struct outbox_way first;
    if (!way_at(t, d.recipient, 0, &first))
        return err_set(e, ERR_STATE, "the recipient %s is no longer in the settings", d.recipient);
    int n;
    if (next_leg_number(db, d.seq, &n, e) < 0 || insert_leg(db, &d, n, 0, &first, LEG_WAITING, 0, e) < 0 ||
        set_due(db, t, &d, 1, e) < 0)
        return -1;
    return 1;
}

/* --- messages ----------------------------------------------------------------------------------------------- */

static int is_waiting(struct db *db, const struct outbox_leg *leg, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db, "SELECT 1 FROM legs WHERE delivery = ? AND n = ? AND state = 0", e);
    if (!q)
        return -1;
    bind_int(q, 1, leg->delivery);
    bind_int(q, 2, leg->n);
    return stmt_step(q, e);
}

static int insert_message(struct db *db, const struct outbox_turn *t, struct outbox_message *m, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db,
                                                "INSERT INTO messages(id, account, provider, address, severity, state, attempts,"
                                                " title, text, priority, created_ms, due_run_ms)"
                                                " VALUES (?, ?, ?, ?, ?, 0, 1, ?, ?, ?, ?, ?)",
                                                e);
    if (!q)
        return -1;
    bind_text(q, 1, m->id);
    bind_text(q, 2, m->account);
    bind_text(q, 3, m->provider);
    bind_text(q, 4, m->address);
    bind_int(q, 5, m->severity);
    bind_text(q, 6, m->title);
    bind_text(q, 7, m->text);
    if (m->priority >= 0)
        bind_int(q, 8, m->priority);
    bind_int(q, 9, t->wall_ms);
    bind_int(q, 10, t->run_ms);
    if (stmt_run(q, e) < 0)
        return -1;
    m->seq = db_last_seq(db);
    m->state = MESSAGE_SENDING;
    m->attempts = 1;
    return 0;
}

static int take_leg(struct db *db, const struct outbox_leg *leg, int64_t message, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db, "UPDATE legs SET state = 1, message = ? WHERE delivery = ? AND n = ?", e);
    if (!q)
        return -1;
    bind_int(q, 1, message);
    bind_int(q, 2, leg->delivery);
    bind_int(q, 3, leg->n);
    if (stmt_run(q, e) < 0)
        return -1;
    CLEANUP(stmt_done) struct stmt *u = db_stmt(db, "UPDATE deliveries SET state = 1, message = ? WHERE seq = ? AND state < 2", e);
    if (!u)
        return -1;
    bind_int(u, 1, message);
    bind_int(u, 2, leg->delivery);
    return stmt_run(u, e);
}

int tx_message_add(struct store_tx *tx, const struct outbox_turn *t, struct outbox_message *m, const struct outbox_leg *legs,
                   size_t count, struct err *e)
{
    struct db *db = tx_db(tx);
    for (size_t i = 0; i < count; i++) {
        int waits = is_waiting(db, &legs[i], e);
        if (waits <= 0)
            return waits;
    }
    if (insert_message(db, t, m, e) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (take_leg(db, &legs[i], m->seq, e) < 0)
            return -1;
    return 1;
}

/* Pictures are owed as long as their text would be. */
static int is_owed(struct db *db, const struct outbox_turn *t, int64_t message, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db,
                                                "SELECT d.state < 2, d.severity, d.created_run_ms FROM legs l"
                                                " JOIN deliveries d ON d.seq = l.delivery"
                                                " WHERE l.message = ? AND l.state = 1 AND (d.state < 2 OR l.way >= ?)"
                                                " ORDER BY d.state < 2 DESC, d.seq DESC LIMIT 1",
                                                e);
    if (!q)
        return -1;
    bind_int(q, 1, message);
    bind_int(q, 2, PICTURES_WAY);
    int found = stmt_step(q, e);
    if (found <= 0 || col_int(q, 0))
        return found;
    return t->run_ms < col_int(q, 2) + t->rules->give_up_ms[col_int(q, 1)];
}

static int end_legs(struct db *db, int64_t message, enum leg_state to, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db, "UPDATE legs SET state = ? WHERE message = ? AND state = 1", e);
    if (!q)
        return -1;
    bind_int(q, 1, to);
    bind_int(q, 2, message);
    return stmt_run(q, e);
}

static int withdraw_message(struct db *db, const struct outbox_turn *t, int64_t message, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db, "UPDATE messages SET state = 5, ended_ms = ? WHERE seq = ?", e);
    if (!q)
        return -1;
    bind_int(q, 1, t->wall_ms);
    bind_int(q, 2, message);
    return stmt_run(q, e) < 0 || end_legs(db, message, LEG_WITHDRAWN, e) < 0 ? -1 : 0;
}

int tx_message_again(struct store_tx *tx, const struct outbox_turn *t, int64_t message, struct err *e)
{
    struct db *db = tx_db(tx);
    int        owed = is_owed(db, t, message, e);
    if (owed < 0)
        return -1;
    if (owed == 0)
        return withdraw_message(db, t, message, e);
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db, "UPDATE messages SET state = 0, attempts = attempts + 1 WHERE seq = ?", e);
    if (!q)
        return -1;
    bind_int(q, 1, message);
    if (stmt_run(q, e) < 0)
        return -1;
    CLEANUP(stmt_done) struct stmt *u = db_stmt(db,
                                                "UPDATE deliveries SET state = 1, message = ?1 WHERE state < 2 AND seq IN"
                                                " (SELECT delivery FROM legs WHERE message = ?1 AND state = 1)",
                                                e);
    if (!u)
        return -1;
    bind_int(u, 1, message);
    return stmt_run(u, e) < 0 ? -1 : 1;
}

static int update_message(struct db *db, const struct outbox_turn *t, const struct outbox_verdict *v, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db,
                                                "UPDATE messages SET state = ?, maybe_twice = ?, verdict = ?, detail = ?,"
                                                " due_run_ms = ?, ended_ms = ? WHERE seq = ?",
                                                e);
    if (!q)
        return -1;
    bind_int(q, 1, v->state);
    bind_int(q, 2, v->maybe_twice);
    bind_text(q, 3, v->verdict);
    bind_text(q, 4, v->detail);
    bind_int(q, 5, v->due_run_ms);
    if (v->state != MESSAGE_WAITING)
        bind_int(q, 6, t->wall_ms);
    bind_int(q, 7, v->message);
    return stmt_run(q, e);
}

/* The same way again, for the pictures. */
static int owe_pictures(struct db *db, const struct outbox_turn *t, const struct debt *d, struct err *e)
{
    struct outbox_way w;
    int               n;
    if (!way_at(t, d->recipient, d->way, &w))
        return 0;
    return next_leg_number(db, d->seq, &n, e) < 0 ? -1 : insert_leg(db, d, n, d->way + PICTURES_WAY, &w, LEG_WAITING, 0, e);
}

static int member_sent(struct db *db, const struct outbox_turn *t, const struct outbox_verdict *v, const struct debt *d,
                       struct outbox_end_list *ended, struct err *e)
{
    if (end_delivery(db, t, d, DELIVERY_SENT, v->message, ended, e) < 0)
        return -1;
    if (close_legs(db, d->seq, LEG_WITHDRAWN, LEG_WAITING, e) < 0)
        return -1;
    return v->pictures_follow ? owe_pictures(db, t, d, e) : 0;
}

static int member_failed(struct db *db, const struct outbox_turn *t, const struct outbox_verdict *v, const struct debt *d,
                         struct outbox_end_list *ended, struct err *e)
{
    (void)v;
    int begun = begin_next(db, t, d, d->way, ended, e);
    return begun != 0 ? (begun < 0 ? -1 : 0) : settle(db, t, d, ended, e);
}

static int member_unknown(struct db *db, const struct outbox_turn *t, const struct outbox_verdict *v, const struct debt *d,
                          struct outbox_end_list *ended, struct err *e)
{
    (void)v;
    return settle(db, t, d, ended, e);
}

static int member_waits(struct db *db, const struct outbox_turn *t, const struct outbox_verdict *v, const struct debt *d,
                        struct outbox_end_list *ended, struct err *e)
{
    if (update_delivery(db, d->seq, DELIVERY_SENDING, DELIVERY_WAITING, e) < 0)
        return -1;
    return v->is_next_way_now && begin_next(db, t, d, d->way, ended, e) < 0 ? -1 : 0;
}

static const struct {
    enum leg_state leg;
    int (*member)(struct db *, const struct outbox_turn *, const struct outbox_verdict *, const struct debt *, struct outbox_end_list *,
                  struct err *);
} consequences[] = {
    [MESSAGE_WAITING] = { LEG_TAKEN, member_waits },
    [MESSAGE_SENT] = { LEG_SENT, member_sent },
    [MESSAGE_UNKNOWN] = { LEG_UNKNOWN, member_unknown },
    [MESSAGE_FAILED] = { LEG_FAILED, member_failed },
};

static int read_members(struct db *db, int64_t message, struct debt *debts, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db,
                                                "SELECT " DEBT_COLUMNS ", l.way FROM legs l JOIN deliveries d ON d.seq = l.delivery"
                                                " WHERE l.message = ? AND l.state = 1",
                                                e);
    if (!q)
        return -1;
    bind_int(q, 1, message);
    return read_debts(q, debts, DEBTS_MAX, e);
}

int tx_message_verdict(struct store_tx *tx, const struct outbox_turn *t, const struct outbox_verdict *v,
                       struct outbox_end_list *ended, struct err *e)
{
    struct db  *db = tx_db(tx);
    struct debt members[DEBTS_MAX];
    int         count = read_members(db, v->message, members, e);
    if (count < 0 || update_message(db, t, v, e) < 0)
        return -1;
    if (v->state != MESSAGE_WAITING && end_legs(db, v->message, consequences[v->state].leg, e) < 0)
        return -1;
    for (int i = 0; i < count; i++)
        if (members[i].way < PICTURES_WAY && consequences[v->state].member(db, t, v, &members[i], ended, e) < 0)
            return -1;
    return 0;
}

/* --- lanes that are no longer in the settings --------------------------------------------------------------- */

/* Its messages fail; their legs wait again, so that the second step finds them. */
static int dissolve_messages(struct db *db, const struct outbox_turn *t, const char *account, const char *address, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db,
                                                "UPDATE legs SET state = 0 WHERE state = 1 AND message IN"
                                                " (SELECT seq FROM messages WHERE account = ? AND address = ? AND state < 2)",
                                                e);
    if (!q)
        return -1;
    bind_text(q, 1, account);
    bind_text(q, 2, address);
    if (stmt_run(q, e) < 0)
        return -1;
    CLEANUP(stmt_done) struct stmt *u = db_stmt(db,
                                                "UPDATE messages SET state = 4, verdict = 'rejected', ended_ms = ?,"
                                                " detail = 'the account is no longer in the settings'"
                                                " WHERE account = ? AND address = ? AND state < 2",
                                                e);
    if (!u)
        return -1;
    bind_int(u, 1, t->wall_ms);
    bind_text(u, 2, account);
    bind_text(u, 3, address);
    return stmt_run(u, e);
}

static int has_leg(struct db *db, int64_t delivery, const struct outbox_way *w, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db, "SELECT 1 FROM legs WHERE delivery = ? AND account = ? AND address = ?", e);
    if (!q)
        return -1;
    bind_int(q, 1, delivery);
    bind_text(q, 2, w->account);
    bind_text(q, 3, w->address);
    return stmt_step(q, e);
}

/* The settings have changed, so numbers of ways mean nothing: the first way that was not tried. How many were begun, or -1. */
static int begin_untried(struct db *db, const struct outbox_turn *t, const struct debt *d, struct outbox_end_list *ended, struct err *e)
{
    struct outbox_way w;
    int               n;
    for (int way = 0; way_at(t, d->recipient, way, &w); way++) {
        int tried = has_leg(db, d->seq, &w, e);
        if (tried > 0)
            continue;
        if (tried < 0 || next_leg_number(db, d->seq, &n, e) < 0)
            return -1;
        return begin_ways(db, t, d, n, way, ended, e);
    }
    return 0;
}

static int dissolve_leg(struct db *db, const struct outbox_turn *t, const struct debt *d, const char *account, const char *address,
                        struct outbox_end_list *ended, struct err *e)
{
    {
        CLEANUP(stmt_done) struct stmt *q = db_stmt(
            db, "UPDATE legs SET state = 4 WHERE delivery = ? AND account = ? AND address = ? AND state = 0", e);
        if (!q)
            return -1;
        bind_int(q, 1, d->seq);
        bind_text(q, 2, account);
        bind_text(q, 3, address);
        if (stmt_run(q, e) < 0)
            return -1;
    }
    if (d->way >= PICTURES_WAY)
        return 0;
    int begun = begin_untried(db, t, d, ended, e);
    return begun != 0 ? (begun < 0 ? -1 : 0) : settle(db, t, d, ended, e);
}

int tx_lane_dissolve(struct store_tx *tx, const struct outbox_turn *t, const char *account, const char *address,
                     struct outbox_end_list *ended, struct err *e)
{
    struct db  *db = tx_db(tx);
    struct debt debts[OUTBOX_MEMBERS_MAX];
    int         count;
    if (dissolve_messages(db, t, account, address, e) < 0)
        return -1;
    {
        CLEANUP(stmt_done) struct stmt *q = db_stmt(db,
                                                    "SELECT " DEBT_COLUMNS ", l.way FROM legs l JOIN deliveries d ON d.seq = l.delivery"
                                                    " WHERE l.account = ? AND l.address = ? AND l.state = 0 LIMIT ?",
                                                    e);
        if (!q)
            return -1;
        bind_text(q, 1, account);
        bind_text(q, 2, address);
        bind_int(q, 3, OUTBOX_MEMBERS_MAX);
        count = read_debts(q, debts, OUTBOX_MEMBERS_MAX, e);
    }
    for (int i = 0; i < count; i++)
        if (dissolve_leg(db, t, &debts[i], account, address, ended, e) < 0)
            return -1;
    return count < 0 ? -1 : count == OUTBOX_MEMBERS_MAX;
}

int tx_arrival_state_now(struct store_tx *tx, int64_t seq, enum arrival_state *out, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(tx_db(tx), "SELECT state FROM arrivals WHERE seq = ?", e);
    if (!q)
        return -1;
    bind_int(q, 1, seq);
    int found = stmt_step(q, e);
    if (found > 0)
        *out = (enum arrival_state)col_int(q, 0);
    return found;
}

/* --- reading ------------------------------------------------------------------------------------------------ */

/* A text too long for any message is cut here: memory is bounded whatever the device wrote. */
#define MEMBER_COLUMNS                                                                                              \
    "SELECT l.delivery, l.n, d.id, d.recipient, d.title, d.priority, d.created_run_ms, e.seq, e.id, e.received_ms," \
    " e.parser, e.kind, e.restored, e.severity, e.device, v.name, e.zone, e.zone_name, e.user,"                     \
    " substr(e.text, 1, 16384), e.code, e.happened_ms, a.id, l.way, e.target, e.channel, e.device_time, e.drift_ms," \
    " (SELECT id FROM events first WHERE first.seq = e.same_as)"                                                    \
    " FROM legs l JOIN deliveries d ON d.seq = l.delivery JOIN events e ON e.seq = d.event"                         \
    " LEFT JOIN arrivals a ON a.seq = e.arrival LEFT JOIN devices v ON v.id = e.device"

static bool copy_texts(struct stmt *q, struct outbox_member *m, struct arena *a)
{
    const struct {
        int          column;
        const char **to;
    } texts[] = {
        { 3, &m->recipient },        { 4, &m->title },        { 10, &m->origin.parser },   { 11, &m->event.kind },
        { 14, &m->event.device_id }, { 15, &m->event.device_name }, { 17, &m->event.zone_name }, { 18, &m->event.user },
        { 19, &m->event.text },      { 22, &m->origin.arrival },     { 24, &m->event.target },    { 25, &m->event.channel },
        { 26, &m->event.device_time },
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        if (!col_is_null(q, texts[i].column) && !(*texts[i].to = col_copy(q, texts[i].column, a)))
            return false;
    return true;
}

static bool read_member(struct stmt *q, struct outbox_member *m, struct arena *a)
{
    *m = (struct outbox_member){
        .leg = { col_int(q, 0), (int)col_int(q, 1) },
        .priority = col_is_null(q, 5) ? -1 : (int)col_int(q, 5),
        .created_run_ms = col_int(q, 6),
        .event_seq = col_int(q, 7),
        .is_pictures = col_int(q, 23) >= PICTURES_WAY,
        .origin = { .received_ms = col_int(q, 9) },
        .event = {
            .restored = col_int(q, 12) != 0,
            .severity = (enum severity)col_int(q, 13),
            .zone_number = col_is_null(q, 16) ? ZONE_NONE : (int)col_int(q, 16),
            .code = (int)col_int(q, 20),
            .happened_ms = col_int(q, 21),
            .drift_ms = col_is_null(q, 27) ? DRIFT_UNKNOWN : col_int(q, 27),
        },
    };
    (void)snprintf(m->id, sizeof m->id, "%s", col_text(q, 2));
    (void)snprintf(m->event.id, sizeof m->event.id, "%s", col_text(q, 8));
    (void)snprintf(m->event.same_as, sizeof m->event.same_as, "%s", col_is_null(q, 28) ? "" : col_text(q, 28));
    if (!copy_texts(q, m, a))
        return false;
    m->event.device_name = m->event.device_name ? m->event.device_name : m->event.device_id;
    return true;
}

enum { MEDIA_READ_MAX = 32 };

static int read_media(struct db *db, struct outbox_member *m, struct arena *a, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db,
                                                "SELECT n, type, name, bytes, offset, length, encoding FROM media"
                                                " WHERE event = ? ORDER BY n LIMIT ?",
                                                e);
    if (!q)
        return -1;
    bind_int(q, 1, m->event_seq);
    bind_int(q, 2, MEDIA_READ_MAX);
    struct media found[MEDIA_READ_MAX];
    size_t       count = 0;
    int          more = 1;
    while (count < MEDIA_READ_MAX && (more = stmt_step(q, e)) > 0)
        found[count++] = (struct media){
            .n = (int)col_int(q, 0),
            .type = col_copy(q, 1, a),
            .name = col_copy(q, 2, a),
            .bytes = col_int(q, 3),
            .offset = col_int(q, 4),
            .length = col_int(q, 5),
            .encoding = (enum encoding)col_int(q, 6),
        };
    if (more < 0 || count == 0)
        return more < 0 ? -1 : 0;
    struct media *kept = arena_alloc(a, count * sizeof *kept);
    if (!kept)
        return err_set(e, ERR_NOMEM, "no room for an event's pictures");
    memcpy(kept, found, count * sizeof *kept);
    m->event.media = kept;
    m->event.media_count = count;
    return 0;
}

/* Members of a query of MEMBER_COLUMNS, as many as the arena holds. */
static int read_rows(struct stmt *q, struct outbox_member *members, size_t max, struct arena *a, struct err *e)
{
    size_t count = 0;
    int    more = 1;
    while (count < max && (more = stmt_step(q, e)) > 0) {
        if (!read_member(q, &members[count], a))
            return count > 0 ? (int)count : err_set(e, ERR_NOMEM, "no room for a delivery");
        count++;
    }
    return more < 0 ? -1 : (int)count;
}

static int add_media(struct db *db, struct outbox_member *members, int count, struct arena *a, struct err *e)
{
    for (int i = 0; i < count; i++)
        if (read_media(db, &members[i], a, e) < 0)
            return -1;
    return count;
}

static int read_waiting(struct db *db, const char *account, const char *address, enum severity s, bool is_pictures,
                        struct outbox_member *members, size_t max, struct arena *a, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db,
                                                MEMBER_COLUMNS " WHERE l.state = 0 AND l.account = ? AND l.address = ?"
                                                               " AND l.severity = ? AND (l.way >= ?) = ? ORDER BY l.delivery LIMIT ?",
                                                e);
    if (!q)
        return -1;
    bind_text(q, 1, account);
    bind_text(q, 2, address);
    bind_int(q, 3, s);
    bind_int(q, 4, PICTURES_WAY);
    bind_int(q, 5, is_pictures);
    bind_int(q, 6, (int64_t)max);
    return read_rows(q, members, max, a, e);
}

int outbox_waiting(struct store_reader *r, const char *account, const char *address, enum severity s,
                   struct outbox_member *members, size_t max, struct arena *a, struct err *e)
{
    struct db *db = reader_db(r);
    int        count = read_waiting(db, account, address, s, false, members, max, a, e);
    if (count == 0)
        count = read_waiting(db, account, address, s, true, members, max, a, e);
    return count < 0 ? -1 : add_media(db, members, count, a, e);
}

static int read_message(struct db *db, const char *account, const char *address, enum severity s, struct outbox_message *out,
                        struct arena *a, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        db_stmt(db,
                "SELECT seq, id, account, provider, address, severity, state, attempts, maybe_twice, title, text, priority,"
                " due_run_ms FROM messages WHERE state < 2 AND account = ? AND address = ? AND severity = ? ORDER BY seq LIMIT 1",
                e);
    if (!q)
        return -1;
    bind_text(q, 1, account);
    bind_text(q, 2, address);
    bind_int(q, 3, s);
    int found = stmt_step(q, e);
    if (found <= 0)
        return found;
    *out = (struct outbox_message){
        .seq = col_int(q, 0),
        .account = col_copy(q, 2, a),
        .provider = col_copy(q, 3, a),
        .address = col_copy(q, 4, a),
        .severity = (enum severity)col_int(q, 5),
        .state = (enum message_state)col_int(q, 6),
        .attempts = (int)col_int(q, 7),
        .maybe_twice = col_int(q, 8) != 0,
        .title = col_copy(q, 9, a),
        .text = col_copy(q, 10, a),
        .priority = col_is_null(q, 11) ? -1 : (int)col_int(q, 11),
        .due_run_ms = col_int(q, 12),
    };
    (void)snprintf(out->id, sizeof out->id, "%s", col_text(q, 1));
    if (!out->account || !out->provider || !out->address || !out->text)
        return err_set(e, ERR_NOMEM, "no room for a message");
    return 1;
}

int outbox_open_message(struct store_reader *r, const char *account, const char *address, enum severity s,
                        struct outbox_message *out, struct outbox_member *members, size_t max, size_t *count_out,
                        struct arena *a, struct err *e)
{
    struct db *db = reader_db(r);
    int        found = read_message(db, account, address, s, out, a, e);
    if (found <= 0)
        return found;
    int count;
    {
        CLEANUP(stmt_done) struct stmt *q =
            db_stmt(db, MEMBER_COLUMNS " WHERE l.message = ? AND l.state = 1 ORDER BY l.delivery LIMIT ?", e);
        if (!q)
            return -1;
        bind_int(q, 1, out->seq);
        bind_int(q, 2, (int64_t)max);
        count = read_rows(q, members, max, a, e);
    }
    if (count < 0 || add_media(db, members, count, a, e) < 0)
        return -1;
    *count_out = (size_t)count;
    return 1;
}

int outbox_lanes(struct store_reader *r, outbox_lane_fn *each, void *user, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(reader_db(r),
                                                "SELECT account, address FROM legs WHERE state = 0"
                                                " UNION SELECT account, address FROM messages WHERE state < 2",
                                                e);
    if (!q)
        return -1;
    int more;
    while ((more = stmt_step(q, e)) > 0)
        each(user, col_text(q, 0), col_text(q, 1));
    return more;
}

int outbox_pending(struct store_reader *r, outbox_pending_fn *each, void *user, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        db_stmt(reader_db(r),
                "SELECT w.account, w.count, d.created_run_ms FROM"
                " (SELECT account, count(*) AS count, min(delivery) AS oldest FROM"
                "   (SELECT account, delivery FROM legs WHERE state = 0"
                "    UNION ALL SELECT l.account, l.delivery FROM messages m JOIN legs l ON l.message = m.seq"
                "    WHERE m.state < 2 AND l.state = 1)"
                "  GROUP BY account) w"
                " JOIN deliveries d ON d.seq = w.oldest",
                e);
    if (!q)
        return -1;
    int more;
    while ((more = stmt_step(q, e)) > 0)
        each(user, col_text(q, 0), col_int(q, 1), col_int(q, 2));
    return more;
}

enum { LAST_TEXTS = 1000 };

int outbox_last_texts(struct store_reader *r, outbox_text_fn *each, void *user, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        db_stmt(reader_db(r), "SELECT account, address, text FROM messages ORDER BY seq DESC LIMIT ?", e);
    if (!q)
        return -1;
    bind_int(q, 1, LAST_TEXTS);
    int more;
    while ((more = stmt_step(q, e)) > 0)
        each(user, col_text(q, 0), col_text(q, 1), col_text(q, 2));
    return more;
}

int outbox_next_due(struct store_reader *r, int64_t *run_ms_out, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(reader_db(r), "SELECT min(due_run_ms) FROM deliveries WHERE state < 2", e);
    if (!q || stmt_step(q, e) < 0)
        return -1;
    *run_ms_out = col_is_null(q, 0) ? INT64_MAX : col_int(q, 0);
    return 0;
}

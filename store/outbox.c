/* outbox: the debt is written: ways, legs, deliveries, messages. */
#include "store/outbox.h"
#include "store/db.h"
#include "store/outbox_inside.h"
#include <stdio.h>
#include <string.h>

static const char *const delivery_states[] = { "waiting", "sending", "sent", "unknown", "failed" };

const char *delivery_state_name(enum delivery_state s)
{
    return delivery_states[s];
}

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
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(db, e,
               "SELECT l.message, l.state FROM deliveries d JOIN legs l ON l.delivery = d.seq"
               " WHERE d.event = ? AND d.seq <> ? AND l.account = ? AND l.address = ?"
               " AND l.state IN (1, 2) ORDER BY l.state DESC LIMIT 1",
               P(d->event), P(d->seq), P(w->account), P(w->address));
    int found = q ? stmt_step(q, e) : -1;
    if (found > 0) {
        *message_out = col_int(q, 0);
        *state_out = (enum leg_state)col_int(q, 1);
    }
    return found;
}

static int next_leg_number(struct db *db, int64_t delivery, int *out, struct err *e)
{
    int64_t n = 0;
    int     failed = db_number_of(db, "SELECT max(n) + 1 FROM legs WHERE delivery = ?", 0, &n, e, P(delivery));
    *out = (int)n;
    return failed;
}

static int insert_leg(struct db *db, const struct debt *d, int n, int way, const struct outbox_way *w, enum leg_state state,
                      int64_t message, struct err *e)
{
    return db_run(db, e,
                  "INSERT INTO legs(delivery, n, way, account, address, severity, state, message)"
                  " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                  P(d->seq), P(n), P(way), P(w->account), P(w->address), P(d->severity), P(state), param_if(message != 0, message));
}

static int end_delivery(struct db *db, const struct outbox_turn *t, const struct debt *d, enum delivery_state state, int64_t message,
                        struct outbox_end_list *ended, struct err *e)
{
    if (db_run(db, e,
               "UPDATE deliveries SET state = ?1, sent_ms = ?2, message = ifnull(?3, message)"
               " WHERE seq = ?4 AND state <> 2",
               P(state), param_if(state == DELIVERY_SENT, t->wall_ms), param_if(message != 0, message), P(d->seq)) < 0)
        return -1;
    if (db_changes(db) > 0)
        note_end(ended, d, state);
    return 0;
}

static int postpone(struct db *db, int64_t delivery, int64_t due_run_ms, struct err *e)
{
    return db_run(db, e, "UPDATE deliveries SET due_run_ms = ? WHERE seq = ?", P(due_run_ms), P(delivery));
}

static int set_due(struct db *db, const struct outbox_turn *t, const struct debt *d, int next_way, struct err *e)
{
    struct outbox_way next;
    int64_t           due = d->created_run_ms + t->rules->give_up_ms[d->severity];
    int64_t           soon = t->run_ms + t->rules->next_way_ms[d->severity];
    if (soon < due && way_at(t, d->recipient, next_way, &next))
        due = soon;
    return postpone(db, d->seq, due, e);
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
        CLEANUP(stmt_done) struct stmt *q = db_ask(db, e, "SELECT n, way FROM legs WHERE delivery = ? ORDER BY n DESC LIMIT 1", P(d->seq));
        int found = q ? stmt_step(q, e) : -1;
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
    return db_run(db, e, "UPDATE deliveries SET state = ? WHERE seq = ? AND state = ?", P(to), P(seq), P(from));
}

struct leg_tally {
    int  open, newest_way;
    bool is_unknown; /* one may have told it */
};

static int tally_legs(struct db *db, int64_t delivery, struct leg_tally *out, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(db, e,
               "SELECT ifnull(sum(l.state < 2), 0), ifnull(max(l.state = 3 OR m.maybe_twice = 1), 0), ifnull(max(l.way), -1)"
               " FROM legs l LEFT JOIN messages m ON m.seq = l.message WHERE l.delivery = ?", P(delivery));
    if (!q || stmt_step(q, e) < 0)
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
    struct outbox_way second;
    int64_t           give_up = t->rules->give_up_ms[d->severity], next = t->rules->next_way_ms[d->severity];
    int64_t           due = t->run_ms + (next < give_up && way_at(t, d->recipient, d->way + 1, &second) ? next : give_up);
    if (db_run(db, e,
               "INSERT INTO deliveries(id, event, recipient, severity, state, title, priority, created_ms, created_run_ms, due_run_ms)"
               " VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, ?)",
               P(d->id), P(d->event), P(d->recipient), P(d->severity), P(d->title), param_if(d->priority >= 0, d->priority), P(t->wall_ms),
               P(t->run_ms), P(due)) < 0)
        return -1;
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
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(db, e,
               "SELECT 1 FROM legs l JOIN messages m ON m.seq = l.message"
               " WHERE l.delivery = ? AND l.state = 1 AND m.state = 0", P(delivery));
    return q ? stmt_step(q, e) : -1;
}

static int close_legs(struct db *db, int64_t delivery, enum leg_state to, enum leg_state up_to, struct err *e)
{
    return db_run(db, e, "UPDATE legs SET state = ? WHERE delivery = ? AND state <= ?", P(to), P(delivery), P(up_to));
}

enum { RECHECK_MS = 10000 };

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
        CLEANUP(stmt_done) struct stmt *q =
            db_ask(db, e,
                   "SELECT " DEBT_COLUMNS ", 0 FROM deliveries d WHERE d.state < 2"
                   " AND d.due_run_ms <= ? ORDER BY d.due_run_ms LIMIT ?",
                   P(t->run_ms), P(OUTBOX_MEMBERS_MAX));
        if (!q)
            return -1;
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
            db_ask(db, e,
                   "SELECT " DEBT_COLUMNS ", 0 FROM deliveries d WHERE d.id = ? AND d.state IN (3, 4)",
                   P(id));
        int found = q ? stmt_step(q, e) : -1;
        if (found <= 0)
            return found;
        read_debt(q, &d);
    }
    if (db_run(db, e, "UPDATE deliveries SET state = 0, created_run_ms = ? WHERE seq = ?", P(t->run_ms), P(d.seq)) < 0)
        return -1;
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
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(db, e,
               "SELECT 1 FROM legs WHERE delivery = ? AND n = ? AND state = 0",
               P(leg->delivery), P(leg->n));
    return q ? stmt_step(q, e) : -1;
}

static int insert_message(struct db *db, const struct outbox_turn *t, struct outbox_message *m, struct err *e)
{
    if (db_run(db, e,
               "INSERT INTO messages(id, account, provider, address, severity, state, attempts,"
               " title, text, priority, created_ms, due_run_ms)"
               " VALUES (?, ?, ?, ?, ?, 0, 1, ?, ?, ?, ?, ?)",
               P(m->id), P(m->account), P(m->provider), P(m->address), P(m->severity), P(m->title), P(m->text),
               param_if(m->priority >= 0, m->priority), P(t->wall_ms), P(t->run_ms)) < 0)
        return -1;
    m->seq = db_last_seq(db);
    m->state = MESSAGE_SENDING;
    m->attempts = 1;
    return 0;
}

static int take_leg(struct db *db, const struct outbox_leg *leg, int64_t message, struct err *e)
{
    if (db_run(db, e, "UPDATE legs SET state = 1, message = ? WHERE delivery = ? AND n = ?", P(message), P(leg->delivery), P(leg->n)) < 0)
        return -1;
    return db_run(db, e, "UPDATE deliveries SET state = 1, message = ? WHERE seq = ? AND state < 2", P(message), P(leg->delivery));
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
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(db, e,
               "SELECT d.state < 2, d.severity, d.created_run_ms FROM legs l"
               " JOIN deliveries d ON d.seq = l.delivery"
               " WHERE l.message = ? AND l.state = 1 AND (d.state < 2 OR l.way >= ?)"
               " ORDER BY d.state < 2 DESC, d.seq DESC LIMIT 1", P(message), P(PICTURES_WAY));
    int found = q ? stmt_step(q, e) : -1;
    if (found <= 0 || col_int(q, 0))
        return found;
    return t->run_ms < col_int(q, 2) + t->rules->give_up_ms[col_int(q, 1)];
}

static int end_legs(struct db *db, int64_t message, enum leg_state to, struct err *e)
{
    return db_run(db, e, "UPDATE legs SET state = ? WHERE message = ? AND state = 1", P(to), P(message));
}

static int withdraw_message(struct db *db, const struct outbox_turn *t, int64_t message, struct err *e)
{
    if (db_run(db, e, "UPDATE messages SET state = 5, ended_ms = ? WHERE seq = ?", P(t->wall_ms), P(message)) < 0)
        return -1;
    return end_legs(db, message, LEG_WITHDRAWN, e);
}

int tx_message_again(struct store_tx *tx, const struct outbox_turn *t, int64_t message, struct err *e)
{
    struct db *db = tx_db(tx);
    int        owed = is_owed(db, t, message, e);
    if (owed < 0)
        return -1;
    if (owed == 0)
        return withdraw_message(db, t, message, e);
    if (db_run(db, e, "UPDATE messages SET state = 0, attempts = attempts + 1 WHERE seq = ?", P(message)) < 0)
        return -1;
    return db_run(db, e,
                  "UPDATE deliveries SET state = 1, message = ?1 WHERE state < 2 AND seq IN"
                  " (SELECT delivery FROM legs WHERE message = ?1 AND state = 1)",
                  P(message)) < 0 ? -1 : 1;
}

static int update_message(struct db *db, const struct outbox_turn *t, const struct outbox_verdict *v, struct err *e)
{
    return db_run(db, e,
                  "UPDATE messages SET state = ?, maybe_twice = ?, verdict = ?, detail = ?,"
                  " due_run_ms = ?, ended_ms = ? WHERE seq = ?",
                  P(v->state), P(v->maybe_twice), P(v->verdict), P(v->detail), P(v->due_run_ms),
                  param_if(v->state != MESSAGE_WAITING, t->wall_ms), P(v->message));
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
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(db, e,
               "SELECT " DEBT_COLUMNS ", l.way FROM legs l JOIN deliveries d ON d.seq = l.delivery"
               " WHERE l.message = ? AND l.state = 1", P(message));
    if (!q)
        return -1;
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
    if (db_run(db, e,
               "UPDATE legs SET state = 0 WHERE state = 1 AND message IN"
               " (SELECT seq FROM messages WHERE account = ? AND address = ? AND state < 2)", P(account), P(address)) < 0)
        return -1;
    return db_run(db, e,
                  "UPDATE messages SET state = 4, verdict = 'rejected', ended_ms = ?,"
                  " detail = 'the account is no longer in the settings'"
                  " WHERE account = ? AND address = ? AND state < 2", P(t->wall_ms), P(account), P(address));
}

static int has_leg(struct db *db, int64_t delivery, const struct outbox_way *w, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(db, e,
               "SELECT 1 FROM legs WHERE delivery = ? AND account = ? AND address = ?",
               P(delivery), P(w->account), P(w->address));
    return q ? stmt_step(q, e) : -1;
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
    if (db_run(db, e, "UPDATE legs SET state = 4 WHERE delivery = ? AND account = ? AND address = ? AND state = 0", P(d->seq), P(account),
               P(address)) < 0)
        return -1;
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
        CLEANUP(stmt_done) struct stmt *q =
            db_ask(db, e,
                   "SELECT " DEBT_COLUMNS ", l.way FROM legs l JOIN deliveries d ON d.seq = l.delivery"
                   " WHERE l.account = ? AND l.address = ? AND l.state = 0 LIMIT ?",
                   P(account), P(address), P(OUTBOX_MEMBERS_MAX));
        if (!q)
            return -1;
        count = read_debts(q, debts, OUTBOX_MEMBERS_MAX, e);
    }
    for (int i = 0; i < count; i++)
        if (dissolve_leg(db, t, &debts[i], account, address, ended, e) < 0)
            return -1;
    return count < 0 ? -1 : count == OUTBOX_MEMBERS_MAX;
}

int tx_arrival_state_now(struct store_tx *tx, int64_t seq, enum arrival_state *out, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_ask(tx_db(tx), e, "SELECT state FROM arrivals WHERE seq = ?", P(seq));
    int found = q ? stmt_step(q, e) : -1;
    if (found > 0)
        *out = (enum arrival_state)col_int(q, 0);
    return found;
}

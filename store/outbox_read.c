/* outbox_read: the debt as the relay reads it, with all that a message says. */
#include "store/db.h"
#include "store/event_media.h"
#include "store/outbox.h"
#include "store/outbox_inside.h"
#include <stdio.h>
#include <string.h>

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
        if (event_media_read(db, members[i].event_seq, MEDIA_READ_MAX, &members[i].event, a, e) < 0)
            return -1;
    return count;
}

static int read_waiting(struct db *db, const char *account, const char *address, enum severity s, bool is_pictures,
                        struct outbox_member *members, size_t max, struct arena *a, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(db, e,
               MEMBER_COLUMNS " WHERE l.state = 0 AND l.account = ? AND l.address = ?"
               " AND l.severity = ? AND (l.way >= ?) = ? ORDER BY l.delivery LIMIT ?",
               P(account), P(address), P(s), P(PICTURES_WAY), P(is_pictures), P((int64_t)max));
    if (!q)
        return -1;
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
        db_ask(db, e,
               "SELECT seq, id, account, provider, address, severity, state, attempts, maybe_twice, title, text, priority,"
               " due_run_ms FROM messages WHERE state < 2 AND account = ? AND address = ? AND severity = ? ORDER BY seq LIMIT 1",
               P(account), P(address), P(s));
    int found = q ? stmt_step(q, e) : -1;
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
            db_ask(db, e,
                   MEMBER_COLUMNS " WHERE l.message = ? AND l.state = 1 ORDER BY l.delivery LIMIT ?",
                   P(out->seq), P((int64_t)max));
        if (!q)
            return -1;
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
        db_ask(reader_db(r), e,
               "SELECT account, address, text FROM messages ORDER BY seq DESC LIMIT ?", P(LAST_TEXTS));
    if (!q)
        return -1;
    int more;
    while ((more = stmt_step(q, e)) > 0)
        each(user, col_text(q, 0), col_text(q, 1), col_text(q, 2));
    return more;
}

int outbox_next_due(struct store_reader *r, int64_t *run_ms_out, struct err *e)
{
    return db_number(reader_db(r), "SELECT min(due_run_ms) FROM deliveries WHERE state < 2", INT64_MAX, run_ms_out, e);
}

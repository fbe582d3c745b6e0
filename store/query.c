/* query: the deliveries' list. */
#include "store/walk.h"
#include <string.h>

enum { ROW_ARENA = 256 * 1024, MEMBERS_MAX = 500 };

enum {
    D_SEQ, D_ID, D_EVENT, D_RECIPIENT, D_STATE, D_CREATED, D_SENT, D_MESSAGE, D_MESSAGE_ID, D_ACCOUNT, D_PROVIDER, D_ADDRESS,
    D_ATTEMPTS, D_VERDICT, D_DETAIL, D_TWICE
};

#define DELIVERY_SELECT                                                                                                       \
    "SELECT v.seq, v.id, e.id, v.recipient, v.state, v.created_ms, v.sent_ms, m.seq, m.id, m.account, m.provider, m.address," \
    " m.attempts, m.verdict, m.detail, m.maybe_twice"                                                                         \
    " FROM deliveries v JOIN events e ON e.seq = v.event LEFT JOIN messages m ON m.seq = v.message"

static const char deliveries_sql[] =
    DELIVERY_SELECT " WHERE v.seq < :upper AND v.seq >= :lower AND (:state IS NULL OR v.state = :state)"
    " AND (:recipient IS NULL OR v.recipient = :recipient) ORDER BY v.seq DESC LIMIT :limit";
static const char deliveries_of_event_sql[] =
    DELIVERY_SELECT " WHERE v.event = (SELECT seq FROM events WHERE id = :event)"
    " AND v.seq < :upper AND (:state IS NULL OR v.state = :state)"
    " AND (:recipient IS NULL OR v.recipient = :recipient) ORDER BY v.seq DESC LIMIT :limit";
static const char deliveries_of_arrival_sql[] =
    DELIVERY_SELECT " WHERE v.event IN (SELECT seq FROM events WHERE arrival = :arrival)"
    " AND v.seq < :upper AND (:state IS NULL OR v.state = :state)"
    " AND (:recipient IS NULL OR v.recipient = :recipient) ORDER BY v.seq DESC LIMIT :limit";

static void read_delivery(struct stmt *q, struct delivery_row *row)
{
    *row = (struct delivery_row){
        .seq = col_int(q, D_SEQ),
        .id = col_text(q, D_ID),
        .event = col_text(q, D_EVENT),
        .recipient = col_text(q, D_RECIPIENT),
        .state = (enum delivery_state)col_int(q, D_STATE),
        .created_ms = col_int(q, D_CREATED),
        .sent_ms = col_int(q, D_SENT),
        .message = {
            .id = col_text(q, D_MESSAGE_ID),
            .account = col_text(q, D_ACCOUNT),
            .provider = col_text(q, D_PROVIDER),
            .address = col_text(q, D_ADDRESS),
            .attempts = (int)col_int(q, D_ATTEMPTS),
            .verdict = col_text(q, D_VERDICT),
            .detail = col_text(q, D_DETAIL),
            .is_maybe_twice = col_int(q, D_TWICE) != 0,
        },
    };
}

/* The events this message tells: its members' legs lead to them. */
static int read_members(struct db *d, int64_t message_seq, struct delivery_row *row, struct arena *a, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(d, e,
               "SELECT DISTINCT e.id FROM legs l JOIN deliveries v ON v.seq = l.delivery JOIN events e ON e.seq = v.event"
               " WHERE l.message = ? ORDER BY e.seq LIMIT ?",
               P(message_seq), P(MEMBERS_MAX));
    const char **ids = q ? arena_alloc(a, MEMBERS_MAX * sizeof *ids) : NULL;
    if (!q || !ids)
        return q ? err_set(e, ERR_NOMEM, "no room for a message's members") : -1;
    size_t n = 0;
    int    found;
    while ((found = stmt_step(q, e)) > 0 && n < MEMBERS_MAX)
        if (!(ids[n++] = col_copy(q, 0, a)))
            return err_set(e, ERR_NOMEM, "no room for a message's members");
    row->message.events = ids;
    row->message.event_count = n;
    return found < 0 ? -1 : 0;
}

static int take_delivery(struct db *d, struct stmt *q, const struct list *l, struct err *e)
{
    CLEANUP(arena_done) struct arena members;
    arena_init(&members, ROW_ARENA);
    struct delivery_row row;
    read_delivery(q, &row);
    if (row.message.id && read_members(d, col_int(q, D_MESSAGE), &row, &members, e) < 0)
        return -1;
    return l->on_delivery(l->user, &row) ? 1 : 0;
}

static void bind_deliveries(struct stmt *q, const struct list *l)
{
    const struct delivery_filter *f = l->filter;
    bind_number_unless(q, ":state", f->state, -1);
    bind_number_unless(q, ":arrival", f->arrival_seq, 0);
    bind_named(q, ":recipient", P(f->recipient));
    bind_named(q, ":event", P(f->event));
}

int query_deliveries(struct store_reader *r, const struct delivery_filter *f, struct page *page,
                     bool (*on_row)(void *user, const struct delivery_row *row), void *user, struct err *e)
{
    struct db  *d = reader_db(r);
    struct list l = {
        .sql = f->event ? deliveries_of_event_sql : f->arrival_seq ? deliveries_of_arrival_sql : deliveries_sql,
        .is_unbounded = f->event || f->arrival_seq,
        .bind = bind_deliveries,
        .take = take_delivery,
        .filter = f,
        .on_delivery = on_row,
        .user = user,
    };
    if (db_number(d, "SELECT max(seq) FROM deliveries", 0, &l.last, e) < 0)
        return -1;
    return walk_page(d, &l, page, e);
}

static void write_message(struct json_out *w, const struct delivery_row *row)
{
    json_object(w, "message");
    json_s(w, "id", row->message.id);
    json_s(w, "account", row->message.account);
    json_s(w, "provider", row->message.provider);
    json_s(w, "address", row->message.address);
    json_array(w, "events");
    for (size_t i = 0; i < row->message.event_count; i++)
        json_s(w, NULL, row->message.events[i]);
    json_end(w);
    json_i(w, "attempts", row->message.attempts);
    json_s_opt(w, "verdict", row->message.verdict);
    json_s_opt(w, "detail", row->message.detail);
    json_b(w, "maybe_twice", row->message.is_maybe_twice);
    json_end(w);
}

void delivery_write(struct json_out *w, const char *key, const struct delivery_row *row)
{
    json_object(w, key);
    json_s(w, "id", row->id);
    json_s(w, "event", row->event);
    json_s(w, "recipient", row->recipient);
    json_s(w, "state", delivery_state_name(row->state));
    if (row->message.id)
        write_message(w, row);
    json_time(w, "created_at", row->created_ms);
    if (row->sent_ms)
        json_time(w, "sent_at", row->sent_ms);
    json_end(w);
}

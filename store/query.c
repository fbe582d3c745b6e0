/* query: two lists, each one statement with filters that may be NULL, and small look-ups beside it. */
#include "store/query.h"
#include "core/clock.h"
#include "store/db.h"
#include <stdlib.h>
#include <string.h>

enum { PAGE_MS = 1500, STATEMENT_MS = 3000, WINDOW = 20000, ROW_ARENA = 256 * 1024, TEXT_MAX = 400, MEMBERS_MAX = 500 };

/* --- one page ----------------------------------------------------------------------------------------------------
 * A filter that finds little would walk through years. So a list is walked in windows of seq, each a statement and a read
 * transaction of its own; when the time is up the page ends where the walk stands, be it empty, and the next one goes on there. */

struct list {
    const char *sql, *newest_sql; /* newest NULL: an index leads to the few rows there are, no windows */
    void (*bind)(struct stmt *q, const struct list *l);
    /* The row that q stands on: 1 taken; 0: it ends the page before this row; -1. */
    int (*take)(struct db *d, struct stmt *q, const struct list *l, struct err *e);
    const void *filter;
    bool (*on_event)(void *user, const struct event_row *row);
    bool (*on_delivery)(void *user, const struct delivery_row *row);
    void *user;
};

enum { COLUMN_SEQ }; /* the first of both lists */

/* Ends what db_limit_time began, whichever way the page ends. */
static void time_unlimited(struct db **d)
{
    db_limit_time(*d, 0);
}

static void bind_number_unless(struct stmt *q, const char *name, int64_t value, int64_t any)
{
    if (value != any)
        bind_named_int(q, name, value);
}

/* Rows with lower <= seq < upper. 1: the page has ended; 0: it has room for more; -1. */
static int read_window(struct db *d, const struct list *l, int64_t upper, int64_t lower, struct page *page, int *taken, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(d, l->sql, e);
    if (!q)
        return -1;
    bind_named_int(q, ":upper", upper);
    bind_named_int(q, ":lower", lower);
    bind_named_int(q, ":limit", page->limit - *taken + 1); /* one more tells whether there is a next page */
    l->bind(q, l);
    int found;
    while ((found = stmt_step(q, e)) > 0) {
        int more = *taken < page->limit ? l->take(d, q, l, e) : 0;
        if (more <= 0)
            return more < 0 ? -1 : 1;
        page->next = col_int(q, COLUMN_SEQ);
        (*taken)++;
    }
    return found;
}

static int read_page(struct db *d, const struct list *l, struct page *page, struct err *e)
{
    int64_t deadline_ms = clock_mono_ms() + (page->budget_ms ? page->budget_ms : PAGE_MS);
    int64_t newest = INT64_MAX - 1;
    if (l->newest_sql && db_number(d, l->newest_sql, 0, &newest, e) < 0)
        return -1;
    int64_t upper = page->cursor && page->cursor <= newest ? page->cursor : newest + 1; /* a cursor is foreign input */
    int     taken = 0, ended = 0;
    page->next = page->cursor;
    while (ended == 0 && upper > 1) {
        int64_t lower = l->newest_sql && upper > WINDOW ? upper - WINDOW : 0;
        ended = read_window(d, l, upper, lower, page, &taken, e);
        upper = lower;
        if (ended == 0 && upper > 1 && clock_mono_ms() >= deadline_ms) {
            page->next = upper;
            return 0;
        }
    }
    if (ended == 0)
        page->next = 0;
    return ended < 0 ? -1 : 0;
}

/* --- events ------------------------------------------------------------------------------------------------------ */

#define EVENT_COLUMNS                                                                                                        \
    "e.seq, e.id, e.received_ms, e.parser, e.kind, e.restored, e.severity, e.device, d.name, e.zone, e.zone_name, e.user,"  \
    " e.text, e.code, e.happened_ms, a.id, EXISTS(SELECT 1 FROM media WHERE event = e.seq), e.target, e.channel,"            \
    " e.device_time, e.drift_ms, (SELECT id FROM events first WHERE first.seq = e.same_as)"
#define EVENT_TABLES "events e LEFT JOIN arrivals a ON a.seq = e.arrival LEFT JOIN devices d ON d.id = e.device"

enum {
    E_SEQ, E_ID, E_RECEIVED, E_PARSER, E_KIND, E_RESTORED, E_SEVERITY, E_DEVICE, E_DEVICE_NAME, E_ZONE, E_ZONE_NAME, E_USER,
    E_TEXT, E_CODE, E_HAPPENED, E_ARRIVAL, E_HAS_MEDIA, E_TARGET, E_CHANNEL, E_DEVICE_TIME, E_DRIFT, E_SAME_AS
};

static const char events_sql[] =
    "SELECT " EVENT_COLUMNS " FROM " EVENT_TABLES " WHERE e.seq < :upper AND e.seq >= :lower"
    " AND (:kind IS NULL OR e.kind GLOB :kind)"
    " AND (:severity IS NULL OR e.severity = :severity)"
    " AND (:device IS NULL OR e.device = :device)"
    " AND (:zone IS NULL OR e.zone = :zone)"
    " AND (:zone_name IS NULL OR e.zone_name = :zone_name COLLATE NOCASE)"
    " AND (:since IS NULL OR e.received_ms >= :since)"
    " AND (:until IS NULL OR e.received_ms < :until)"
    " AND (:text IS NULL OR e.text LIKE :text ESCAPE '\\' OR e.zone_name LIKE :text ESCAPE '\\' OR e.user LIKE :text ESCAPE '\\')"
    " ORDER BY e.seq DESC LIMIT :limit";
/* The two that have an index of their own: an OR with NULL would hide it. */
static const char event_by_id_sql[] = "SELECT " EVENT_COLUMNS " FROM " EVENT_TABLES " WHERE e.id = :id LIMIT :limit";
static const char events_of_arrival_sql[] =
    "SELECT " EVENT_COLUMNS " FROM " EVENT_TABLES " WHERE e.arrival = :arrival AND e.seq < :upper"
    " ORDER BY e.seq DESC LIMIT :limit";

/* %text% with LIKE's own characters made plain. */
static const char *like_pattern(const char *text, char out[TEXT_MAX * 2 + 3])
{
    size_t n = 0;
    out[n++] = '%';
    for (size_t i = 0; text[i] && i < TEXT_MAX; i++) {
        if (strchr("%_\\", text[i]))
            out[n++] = '\\';
        out[n++] = text[i];
    }
    out[n++] = '%';
    out[n] = '\0';
    return out;
}

static void bind_events(struct stmt *q, const struct list *l)
{
    const struct event_filter *f = l->filter;
    bind_named_text(q, ":id", f->id);
    bind_named_text(q, ":kind", f->kind);
    bind_named_text(q, ":device", f->device);
    bind_named_text(q, ":zone_name", f->zone_name);
    bind_named_text(q, ":text", f->text);
    bind_number_unless(q, ":zone", f->zone, ZONE_NONE);
    bind_number_unless(q, ":severity", f->severity, -1);
    bind_number_unless(q, ":arrival", f->arrival_seq, 0);
    bind_number_unless(q, ":since", f->since_ms, 0);
    bind_number_unless(q, ":until", f->until_ms, 0);
}

static void read_medium(struct stmt *q, struct media *m, struct arena *a)
{
    *m = (struct media){
        .n = (int)col_int(q, 0),
        .type = col_copy(q, 1, a),
        .name = col_copy(q, 2, a),
        .bytes = col_int(q, 3),
        .offset = col_int(q, 4),
        .length = col_int(q, 5),
        .encoding = (enum encoding)col_int(q, 6),
    };
}

#define MEDIA_COLUMNS "m.n, m.type, m.name, m.bytes, m.offset, m.length, m.encoding"

static int read_media(struct db *d, int64_t event_seq, struct event *ev, struct arena *a, struct err *e)
{
    int64_t count = 0;
    CLEANUP(stmt_done) struct stmt *n = db_stmt(d, "SELECT count(*) FROM media WHERE event = ?", e);
    if (!n)
        return -1;
    bind_int(n, 1, event_seq);
    if (stmt_step(n, e) < 0)
        return -1;
    count = col_int(n, 0);
    struct media *media = arena_alloc(a, (size_t)count * sizeof *media);
    if (!media)
        return err_set(e, ERR_NOMEM, "no room for an event's media");

    CLEANUP(stmt_done) struct stmt *q = db_stmt(d, "SELECT " MEDIA_COLUMNS " FROM media m WHERE m.event = ? ORDER BY m.n", e);
    if (!q)
        return -1;
    bind_int(q, 1, event_seq);
    int     found = 0;
    int64_t i = 0;
    for (; i < count && (found = stmt_step(q, e)) > 0; i++) {
        read_medium(q, &media[i], a);
        if (!media[i].type || !media[i].name)
            return err_set(e, ERR_NOMEM, "no room for an event's media");
    }
    ev->media = media;
    ev->media_count = (size_t)i;
    return found < 0 ? -1 : 0;
}

static void copy_id(char to[ID_TEXT], const char *id)
{
    if (id && strlen(id) < ID_TEXT)
        memcpy(to, id, strlen(id) + 1);
}

static void read_event(struct stmt *q, struct event_row *row)
{
    *row = (struct event_row){
        .seq = col_int(q, E_SEQ),
        .received_ms = col_int(q, E_RECEIVED),
        .arrival = col_text(q, E_ARRIVAL),
        .parser = col_text(q, E_PARSER),
        .event = {
            .kind = col_text(q, E_KIND),
            .restored = col_int(q, E_RESTORED) != 0,
            .severity = (enum severity)col_int(q, E_SEVERITY),
            .device_id = col_text(q, E_DEVICE),
            .device_name = col_text(q, E_DEVICE_NAME),
            .zone_number = col_is_null(q, E_ZONE) ? ZONE_NONE : (int)col_int(q, E_ZONE),
            .zone_name = col_text(q, E_ZONE_NAME),
            .user = col_text(q, E_USER),
            .text = col_text(q, E_TEXT),
            .code = (int)col_int(q, E_CODE),
            .happened_ms = col_int(q, E_HAPPENED),
            .target = col_text(q, E_TARGET),
            .channel = col_text(q, E_CHANNEL),
            .device_time = col_text(q, E_DEVICE_TIME),
            .drift_ms = col_is_null(q, E_DRIFT) ? DRIFT_UNKNOWN : col_int(q, E_DRIFT),
        },
    };
    copy_id(row->event.id, col_text(q, E_ID));
    copy_id(row->event.same_as, col_text(q, E_SAME_AS));
}

static int take_event(struct db *d, struct stmt *q, const struct list *l, struct err *e)
{
    CLEANUP(arena_done) struct arena media;
    arena_init(&media, ROW_ARENA);
    struct event_row row;
    read_event(q, &row);
    if (col_int(q, E_HAS_MEDIA) && read_media(d, row.seq, &row.event, &media, e) < 0)
        return -1;
    return l->on_event(l->user, &row) ? 1 : 0;
}

int query_events(struct store_reader *r, const struct event_filter *f, struct page *page,
                 bool (*on_row)(void *user, const struct event_row *row), void *user, struct err *e)
{
    CLEANUP(time_unlimited) struct db *d = reader_db(r);
    db_limit_time(d, STATEMENT_MS);
    char                pattern[TEXT_MAX * 2 + 3];
    struct event_filter bound = *f;
    if (f->text)
        bound.text = like_pattern(f->text, pattern);
    bool        is_indexed = f->id || f->arrival_seq;
    struct list l = {
        .sql = f->id ? event_by_id_sql : f->arrival_seq ? events_of_arrival_sql : events_sql,
        .newest_sql = is_indexed ? NULL : "SELECT max(seq) FROM events",
        .bind = bind_events,
        .take = take_event,
        .filter = &bound,
        .on_event = on_row,
        .user = user,
    };
    return read_page(d, &l, page, e);
}

int query_media(struct store_reader *r, const char *event_id, int n, struct media *out, char arrival_id_out[ID_TEXT],
                int64_t *arrival_seq_out, struct arena *a, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(reader_db(r),
        "SELECT " MEDIA_COLUMNS ", a.id, a.seq FROM events e JOIN media m ON m.event = e.seq JOIN arrivals a ON a.seq = e.arrival"
        " WHERE e.id = ? AND m.n = ?", e);
    if (!q)
        return -1;
    bind_text(q, 1, event_id);
    bind_int(q, 2, n);
    int found = stmt_step(q, e);
    if (found <= 0)
        return found;
    read_medium(q, out, a);
    const char *arrival = col_text(q, 7);
    if (!out->type || !out->name || !arrival || strlen(arrival) >= ID_TEXT)
        return err_set(e, ERR_NOMEM, "no room for a medium");
    memcpy(arrival_id_out, arrival, strlen(arrival) + 1);
    *arrival_seq_out = col_int(q, 8);
    return 1;
}

/* --- deliveries -------------------------------------------------------------------------------------------------- */

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
    CLEANUP(stmt_done) struct stmt *q = db_stmt(d,
        "SELECT DISTINCT e.id FROM legs l JOIN deliveries v ON v.seq = l.delivery JOIN events e ON e.seq = v.event"
        " WHERE l.message = ? ORDER BY e.seq LIMIT ?", e);
    const char **ids = q ? arena_alloc(a, MEMBERS_MAX * sizeof *ids) : NULL;
    if (!q || !ids)
        return q ? err_set(e, ERR_NOMEM, "no room for a message's members") : -1;
    bind_int(q, 1, message_seq);
    bind_int(q, 2, MEMBERS_MAX);
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
    bind_named_text(q, ":recipient", f->recipient);
    bind_named_text(q, ":event", f->event);
}

int query_deliveries(struct store_reader *r, const struct delivery_filter *f, struct page *page,
                     bool (*on_row)(void *user, const struct delivery_row *row), void *user, struct err *e)
{
    CLEANUP(time_unlimited) struct db *d = reader_db(r);
    db_limit_time(d, STATEMENT_MS);
    bool        is_indexed = f->event || f->arrival_seq;
    struct list l = {
        .sql = f->event ? deliveries_of_event_sql : f->arrival_seq ? deliveries_of_arrival_sql : deliveries_sql,
        .newest_sql = is_indexed ? NULL : "SELECT max(seq) FROM deliveries",
        .bind = bind_deliveries,
        .take = take_delivery,
        .filter = f,
        .on_delivery = on_row,
        .user = user,
    };
    return read_page(d, &l, page, e);
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

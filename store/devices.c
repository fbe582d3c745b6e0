/* devices: one row each, written with its mails and by the registry. */
#include "store/devices.h"
#include "store/inside.h"

int tx_device_seen(struct store_tx *tx, const char *device, const char *address, int64_t wall_ms, struct err *e)
{
    CLEANUP(stmt_done)
    struct stmt *s = db_stmt(tx->db,
                             "INSERT INTO devices(id, name, last_seen_ms, first_seen_ms, address) VALUES(?1, ?1, ?2, ?2, ?3)"
                             " ON CONFLICT(id) DO UPDATE SET address = CASE WHEN excluded.address = '' OR excluded.last_seen_ms <"
                             " last_seen_ms THEN address ELSE excluded.address END,"
                             " last_seen_ms = max(last_seen_ms, excluded.last_seen_ms)",
                             e);
    if (!s)
        return -1;
    bind_text(s, 1, device);
    bind_int(s, 2, wall_ms);
    bind_text(s, 3, address ? address : "");
    return stmt_run(s, e);
}

int tx_device_put(struct store_tx *tx, const struct device_row *row, struct err *e)
{
    CLEANUP(stmt_done)
    struct stmt *s = db_stmt(tx->db,
                             "INSERT INTO devices(id, name, named_by, owner_name, self_name, kind, profile, time_zone, language,"
                             " last_error, last_error_ms, is_configured, last_seen_ms) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"
                             " ON CONFLICT(id) DO UPDATE SET name = excluded.name, named_by = excluded.named_by,"
                             " owner_name = excluded.owner_name, self_name = excluded.self_name, kind = excluded.kind,"
                             " profile = excluded.profile, time_zone = excluded.time_zone, language = excluded.language,"
                             " is_configured = excluded.is_configured,"
                             " last_error = coalesce(excluded.last_error, last_error),"
                             " last_error_ms = coalesce(excluded.last_error_ms, last_error_ms)",
                             e);
    if (!s)
        return -1;
    const char *const texts[] = { row->id,   row->name,    row->named_by,  row->owner_name, row->self_name,
                                  row->kind, row->profile, row->time_zone, row->language };
    for (size_t i = 0; i < COUNT(texts); i++)
        bind_text(s, (int)i + 1, texts[i]);
    if (row->last_error) {
        bind_text(s, 10, row->last_error);
        bind_int(s, 11, row->last_error_ms);
    }
    bind_int(s, 12, row->is_configured);
    return stmt_run(s, e);
}

/* --- reading ------------------------------------------------------------------------------------------------ */

#define DEVICE_SELECT                                                                                                     \
    "SELECT rowid, id, name, named_by, owner_name, self_name, kind, profile, time_zone, language, address, first_seen_ms," \
    " last_seen_ms, mails, events, drift_ms, last_error, last_error_ms, is_configured FROM devices"

static void read_row(struct stmt *q, struct device_row *row)
{
    *row = (struct device_row){
        .id = col_text(q, 1),
        .name = col_text(q, 2),
        .named_by = col_text(q, 3),
        .owner_name = col_text(q, 4),
        .self_name = col_text(q, 5),
        .kind = col_text(q, 6),
        .profile = col_text(q, 7),
        .time_zone = col_text(q, 8),
        .language = col_text(q, 9),
        .address = col_text(q, 10),
        .first_seen_ms = col_int(q, 11),
        .last_seen_ms = col_int(q, 12),
        .mails = col_int(q, 13),
        .events = col_int(q, 14),
        .drift_ms = col_is_null(q, 15) ? DRIFT_UNKNOWN : col_int(q, 15),
        .last_error = col_text(q, 16),
        .last_error_ms = col_int(q, 17),
        .is_configured = col_int(q, 18) != 0,
    };
}

int query_devices(struct store_reader *r, const char *id, struct page *page,
                  bool (*on_row)(void *user, const struct device_row *row), void *user, struct err *e)
{
    CLEANUP(stmt_done)
    struct stmt *q = id ? db_stmt(reader_db(r), DEVICE_SELECT " WHERE id = ?1", e)
                        : db_stmt(reader_db(r), DEVICE_SELECT " WHERE rowid < ?2 AND (mails > 0 OR is_configured) ORDER BY rowid DESC LIMIT ?3", e);
    if (!q)
        return -1;
    if (id) {
        bind_text(q, 1, id);
    } else {
        bind_int(q, 2, page->cursor > 0 ? page->cursor : INT64_MAX);
        bind_int(q, 3, page->limit + 1); /* one more tells whether there is a next page */
    }
    int64_t last = 0;
    int     found, taken = 0;
    page->next = 0;
    while ((found = stmt_step(q, e)) > 0) {
        struct device_row row;
        read_row(q, &row);
        if (taken == page->limit || !on_row(user, &row)) {
            page->next = last;
            return 0;
        }
        last = col_int(q, 0);
        taken++;
    }
    return found;
}

static void write_error(struct json_out *w, const struct device_row *row)
{
    if (!row->last_error)
        return;
    json_object(w, "last_error");
    json_s(w, "text", row->last_error);
    json_time(w, "at", row->last_error_ms);
    json_end(w);
}

void device_write(struct json_out *w, const char *key, const struct device_row *row)
{
    json_object(w, key);
    json_s(w, "id", row->id);
    json_s(w, "name", row->name);
    json_s(w, "named_by", row->named_by);
    json_s_opt(w, "calls_itself", row->self_name);
    json_s_opt(w, "kind", row->kind);
    json_s_opt(w, "profile", row->profile);
    json_s_opt(w, "time_zone", row->time_zone);
    json_s_opt(w, "language", row->language);
    json_s_opt(w, "address", row->address);
    if (row->first_seen_ms)
        json_time(w, "first_seen_at", row->first_seen_ms);
    if (row->last_seen_ms)
        json_time(w, "last_seen_at", row->last_seen_ms);
    json_i(w, "mails", row->mails);
    json_i(w, "events", row->events);
    if (row->drift_ms != DRIFT_UNKNOWN)
        json_i(w, "clock_drift_s", row->drift_ms / 1000);
    write_error(w, row);
    json_end(w);
}

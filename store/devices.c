/* devices: one row each, written with its mails and by the registry. */
#include "store/devices.h"
#include "store/inside.h"

int tx_device_seen(struct store_tx *tx, const char *device, const char *address, int64_t wall_ms, struct err *e)
{
    return db_run(tx->db, e,
                  "INSERT INTO devices(id, name, last_seen_ms, first_seen_ms, address) VALUES(?1, ?1, ?2, ?2, ?3)"
                  " ON CONFLICT(id) DO UPDATE SET address = CASE WHEN excluded.address = '' OR excluded.last_seen_ms <"
                  " last_seen_ms THEN address ELSE excluded.address END,"
                  " last_seen_ms = max(last_seen_ms, excluded.last_seen_ms)",
                  P(device), P(wall_ms), P(address ? address : ""));
}

int tx_device_put(struct store_tx *tx, const struct device_row *row, struct err *e)
{
    return db_run(tx->db, e,
                  "INSERT INTO devices(id, name, named_by, owner_name, self_name, kind, profile, time_zone, language,"
                  " last_error, last_error_ms, is_configured, last_seen_ms) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"
                  " ON CONFLICT(id) DO UPDATE SET name = excluded.name, named_by = excluded.named_by,"
                  " owner_name = excluded.owner_name, self_name = excluded.self_name, kind = excluded.kind,"
                  " profile = excluded.profile, time_zone = excluded.time_zone, language = excluded.language,"
                  " is_configured = excluded.is_configured,"
                  " last_error = coalesce(excluded.last_error, last_error),"
                  " last_error_ms = coalesce(excluded.last_error_ms, last_error_ms)",
                  P(row->id), P(row->name), P(row->named_by), P(row->owner_name), P(row->self_name), P(row->kind), P(row->profile),
                  P(row->time_zone), P(row->language), P(row->last_error), param_if(row->last_error, row->last_error_ms),
                  P(row->is_configured));
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
    CLEANUP(stmt_done) struct stmt *q =
        id ? db_ask(reader_db(r), e, DEVICE_SELECT " WHERE id = ?", P(id))
           : db_ask(reader_db(r), e, DEVICE_SELECT " WHERE rowid < ? AND (mails > 0 OR is_configured) ORDER BY rowid DESC LIMIT ?",
                    P(page->cursor > 0 ? page->cursor : INT64_MAX), P(page->limit + 1)); /* one more tells whether there is a next page */
    if (!q)
        return -1;
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

/* events: what arrivals mean, written with their media and their device. Reading an arrival again corrects its events in
 * place by n: who was told of an event finds it under the same id. */
#include "core/clock.h"
#include "store/inside.h"
#include <stdio.h>
#include <string.h>

/* The event n that this arrival already has: 1 (its seq and id), 0, -1. */
static int find(struct store_tx *tx, int64_t arrival, int n, int64_t *seq_out, char id_out[ID_TEXT], struct err *e)
{
    if (arrival == 0)
        return 0;
    CLEANUP(stmt_done) struct stmt *s =
        db_ask(tx->db, e, "SELECT seq, id FROM events WHERE arrival = ? AND n = ?", P(arrival), P(n));
    int found = s ? stmt_step(s, e) : -1;
    if (found > 0) {
        *seq_out = col_int(s, 0);
        (void)snprintf(id_out, ID_TEXT, "%s", col_text(s, 1));
    }
    return found;
}

/* The columns that reading again may change are parameters 1 to 15. */
static void bind_meaning(struct stmt *s, const struct event *ev, const char *parser)
{
    stmt_bind(s, 1, P(parser), P(ev->kind), P(ev->restored), P(ev->severity), P(ev->device_id ? ev->device_id : ""),
              param_if(ev->zone_number != ZONE_NONE, ev->zone_number), P(ev->zone_name), P(ev->user), P(ev->text),
              param_if(ev->code != 0, ev->code), param_if(ev->happened_ms != 0, ev->happened_ms), P(ev->target), P(ev->channel),
              P(ev->device_time), param_if(ev->device_time && ev->drift_ms != DRIFT_UNKNOWN, ev->drift_ms));
}

static int insert(struct store_tx *tx, int64_t arrival, int n, const struct event_origin *origin, const char *parser,
                  const struct event *ev, struct err *e)
{
    CLEANUP(stmt_done)
    struct stmt *s =
        db_stmt(tx->db,
                "INSERT INTO events(parser, kind, restored, severity, device, zone, zone_name, user, text, code, happened_ms,"
                " target, channel, device_time, drift_ms, id, arrival, n, received_ms, clock)"
                " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?17, ?, ?,"
                " iif(?20, nullif(coalesce((SELECT source IS NULL FROM arrivals WHERE seq = ?17), 1), 0), NULL))", /* not of an import */
                e);
    if (!s)
        return -1;
    bind_meaning(s, ev, parser);
    stmt_bind(s, 16, P(ev->id), param_if(arrival != 0, arrival), P(n), P(origin->received_ms), P(!clock_is_set(origin->received_ms)));
    return stmt_run(s, e);
}

static int correct(struct store_tx *tx, int64_t seq, const char *parser, const struct event *ev, struct err *e)
{
    CLEANUP(stmt_done)
    struct stmt *s = db_stmt(
        tx->db,
        "UPDATE events SET parser = ?, kind = ?, restored = ?, severity = ?, device = ?, zone = ?, zone_name = ?, user = ?,"
        " text = ?, code = ?, happened_ms = ?, target = ?, channel = ?, device_time = ?, drift_ms = ? WHERE seq = ?16",
        e);
    if (!s)
        return -1;
    bind_meaning(s, ev, parser);
    stmt_bind(s, 16, P(seq));
    return stmt_run(s, e);
}

/* Whether retention has cut its pictures out of the mail: 1, 0, -1. */
static int has_lost_media(struct store_tx *tx, int64_t event, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s =
        db_ask(tx->db, e, "SELECT 1 FROM media WHERE event = ? AND forgotten_ms IS NOT NULL LIMIT 1", P(event));
    return s ? stmt_step(s, e) : -1;
}

static int forget_media(struct store_tx *tx, int64_t event, struct err *e)
{
    return db_run(tx->db, e, "DELETE FROM media WHERE event = ?", P(event));
}

static int add_media(struct store_tx *tx, int64_t event, const struct media *m, struct err *e)
{
    return db_run(tx->db, e,
                  "INSERT OR REPLACE INTO media(event, n, type, name, bytes, offset, length, encoding) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                  P(event), P(m->n), P(m->type), P(m->name ? m->name : ""), P(m->bytes), P(m->offset), P(m->length),
                  P(m->encoding));
}

/* Its device's row; the first event of an arrival counts the mail. What a person named keeps its name. */
static int count_for_device(struct store_tx *tx, const struct event *ev, bool is_mail, int64_t received_ms, struct err *e)
{
    if (!ev->device_id || ev->device_id[0] == '\0')
        return 0;
    return db_run(tx->db, e,
                  "INSERT INTO devices(id, name, self_name, first_seen_ms, last_seen_ms, events, mails, drift_ms)"
                  " VALUES(?1, ?2, CASE ?2 WHEN ?1 THEN '' ELSE ?2 END, ?3, ?3, 1, ?4, ?5) ON CONFLICT(id) DO UPDATE SET"
                  " name = CASE WHEN named_by = 'self' AND excluded.name != id THEN excluded.name ELSE name END,"
                  " self_name = CASE WHEN named_by = 'self' AND excluded.name != id THEN excluded.name ELSE self_name END,"
                  " first_seen_ms = CASE first_seen_ms WHEN 0 THEN excluded.first_seen_ms ELSE first_seen_ms END,"
                  " last_seen_ms = max(last_seen_ms, excluded.last_seen_ms), events = events + 1, mails = mails + excluded.mails,"
                  " drift_ms = coalesce(excluded.drift_ms, drift_ms)",
                  P(ev->device_id), P(ev->device_name && ev->device_name[0] ? ev->device_name : ev->device_id), P(received_ms),
                  P(is_mail), param_if(ev->device_time && ev->drift_ms != DRIFT_UNKNOWN, ev->drift_ms));
}

/* One event; its id, seq and whether it is new come out. */
static int put(struct store_tx *tx, int64_t arrival, int n, const struct event_origin *origin, const char *parser,
               struct event *ev, int64_t *seq_out, bool *is_new_out, struct err *e)
{
    int found = find(tx, arrival, n, seq_out, ev->id, e);
    if (found < 0)
        return -1;
    *is_new_out = !found;
    if (found) {
        int is_cut = has_lost_media(tx, *seq_out, e);
        if (is_cut < 0 || correct(tx, *seq_out, parser, ev, e) < 0)
            return -1;
        if (is_cut)
            return 0; /* the mail no longer has what its media rows tell of */
        if (forget_media(tx, *seq_out, e) < 0)
            return -1;
    } else {
        (void)id_make(ev->id, origin->received_ms);
        if (insert(tx, arrival, n, origin, parser, ev, e) < 0)
            return -1;
        *seq_out = db_last_seq(tx->db);
        if (count_for_device(tx, ev, arrival != 0 && n == 1 && strcmp(parser, "drill") != 0, origin->received_ms, e) < 0)
            return -1;
    }
    for (size_t i = 0; i < ev->media_count; i++)
        if (add_media(tx, *seq_out, &ev->media[i], e) < 0)
            return -1;
    return 0;
}

/* What a worse reading saw beyond the last event of this one goes, unless somebody is owed it. */
static int drop_beyond(struct store_tx *tx, int64_t arrival, size_t count, struct err *e)
{
    static const char *const steps[] = {
        /* The archive may have it already. */
        "INSERT INTO erasures(id, at_ms, who) SELECT id, unixepoch() * 1000, 'reparse' FROM events WHERE arrival = ?1 AND n > ?2"
        " AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event = events.seq)"
        " AND EXISTS (SELECT 1 FROM meta WHERE key = 'note/archive.gateway')",
        "DELETE FROM media WHERE event IN (SELECT seq FROM events WHERE arrival = ?1 AND n > ?2"
        " AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event = events.seq))",
        "DELETE FROM events WHERE arrival = ?1 AND n > ?2"
        " AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event = events.seq)",
    };
    return db_run_each(tx->db, e, steps, P(arrival), P((int64_t)count));
}

int tx_events(struct store_tx *tx, int64_t arrival_seq, const struct event_origin *origin, struct events *list,
              int64_t *seqs_out, bool *is_new_out, struct err *e)
{
    const char *parser = origin->parser ? origin->parser : list->parser ? list->parser : "";
    bool was_read_before = false;
    for (size_t i = 0; i < list->count; i++) {
        if (put(tx, arrival_seq, (int)i + 1, origin, parser, &list->items[i], &seqs_out[i], &is_new_out[i], e) < 0)
            return -1;
        was_read_before |= !is_new_out[i];
    }
    return was_read_before ? drop_beyond(tx, arrival_seq, list->count, e) : 0;
}

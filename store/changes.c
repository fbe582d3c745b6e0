/* changes: two statements, each led by an index to what is new. */
#include "store/changes.h"
#include "store/db.h"

#define EVENT_PARTS "e.kind, e.device, e.severity, e.zone, e.zone_name"

static const char new_events_sql[] = "SELECT e.seq, 0, e.id, NULL, " EVENT_PARTS " FROM events e WHERE e.seq > ?1 ORDER BY e.seq LIMIT ?3";

/* Events after ?2 are news themselves. */
static const char changed_sql[] =
    "SELECT * FROM (SELECT e.changed AS changed, 0, e.id, NULL, " EVENT_PARTS " FROM events e INDEXED BY events_changed"
    "  WHERE e.changed > ?1 AND +e.seq <= ?2 ORDER BY e.changed LIMIT ?3)"
    " UNION ALL SELECT * FROM (SELECT d.changed, 1, d.id, e.id, " EVENT_PARTS " FROM deliveries d INDEXED BY deliveries_changed CROSS JOIN events e ON e.seq = d.event"
    "  WHERE d.changed > ?1 ORDER BY d.changed LIMIT ?3)"
    " UNION ALL SELECT * FROM (SELECT changed, 2, id, NULL, NULL, id, NULL, NULL, NULL FROM devices INDEXED BY devices_changed"
    "  WHERE changed > ?1 ORDER BY changed LIMIT ?3)"
    " ORDER BY 1 LIMIT ?3";

int changes_now(struct store_reader *r, struct position *out, struct err *e)
{
    return db_number(reader_db(r), "SELECT max(seq) FROM events", 0, &out->seq, e) < 0
                   || db_number(reader_db(r), "SELECT value FROM meta WHERE key = 'changed'", 0, &out->changed, e) < 0
               ? -1
               : 0;
}

static struct change read_change(struct stmt *q)
{
    return (struct change){
        .type = (enum change_type)col_int(q, 1),
        .id = col_text(q, 2),
        .event = col_text(q, 3),
        .kind = col_text(q, 4),
        .device = col_text(q, 5),
        .severity = col_is_null(q, 6) ? -1 : (int)col_int(q, 6),
        .zone = col_is_null(q, 7) ? ZONE_NONE : (int)col_int(q, 7),
        .zone_name = col_text(q, 8),
    };
}

struct reading {
    bool (*on_change)(void *user, const struct change *c);
    void *user;
    int   limit, taken;
    bool  is_full;
};

/* One of the two; *at, the part of *p that it is led by, moves. */
static int read_some(struct db *d, const char *sql, struct position *p, int64_t *at, struct reading *x, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_ask(d, e, sql, P(*at), P(p->seq), P(x->limit - x->taken)); /* only one has a ?2 */
    if (!q)
        return -1;
    int found;
    while ((found = stmt_step(q, e)) > 0) {
        struct position before = *p;
        struct change   c = read_change(q);
        *at = col_int(q, 0);
        c.after = *p;
        if (!x->on_change(x->user, &c)) {
            *p = before;
            x->is_full = true;
            return 0;
        }
        x->taken++;
    }
    return found;
}

int changes_read(struct store_reader *r, struct position *p, int limit, bool (*on_change)(void *user, const struct change *c), void *user,
                 struct err *e)
{
    struct reading x = { .on_change = on_change, .user = user, .limit = limit };
    if (read_some(reader_db(r), new_events_sql, p, &p->seq, &x, e) < 0)
        return -1;
    if (!x.is_full && x.taken < limit && read_some(reader_db(r), changed_sql, p, &p->changed, &x, e) < 0)
        return -1;
    return x.taken;
}

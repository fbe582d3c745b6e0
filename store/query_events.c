/* query_events: the history's list. The statement is put together from the filters that are asked for, so that SQLite sees what it may
 * use; where it begins is chosen here (sources), since only we know what is rare. */
#include "store/event_media.h"
#include "store/query.h"
#include "store/search.h"
#include "store/walk.h"
#include <string.h>

enum { ROW_ARENA = 256 * 1024, SQL_MAX = 8192, MATCH_MAX = 64 * 1024 };

static const int64_t hour_ms = 3600000;

/* --- rows -------------------------------------------------------------------------------------------------------- */

#define EVENT_COLUMNS                                                                                                        \
    "e.seq, e.id, e.received_ms, e.parser, e.kind, e.restored, e.severity, e.device, d.name, e.zone, e.zone_name, e.user,"  \
    " e.text, e.code, e.happened_ms, a.id, EXISTS(SELECT 1 FROM media WHERE event = e.seq), e.target, e.channel,"            \
    " e.device_time, e.drift_ms, (SELECT id FROM events first WHERE first.seq = e.same_as),"                                 \
    " e.acked_ms, e.acked_by, e.kept, e.kept_by, e.note, e.person, e.changed, e.clock"

enum {
    E_SEQ, E_ID, E_RECEIVED, E_PARSER, E_KIND, E_RESTORED, E_SEVERITY, E_DEVICE, E_DEVICE_NAME, E_ZONE, E_ZONE_NAME, E_USER,
    E_TEXT, E_CODE, E_HAPPENED, E_ARRIVAL, E_HAS_MEDIA, E_TARGET, E_CHANNEL, E_DEVICE_TIME, E_DRIFT, E_SAME_AS, E_ACKED, E_ACKED_BY,
    E_KEPT, E_KEPT_BY, E_NOTE, E_PERSON, E_CHANGED, E_CLOCK
};

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
        .marks = {
            .acked_ms = col_int(q, E_ACKED),
            .acked_by = col_text(q, E_ACKED_BY),
            .is_kept = col_int(q, E_KEPT) != 0,
            .kept_by = col_text(q, E_KEPT_BY),
            .note = col_text(q, E_NOTE),
            .has_person = col_int(q, E_PERSON) != 0,
            .changed = col_int(q, E_CHANGED),
            .clock = (enum event_clock)col_int(q, E_CLOCK),
        },
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
    if (col_int(q, E_HAS_MEDIA) && event_media_read(d, row.seq, -1, &row.event, &media, e) < 0)
        return -1;
    return l->on_event(l->user, &row) ? 1 : 0;
}

/* --- the statement ------------------------------------------------------------------------------------------------- */

/* Where a list begins: what stands behind FROM, the name of its seq, and what makes it the right one. The first that fits. */
static bool is_one(const struct event_filter *f) { return f->id != NULL; }
static bool is_of_arrival(const struct event_filter *f) { return f->arrival_seq != 0; }
static bool has_words(const struct event_filter *f) { return f->text != NULL; }
static bool is_kept(const struct event_filter *f) { return f->kept == MARK_YES; }
static bool is_open_alarm(const struct event_filter *f) { return f->acknowledged == MARK_NO && f->severity == SEVERITY_ALARM; }
static bool is_acked(const struct event_filter *f) { return f->acknowledged == MARK_YES; }
static bool is_any(const struct event_filter *f) { return f != NULL; }

#define SEARCHED "search(:match) s CROSS JOIN events e ON e.seq = s.rowid"

static const struct source {
    bool (*fits)(const struct event_filter *f);
    const char *from, *seq;
    bool        is_unbounded;
} sources[] = {
    { is_one, "events e", "e.seq", true },
    { is_of_arrival, "events e", "e.seq", true },
    { has_words, SEARCHED, "s.rowid", false },
    { is_kept, "events e INDEXED BY events_kept", "e.seq", false },
    { is_open_alarm, "events e INDEXED BY events_open_alarms", "e.seq", false },
    { search_has_tags, SEARCHED, "s.rowid", false },
    { is_acked, "events e INDEXED BY events_acked", "e.seq", false },
    { is_any, "events e", "e.seq", false },
};

#define HAS_PERSON "(e.person OR e.target IS 'person' OR e.kind = 'camera.person')" /* as the tag zqp */

static const struct source *source_of(const struct event_filter *f)
{
    const struct source *s = sources;
    while (!s->fits(f))
        s++;
    return s;
}

static void put_if(struct buf *sql, bool is_asked, const char *condition)
{
    if (!is_asked)
        return;
    buf_puts(sql, " AND ");
    buf_puts(sql, condition);
}

static void put_conditions(struct buf *sql, const struct event_filter *f)
{
    put_if(sql, f->id != NULL, "e.id = :id");
    put_if(sql, f->arrival_seq != 0, "e.arrival = :arrival");
    put_if(sql, f->kind != NULL, "e.kind GLOB :kind");
    put_if(sql, f->severity == SEVERITY_ALARM, "e.severity = 2"); /* in words the index events_open_alarms knows */
    put_if(sql, f->severity >= 0 && f->severity != SEVERITY_ALARM, "e.severity = :severity");
    put_if(sql, f->device != NULL, "e.device = :device");
    put_if(sql, f->zone != ZONE_NONE, "e.zone = :zone");
    put_if(sql, f->zone_name != NULL, "e.zone_name = :zone_name COLLATE NOCASE");
    put_if(sql, f->user != NULL, "e.user = :user COLLATE NOCASE");
    put_if(sql, f->person == MARK_YES, HAS_PERSON);
    put_if(sql, f->person == MARK_NO, "NOT " HAS_PERSON);
    put_if(sql, f->acknowledged == MARK_YES, "e.acked_ms IS NOT NULL");
    put_if(sql, f->acknowledged == MARK_NO, "e.acked_ms IS NULL");
    put_if(sql, f->kept == MARK_YES, "e.kept = 1");
    put_if(sql, f->kept == MARK_NO, "e.kept = 0");
    put_if(sql, f->picture == MARK_YES, HAS_PICTURE("e.seq"));
    put_if(sql, f->picture == MARK_NO, "NOT " HAS_PICTURE("e.seq"));
    put_if(sql, f->since_ms != 0, "e.received_ms >= :since");
    put_if(sql, f->until_ms != 0, "e.received_ms < :until");
}

void query_put_from(struct buf *sql, const struct event_filter *f, const char *columns)
{
    const struct source *s = source_of(f);
    buf_printf(sql, "SELECT %s FROM %s LEFT JOIN arrivals a ON a.seq = e.arrival LEFT JOIN devices d ON d.id = e.device"
                    " WHERE %s < :upper AND %s >= :lower", columns, s->from, s->seq, s->seq);
    put_conditions(sql, f);
}

static void put_statement(struct buf *sql, const struct event_filter *f, bool is_ascending)
{
    query_put_from(sql, f, EVENT_COLUMNS);
    buf_printf(sql, " ORDER BY %s %s LIMIT :limit", source_of(f)->seq, is_ascending ? "ASC" : "DESC");
}

void query_bind_conditions(struct stmt *q, const struct event_filter *f)
{
    bind_named(q, ":id", P(f->id));
    bind_named(q, ":kind", P(f->kind));
    bind_named(q, ":device", P(f->device));
    bind_named(q, ":zone_name", P(f->zone_name));
    bind_named(q, ":user", P(f->user));
    bind_number_unless(q, ":zone", f->zone, ZONE_NONE);
    bind_number_unless(q, ":severity", f->severity, -1);
    bind_number_unless(q, ":arrival", f->arrival_seq, 0);
    bind_number_unless(q, ":since", f->since_ms, 0);
    bind_number_unless(q, ":until", f->until_ms, 0);
}

static void bind_events(struct stmt *q, const struct list *l)
{
    query_bind_conditions(q, l->filter);
    bind_named(q, ":match", P(l->match));
}

/* --- the list ------------------------------------------------------------------------------------------------------ */

/* Between which seqs the events of these hours lie. Few are out of order (a mail that was hard to read, an import), so this
 * leads close to them without an index of times. */
int query_seqs_between(struct db *d, int64_t since_ms, int64_t until_ms, int64_t *first_out, int64_t *last_out, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(d, e, "SELECT min(first), max(last) FROM hours WHERE hour BETWEEN ? AND ?",
               P(since_ms / hour_ms), P(until_ms ? (until_ms - 1) / hour_ms : INT64_MAX));
    if (!q || stmt_step(q, e) < 0)
        return -1;
    *first_out = col_int(q, 0);
    *last_out = col_is_null(q, 1) ? -1 : col_int(q, 1);
    return 0;
}

static int find_bounds(struct db *d, const struct event_filter *f, struct list *l, struct err *e)
{
    if (l->is_unbounded) {
        l->last = INT64_MAX;
        return 0;
    }
    if (f->since_ms || f->until_ms)
        return query_seqs_between(d, f->since_ms, f->until_ms, &l->first, &l->last, e);
    return db_number(d, "SELECT min(seq) FROM events", 0, &l->first, e) < 0 ? -1 : db_number(d, "SELECT max(seq) FROM events", -1, &l->last, e);
}

/* What the index leads to is then nearly all that is asked for: one statement finds a page of it. In windows FTS5 would look in each for the
 * next row of all its words, be it years away. */
static bool is_all_in_index(const struct event_filter *f)
{
    return strcmp(source_of(f)->from, SEARCHED) == 0 && (!f->kind || search_knows_kind(f->kind)) && f->person != MARK_NO && !f->picture &&
           !f->acknowledged && !f->kept;
}

int query_events(struct store_reader *r, const struct event_filter *f, struct page *page,
                 bool (*on_row)(void *user, const struct event_row *row), void *user, struct err *e)
{
    struct db *d = reader_db(r);
    CLEANUP(buf_done) struct buf sql, match;
    buf_init(&sql, SQL_MAX);
    buf_init(&match, MATCH_MAX);
    int wanted = search_expression(d, f, &match, e);
    put_statement(&sql, f, page->is_ascending);
    if (wanted < 0 || sql.failed)
        return wanted < 0 ? -1 : err_set(e, ERR_LIMIT, "the filter is too long");
    page->next = 0;
    if (wanted == SEARCH_NOTHING || f->site)
        return 0;
    struct list l = {
        .sql = buf_str(&sql),
        .is_unbounded = source_of(f)->is_unbounded,
        .bind = bind_events,
        .take = take_event,
        .filter = f,
        .match = buf_str(&match),
        .on_event = on_row,
        .user = user,
    };
    if (find_bounds(d, f, &l, e) < 0)
        return -1;
    l.is_unbounded |= is_all_in_index(f);
    return walk_page(d, &l, page, e);
}

struct seqs {
    int64_t *to;
    int      count;
};

static bool take_seq(void *user, const struct event_row *row)
{
    struct seqs *s = user;
    s->to[s->count++] = row->seq;
    return true;
}

int query_event_seqs(struct store_reader *r, const struct event_filter *f, struct page *page, int64_t *seqs, struct err *e)
{
    struct seqs s = { .to = seqs };
    return query_events(r, f, page, take_seq, &s, e) < 0 ? -1 : s.count;
}

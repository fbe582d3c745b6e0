/* stats: cells in order, found by halves; three ways to fill them. */
#include "store/stats.h"
#include "core/clock.h"
#include "store/search.h"
#include "store/walk.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NAMES_MAX = 4 << 20, COUNT_MS = 2500, SQL_MAX = 8192, MATCH_MAX = 64 * 1024 };

static const int64_t hour_ms = 3600000;

struct stats {
    struct db                 *db;
    const struct event_filter *filter;
    enum stats_by              by;
    struct stats_row          *rows; /* in order */
    size_t                     count, cap;
    size_t                     last; /* where the one before went: most follow it */
    struct arena               names;
};

static void stats_done(struct stats *t)
{
    arena_done(&t->names);
    free(t->rows);
}

/* --- cells ----------------------------------------------------------------------------------------------------------- */

static long offset_at(int64_t ms)
{
    struct tm t;
    clock_local(ms, &t);
    return t.tm_gmtoff;
}

/* The first moment of the hour that the site's clocks showed then. Clocks may be set in the middle of one (by half an hour, on Lord Howe
 * Island): then it begins there. */
static int64_t start_of_hour(int64_t ms, const struct tm *t)
{
    int64_t start_ms = ms - ms % 1000 - ((int64_t)t->tm_min * 60 + t->tm_sec) * 1000;
    while (offset_at(start_ms) != t->tm_gmtoff)
        start_ms += hour_ms / 4;
    return start_ms;
}

/* A day is its date: some have no midnight. */
static int64_t start_of(enum stats_by by, int64_t ms)
{
    struct tm t;
    clock_local(ms, &t);
    return by == STATS_HOUR ? start_of_hour(ms, &t) : clock_from_utc(t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, 0, 0, 0);
}

static int order(const struct stats_row *row, int64_t start_ms, const char *name)
{
    if (row->start_ms != start_ms)
        return row->start_ms < start_ms ? -1 : 1;
    return strcmp(row->name, name);
}

/* The first row that does not come before it. */
static size_t place_of(const struct stats *t, int64_t start_ms, const char *name)
{
    if (t->last < t->count && order(&t->rows[t->last], start_ms, name) == 0)
        return t->last;
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (order(&t->rows[middle], start_ms, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int make_room(struct stats *t, struct err *e)
{
    if (t->count == STATS_ROWS_MAX)
        return err_set(e, ERR_INPUT, "by: over %d rows; narrow since and until", STATS_ROWS_MAX);
    if (t->count < t->cap)
        return 0;
    size_t            cap = t->cap ? t->cap * 2 : 64;
    struct stats_row *rows = realloc(t->rows, cap * sizeof *rows);
    if (!rows)
        return err_set(e, ERR_NOMEM, "out of memory");
    t->rows = rows;
    t->cap = cap;
    return 0;
}

static int add(struct stats *t, int64_t start_ms, const char *name, int64_t n, struct err *e)
{
    size_t at = place_of(t, start_ms, name);
    t->last = at;
    if (at < t->count && order(&t->rows[at], start_ms, name) == 0) {
        t->rows[at].count += n;
        return 0;
    }
    if (make_room(t, e) < 0)
        return -1;
    const char *kept = arena_str(&t->names, name);
    if (!kept)
        return err_set(e, ERR_NOMEM, "no room for names");
    memmove(&t->rows[at + 1], &t->rows[at], (t->count - at) * sizeof *t->rows);
    t->rows[at] = (struct stats_row){ .start_ms = start_ms, .name = kept, .count = n };
    t->count++;
    return 0;
}

static bool is_by_time(const struct stats *t)
{
    return t->by == STATS_HOUR || t->by == STATS_DAY;
}

/* --- one by one ------------------------------------------------------------------------------------------------------ */

static void bind_span(struct stmt *q, const struct list *l)
{
    query_bind_conditions(q, l->filter);
    bind_named(q, ":match", P(l->match));
}

int stats_add_event(struct stats *t, int64_t received_ms, const char *kind, const char *device, struct err *e)
{
    if (is_by_time(t))
        return add(t, start_of(t->by, received_ms), "", 1, e);
    return add(t, 0, t->by == STATS_KIND ? kind : device, 1, e);
}

static int take_one(struct db *d, struct stmt *q, const struct list *l, struct err *e)
{
    (void)d;
    return stats_add_event(l->user, col_int(q, 1), col_text(q, 2), col_text(q, 3), e) < 0 ? -1 : 1;
}

static int count_singly(struct stats *t, int64_t since_ms, int64_t until_ms, struct err *e)
{
    struct event_filter          f = *t->filter;
    CLEANUP(buf_done) struct buf sql, match;
    buf_init(&sql, SQL_MAX);
    buf_init(&match, MATCH_MAX);
    f.since_ms = since_ms;
    f.until_ms = until_ms;
    int wanted = search_expression(t->db, &f, &match, e);
    if (wanted == SEARCH_NOTHING || wanted < 0)
        return wanted < 0 ? -1 : 0;
    query_put_from(&sql, &f, "e.seq, e.received_ms, e.kind, e.device");
    buf_puts(&sql, " LIMIT :limit");
    if (sql.failed)
        return err_set(e, ERR_LIMIT, "the filter is too long");
    struct list l = { .sql = buf_str(&sql), .bind = bind_span, .take = take_one, .filter = &f, .match = buf_str(&match), .user = t };
    struct page page = { .limit = INT32_MAX - 1, .budget_ms = COUNT_MS };
    if (query_seqs_between(t->db, since_ms, until_ms, &l.first, &l.last, e) < 0 || walk_page(t->db, &l, &page, e) < 0)
        return -1;
    return page.next ? err_set(e, ERR_TIMEOUT, "too many events to count one by one; narrow since and until") : 0;
}

/* --- whole hours ------------------------------------------------------------------------------------------------------ */

static bool has_tallies(const struct event_filter *f)
{
    return !f->id && !f->arrival_seq && !f->text && !f->user && !f->zone_name && f->zone == ZONE_NONE && !f->person && !f->picture &&
           !f->acknowledged && !f->kept;
}

static void put_tallies(struct buf *sql, const struct stats *t)
{
    const struct event_filter *f = t->filter;
    bool                       is_all = is_by_time(t) && !f->kind && !f->device && f->severity < 0;
    buf_puts(sql, is_by_time(t) ? "SELECT hour, " : t->by == STATS_KIND ? "SELECT kind, " : "SELECT device, ");
    buf_puts(sql, is_all ? "n FROM hours" : "sum(n) FROM tallies");
    buf_puts(sql, " WHERE hour >= :first AND hour < :end");
    buf_puts(sql, f->kind ? " AND kind GLOB :kind" : "");
    buf_puts(sql, f->device ? " AND device = :device" : "");
    buf_puts(sql, f->severity >= 0 ? " AND severity = :severity" : "");
    buf_puts(sql, is_all ? "" : " GROUP BY 1");
}

/* An hour of UTC may belong to two hours or days of the site. */
static int add_hour(struct stats *t, int64_t hour, int64_t n, struct err *e)
{
    int64_t start_ms = start_of(t->by, hour * hour_ms);
    if (start_ms != start_of(t->by, (hour + 1) * hour_ms - 1))
        return count_singly(t, hour * hour_ms, (hour + 1) * hour_ms, e);
    return add(t, start_ms, "", n, e);
}

/* first <= hour < end */
static int count_hours(struct stats *t, int64_t first, int64_t end, struct err *e)
{
    CLEANUP(buf_done) struct buf sql;
    buf_init(&sql, SQL_MAX);
    put_tallies(&sql, t);
    CLEANUP(stmt_done) struct stmt *q = db_stmt_made(t->db, buf_str(&sql), e);
    if (!q)
        return -1;
    query_bind_conditions(q, t->filter);
    bind_named(q, ":first", P(first));
    bind_named(q, ":end", P(end));
    int found;
    while ((found = stmt_step(q, e)) > 0)
        if (is_by_time(t) ? add_hour(t, col_int(q, 0), col_int(q, 1), e) < 0 : add(t, 0, col_text(q, 0), col_int(q, 1), e) < 0)
            return -1;
    return found;
}

/* The whole hours of the span, and what is cut off before and behind. */
static int count_span(struct stats *t, struct err *e)
{
    int64_t since = t->filter->since_ms, until = t->filter->until_ms;
    int64_t first = (since + hour_ms - 1) / hour_ms, end = until ? until / hour_ms : INT64_MAX / hour_ms;
    if (first > end) /* within one hour */
        return count_singly(t, since, until, e);
    if (since < first * hour_ms && count_singly(t, since, first * hour_ms, e) < 0)
        return -1;
    if (until > end * hour_ms && count_singly(t, end * hour_ms, until, e) < 0)
        return -1;
    return count_hours(t, first, end, e);
}

int stats_count(struct store_reader *r, const struct event_filter *f, enum stats_by by, void (*on_row)(void *user, const struct stats_row *row),
                void *user, struct err *e)
{
    CLEANUP(stats_done) struct stats t = { .db = reader_db(r), .filter = f, .by = by };
    arena_init(&t.names, NAMES_MAX);
    if (f->site || (f->until_ms && f->until_ms <= f->since_ms))
        return 0;
    int failed = has_tallies(f) ? count_span(&t, e) : count_singly(&t, f->since_ms, f->until_ms, e);
    if (!failed)
        stats_each(&t, on_row, user);
    return failed;
}

/* --- from several places ---------------------------------------------------------------------------------------------- */

int stats_new(enum stats_by by, struct stats **out, struct err *e)
{
    struct stats *t = calloc(1, sizeof *t);
    if (!t)
        return err_set(e, ERR_NOMEM, "out of memory");
    t->by = by;
    arena_init(&t->names, NAMES_MAX);
    *out = t;
    return 0;
}

void stats_free(struct stats **tp)
{
    struct stats *t = TAKE(*tp);
    if (!t)
        return;
    stats_done(t);
    free(t);
}

int stats_add_row(struct stats *t, const struct stats_row *row, struct err *e)
{
    return add(t, row->start_ms, row->name, row->count, e);
}

void stats_each(const struct stats *t, void (*on_row)(void *user, const struct stats_row *row), void *user)
{
    for (size_t i = 0; i < t->count; i++)
        on_row(user, &t->rows[i]);
}

/* retention_rules: each rule walks through the events from the oldest on, in windows of seq, each a statement of its own on the
 * keeper's connection, and remembers how far it came; it begins anew every few hours, since what was kept may no longer be. A step
 * forgets a few events in one short transaction of the writer, no more than it can in some milliseconds and of no more bytes in the database (each is
 * overwritten), so that no arrival waits for it longer than for another mail.
 *
 * What is there is counted the same way, once, and from then on only what came and went; only for rules that have such a bound. */
#include "store/retention_rules.h"
#include "core/clock.h"
#include "store/doomed.h"
#include "store/forget.h"
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 32, STEP_US = 5000, STEP_BYTES = 128 << 10, WINDOW = 20000, TURN_US = 1500000, HOUR_MS = 3600000, PICTURES_AT_ONCE = 8 };
static const int64_t anew_us = INT64_C(6) * 3600 * 1000000;

struct walk {
    int64_t aged, over;    /* so far each of the two walks came */
    int64_t counted;       /* up to here it is counted …        */
    int64_t count, bytes;  /* … as so much                      */
};

struct retention_rules {
    struct keep_rule rules[KEEP_RULES_MAX];
    struct walk      walks[KEEP_RULES_MAX];
    size_t           count;
    int64_t          anew_at_us;
    char             told_day[DAY_TEXT]; /* "": not yet looked */
};

struct retention_rules *retention_rules_new(const struct keep_rule *rules, size_t count)
{
    struct retention_rules *r = count > 0 ? calloc(1, sizeof *r) : NULL;
    if (!r)
        return NULL;
    r->count = count < KEEP_RULES_MAX ? count : KEEP_RULES_MAX;
    memcpy(r->rules, rules, r->count * sizeof *rules);
    return r;
}

void retention_rules_free(struct retention_rules **r)
{
    free(TAKE(*r));
}

/* --- statements -------------------------------------------------------------------------------------------------- */

/* Of this rule: no other kind's rule goes before it. ?3 …: the kinds of those. */
#define OTHERS(n) " AND NOT coalesce(e.kind GLOB ?" #n ", 0)"
#define CLASS                                                                                                                 \
    "(?1 IS NULL OR e.severity = ?1) AND (?2 IS NULL OR e.kind GLOB ?2)" OTHERS(3) OTHERS(4) OTHERS(5) OTHERS(6) OTHERS(7)     \
        OTHERS(8) OTHERS(9) OTHERS(10)
#define IN_WINDOW "e.seq > ?11 AND e.seq <= ?12"
#define IS_FREE(e)                                                                                                            \
    e ".kept = 0 AND NOT EXISTS (SELECT 1 FROM deliveries d LEFT JOIN messages m ON m.seq = d.message WHERE d.event = " e      \
      ".seq AND (d.state < 2 OR m.state < 2))"
#define IS_OLD      "(?13 IS NULL OR (e.received_ms < ?13 AND a.source IS NULL))"
#define HAS_RAW     "(a.file IS NOT NULL OR a.raw IS NOT NULL)"
#define MAIL_BYTES  "CASE WHEN e.n = 1 AND " HAS_RAW " THEN a.bytes ELSE 0 END"

static const char events_sql[] =
    "SELECT e.seq, 1, " MAIL_BYTES ", e.seq, a.file IS NULL FROM events e LEFT JOIN arrivals a ON a.seq = e.arrival WHERE " IN_WINDOW " AND " CLASS
    " AND " IS_FREE("e") " AND coalesce(a.state, 2) >= 2 AND " IS_OLD " ORDER BY e.seq LIMIT ?14";
static const char pictures_sql[] =
    "SELECT e.arrival, (SELECT count(*) FROM media WHERE event = e.seq), (SELECT total(length) FROM media WHERE event = e.seq), e.seq, a.file IS NULL"
    " FROM events e JOIN arrivals a ON a.seq = e.arrival WHERE " IN_WINDOW " AND " CLASS
    " AND EXISTS (SELECT 1 FROM media WHERE event = e.seq AND forgotten_ms IS NULL) AND a.state >= 2 AND " HAS_RAW
    " AND NOT EXISTS (SELECT 1 FROM events o WHERE o.arrival = e.arrival AND NOT (" IS_FREE("o") ")) AND " IS_OLD
    " ORDER BY e.seq LIMIT ?14";
static const char count_events_sql[] = "SELECT count(*), total(" MAIL_BYTES ") FROM events e LEFT JOIN arrivals a ON a.seq = e.arrival"
                                       " WHERE " IN_WINDOW " AND " CLASS;
static const char count_pictures_sql[] =
    "SELECT count(*), total(m.length) FROM events e JOIN media m ON m.event = e.seq WHERE " IN_WINDOW " AND " CLASS " AND m.forgotten_ms IS NULL";

static void bind_class(struct stmt *q, const struct retention_rules *r, size_t rule, bool of_any_kind)
{
    const struct keep_rule *own = &r->rules[rule];
    int                     n = 3;
    stmt_bind(q, 1, param_if(own->severity >= 0, own->severity), P(own->kind[0] ? own->kind : NULL));
    for (size_t i = 0; own->what == KEEP_EVENTS && !of_any_kind && i < rule && n < 3 + KEEP_KINDS_MAX; i++)
        if (r->rules[i].what == KEEP_EVENTS && r->rules[i].kind[0])
            stmt_bind(q, n++, P(r->rules[i].kind));
}

/* --- one step ------------------------------------------------------------------------------------------------------ */

struct picked {
    struct store_op  op;
    struct store    *store;
    int64_t          seqs[AT_ONCE]; /* of events, or of arrivals */
    int64_t          mails[AT_ONCE]; /* bytes of each             */
    int              count, done;   /* events: so many of them went */
    int64_t          last;          /* event that the walk came to */
    int64_t          things, bytes; /* what the rule counts        */
    struct forgotten forgotten;
};

static int forget_events(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct picked *p = (struct picked *)op;
    int64_t        until_us = clock_steady_us() + STEP_US;
    p->forgotten = (struct forgotten){ 0 };
    p->done = 0;
    do {
        if (tx_forget_event(tx, p->seqs[p->done], false, &p->forgotten, e) < 0)
            return -1;
        p->done++;
    } while (p->done < p->count && clock_steady_us() < until_us);
    return tx_forgotten_add(tx, &p->forgotten, e);
}

/* What a step may take. */
struct span {
    int64_t after, up_to, before_ms; /* seqs; received before, 0: whenever */
    int64_t things, bytes;           /* until so much is gone */
    bool    of_any_kind;             /* also of kinds that have bounds of their own */
};

static int pick(struct db *db, const struct retention_rules *r, size_t rule, const struct span *span, struct picked *p, struct err *e)
{
    bool         is_events = r->rules[rule].what == KEEP_EVENTS;
    int          most = is_events ? AT_ONCE : PICTURES_AT_ONCE, more = 0;
    int64_t      inline_bytes = 0;
    CLEANUP(stmt_done) struct stmt *q = is_events ? db_stmt(db, events_sql, e) : db_stmt(db, pictures_sql, e);
    if (!q)
        return -1;
    bind_class(q, r, rule, span->of_any_kind);
    stmt_bind(q, 11, P(span->after), P(span->up_to), param_if(span->before_ms != 0, span->before_ms), P(most));
    p->last = span->up_to;
    while (p->count < most && inline_bytes < STEP_BYTES && (p->things < span->things || p->bytes < span->bytes) && (more = stmt_step(q, e)) > 0) {
        inline_bytes += col_int(q, 4) ? col_int(q, 2) : 0;
        if (p->count == 0 || p->seqs[p->count - 1] != col_int(q, 0)) {
            p->mails[p->count] = col_int(q, 2);
            p->seqs[p->count++] = col_int(q, 0);
        }
        p->things += col_int(q, 1);
        p->bytes += col_int(q, 2);
        p->last = col_int(q, 3);
    }
    if (more == 0 && (p->count == 0 || p->things < span->things || p->bytes < span->bytes))
        p->last = span->up_to; /* nothing more in this window */
    return more < 0 ? -1 : p->count;
}

static int forget_all_pictures(struct store *s, struct db *db, struct picked *p, struct err *e)
{
    for (int i = 0; i < p->count; i++)
        if (forget_pictures(s, db, p->seqs[i], "Store:Retention:Pictures", &p->forgotten, e) < 0)
            return -1;
    return 0;
}

/* The time was up before all of them were gone. */
static void cut_short(struct picked *p)
{
    if (p->done == p->count)
        return;
    p->last = p->seqs[p->done - 1];
    p->things = p->done;
    p->bytes = 0;
    for (int i = 0; i < p->done; i++)
        p->bytes += p->mails[i];
}

/* One window, or a part of it: how far the walk came, or -1. */
static int64_t step(struct store *s, struct db *db, size_t rule, const struct span *span)
{
    struct retention_rules *r = s->rules;
    struct walk            *w = &r->walks[rule];
    struct picked           p = { .op = { .rank = STORE_LATER, .apply = forget_events }, .store = s };
    struct err              e = { 0 };
    int                     n = pick(db, r, rule, span, &p, &e);
    if (n > 0 && r->rules[rule].what == KEEP_EVENTS) {
        n = store_do(s, &p.op, &e);
        cut_short(&p);
    } else if (n > 0)
        n = forget_all_pictures(s, db, &p, &e);
    if (n < 0)
        return -1;
    w->count -= p.things;
    w->bytes -= p.bytes;
    return p.last;
}

/* --- the walks ----------------------------------------------------------------------------------------------------- */

static int64_t number(struct db *db, const char *sql, int64_t fallback)
{
    struct err e;
    int64_t    n;
    return db_number(db, sql, fallback, &n, &e) < 0 ? 0 : n;
}

/* The newest event that may go at all: with an archive, what it has. */
static int64_t newest_free(const struct store *s, struct db *db)
{
    static const char archived_sql[] = "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'note/archive.seq'";
    int64_t newest = number(db, "SELECT max(seq) FROM events", 0), archived = s->options.has_archive ? number(db, archived_sql, 0) : newest;
    return archived < newest ? archived : newest;
}

/* The newest event of hours that are over by then. */
static int64_t last_before(struct db *db, int64_t ms)
{
    struct err e;
    int64_t    last = 0;
    return db_number_of(db, "SELECT max(last) FROM hours WHERE hour <= ?", 0, &last, &e, P(ms / HOUR_MS)) < 0 ? 0 : last;
}

bool retention_is_over(const struct store *s, int64_t until_us)
{
    return clock_steady_us() >= until_us || keeper_is_wanted(s->keeper);
}

static int64_t window_end(int64_t at, int64_t last)
{
    return last - at > WINDOW ? at + WINDOW : last;
}

/* true: the time is up, or it failed. */
static bool walk_aged(struct store *s, struct db *db, size_t rule, int64_t now, int64_t deadline_us)
{
    struct walk *w = &s->rules->walks[rule];
    int64_t      before_ms = now - (int64_t)s->rules->rules[rule].days * 24 * HOUR_MS;
    int64_t      last = last_before(db, before_ms), newest = newest_free(s, db);
    last = last < newest ? last : newest;
    for (bool is_over = false; w->aged < last && !is_over; is_over = retention_is_over(s, deadline_us)) {
        const struct span span = { w->aged, window_end(w->aged, last), before_ms, INT64_MAX, INT64_MAX, false };
        int64_t           at = step(s, db, rule, &span);
        if (at < 0)
            return true;
        w->aged = at;
    }
    /* The last hour is not over yet: it is walked through again. */
    bool is_up = w->aged < last;
    int64_t whole = last_before(db, before_ms - HOUR_MS);
    w->aged = !is_up && w->aged > whole ? whole : w->aged;
    return is_up;
}

/* Counts what is new; true: the time is up. */
static bool count(struct store *s, struct db *db, size_t rule, int64_t deadline_us)
{
    struct walk *w = &s->rules->walks[rule];
    int64_t      newest = number(db, "SELECT max(seq) FROM events", 0);
    struct err   e;
    for (bool is_over = false; w->counted < newest && !is_over; is_over = clock_steady_us() >= deadline_us) { /* this writes nothing */
        int64_t to = window_end(w->counted, newest);
        CLEANUP(stmt_done)
        struct stmt *q = s->rules->rules[rule].what == KEEP_EVENTS ? db_stmt(db, count_events_sql, &e) : db_stmt(db, count_pictures_sql, &e);
        if (!q)
            return true;
        bind_class(q, s->rules, rule, false);
        stmt_bind(q, 11, P(w->counted), P(to));
        if (stmt_step(q, &e) <= 0)
            return true;
        w->count += col_int(q, 0);
        w->bytes += col_int(q, 1);
        w->counted = to;
    }
    return w->counted < newest;
}

static int64_t excess(int64_t is, int64_t bound)
{
    return bound > 0 && is > bound ? is - bound : 0;
}

static bool walk_over(struct store *s, struct db *db, size_t rule, int64_t deadline_us)
{
    const struct keep_rule *own = &s->rules->rules[rule];
    struct walk            *w = &s->rules->walks[rule];
    if ((own->count == 0 && own->bytes == 0) || count(s, db, rule, deadline_us))
        return own->count != 0 || own->bytes != 0;
    int64_t newest = newest_free(s, db), last = newest < w->counted ? newest : w->counted;
    for (bool is_over = false; w->over < last && !is_over; is_over = retention_is_over(s, deadline_us)) {
        const struct span span = { w->over, window_end(w->over, last), 0, excess(w->count, own->count), excess(w->bytes, own->bytes), false };
        if (span.things == 0 && span.bytes == 0)
            return false;
        int64_t at = step(s, db, rule, &span);
        if (at < 0)
            return true;
        w->over = at;
    }
    return w->over < last;
}

/* When a day begins. What was counted before a restart is told with the rest. */
static void tell(struct store *s, int64_t now)
{
    struct retention_rules *r = s->rules;
    struct forgotten        f;
    struct err              e;
    char                    day[DAY_TEXT];
    day_of(day, now);
    bool is_new = r->told_day[0] && strcmp(r->told_day, day) != 0;
    memcpy(r->told_day, day, sizeof day);
    if (is_new && s->options.forgotten && forgotten_take(s, &f, &e) == 0 && f.events + f.mails + f.pictures > 0)
        s->options.forgotten(s->options.user, f.events, f.mails, f.pictures, f.bytes);
}

bool retention_rules_run(struct store *s, struct db *db, int64_t now, bool by_age)
{
    struct retention_rules *r = s->rules;
    if (!r)
        return false;
    int64_t start_us = clock_steady_us();
    if (start_us >= r->anew_at_us) {
        memset(r->walks, 0, sizeof r->walks);
        r->anew_at_us = start_us + anew_us;
    }
    bool has_more = false;
    for (size_t i = 0; i < r->count; i++) {
        if (by_age && r->rules[i].days > 0)
            has_more |= walk_aged(s, db, i, now, start_us + TURN_US);
        has_more |= walk_over(s, db, i, start_us + TURN_US);
    }
    tell(s, now);
    return has_more;
}

void retention_rules_oldest_infos(struct store *s, struct db *db)
{
    for (size_t i = 0; s->rules && i < s->rules->count; i++) {
        if (s->rules->rules[i].what != KEEP_EVENTS || s->rules->rules[i].severity != 0)
            continue;
        int64_t    *over = &s->rules->walks[i].over, until_us = clock_steady_us() + TURN_US, last = newest_free(s, db), at = 0;
        for (bool is_over = false; *over < last && !is_over && at >= 0; is_over = retention_is_over(s, until_us)) {
            const struct span span = { *over, window_end(*over, last), 0, INT64_MAX, INT64_MAX, true };
            at = step(s, db, i, &span);
            *over = at < 0 ? *over : at;
        }
    }
}

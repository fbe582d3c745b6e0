/* retention: two plain bounds on raw bytes; rows and events stay. What is older than KeepRawDays goes; above MaxBytes the
 * oldest of infos go first, then others, but never those of alarms of the last 30 days. What nobody has understood yet, or
 * what somebody is still owed, or what somebody keeps, stays in any case. Bounds by age, number and bytes of events and pictures are retention_rules.c's.
 *
 * In small steps: the keeper picks a few, removes their files, and one short transaction of the writer forgets them. File
 * first: cut off in between, the row still names a file that is gone, and the next step forgets it. */
#include "store/retention.h"
#include "core/clock.h"
#include "core/fault.h"
#include "store/doomed.h"
#include "store/erase.h"
#include "store/forget.h"
#include "store/retention_rules.h"
#include <sys/statvfs.h>

enum {
    AT_ONCE = 16, STEP_BYTES = 128 << 10, /* of a step, in the database: each is overwritten, and a mail may come in the same transaction */
    RUN_US = 1500000,                     /* of a run: its thread has other work */
    ALARM_DAYS = 30, FREE_PAGES_KEPT = 1024,
};
static const int64_t day_ms = 86400000;

/* The same words as in the index arrivals_raw, so that SQLite uses it; ?1: received before; oldest first. */
#define HAS_RAW "(file IS NOT NULL OR raw IS NOT NULL)"
#define OLDEST                                                                                                                 \
    "SELECT seq, file, bytes FROM arrivals a INDEXED BY arrivals_raw WHERE " HAS_RAW " AND received_ms < ?1 AND state >= 2"    \
    " AND NOT EXISTS (SELECT 1 FROM events e JOIN deliveries d ON d.event = e.seq WHERE e.arrival = a.seq AND d.state < 2)"     \
    " AND NOT EXISTS (SELECT 1 FROM events e WHERE e.arrival = a.seq AND e.kept = 1)"
#define IN_ORDER " ORDER BY received_ms LIMIT ?3"

static const char of_age[] = OLDEST " AND ?2 = ?2 AND source IS NULL" IN_ORDER; /* what was imported is old, and wanted */
static const char of_infos[] =
    OLDEST " AND ?2 = ?2 AND NOT EXISTS (SELECT 1 FROM events e WHERE e.arrival = a.seq AND e.severity > 0)" IN_ORDER;
static const char of_others[] = OLDEST
    " AND NOT (received_ms > ?2 AND EXISTS (SELECT 1 FROM events e WHERE e.arrival = a.seq AND e.severity >= 2))" IN_ORDER;

struct picked {
    struct store_op op;
    int64_t seqs[AT_ONCE];
    int64_t bytes, files_bytes;
    int count;
};

static int forget(struct store_tx *tx, struct store_op *op, struct err *e)
{
    const struct picked *p = (const struct picked *)op;
    for (int i = 0; i < p->count; i++)
        if (tx_forget_bytes(tx, p->seqs[i], e) < 0)
            return -1;
    tx->files_bytes -= p->files_bytes;
    return tx_forgotten_add(tx, &(struct forgotten){ .mails = p->count, .bytes = p->bytes }, e);
}

/* What a step may take: received before, and of alarms (of_others) not after; no more than so many bytes. */
struct bound {
    const char *sql;
    int64_t before_ms, alarms_ms, bytes;
};

/* Picks up to a step's worth and removes the files: how many, or -1. */
static int pick(struct store *s, struct db *db, const struct bound *bound, struct picked *out, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_ask(db, e, bound->sql, P(bound->before_ms), P(bound->alarms_ms), P(AT_ONCE));
    if (!q)
        return -1;
    int more = 0;
    while (out->count < AT_ONCE && out->bytes - out->files_bytes < STEP_BYTES && out->bytes < bound->bytes && (more = stmt_step(q, e)) > 0) {
        out->seqs[out->count++] = col_int(q, 0);
        out->bytes += col_int(q, 2);
        if (col_is_null(q, 1))
            continue;
        out->files_bytes += col_int(q, 2);
        doomed_remove_file(s, col_text(q, 1));
    }
    if (out->count > 0)
        FAULT("store.raw_removed");
    return more < 0 ? -1 : out->count;
}

/* One step: how many were forgotten, or -1. */
static int step(struct store *s, struct db *db, const struct bound *bound)
{
    struct err e = { 0 };
    struct picked p = { .op = { .rank = STORE_LATER, .apply = forget } };
    int n = pick(s, db, bound, &p, &e);
    return n > 0 && store_do(s, &p.op, &e) < 0 ? -1 : n;
}

/* --- how much there is --------------------------------------------------------------------------------------------- */

int64_t retention_limit(const struct store *s)
{
    struct statvfs fs;
    if (s->options.max_bytes > 0)
        return s->options.max_bytes;
    if (fstatvfs(s->folder_fd, &fs) < 0)
        return INT64_MAX;
    return (int64_t)fs.f_blocks * (int64_t)fs.f_frsize / 2;
}

int retention_count_files(struct store *s, struct db *db, struct err *e)
{
    int64_t bytes;
    if (db_number(db, "SELECT total(bytes) FROM arrivals INDEXED BY arrivals_raw WHERE " HAS_RAW " AND file IS NOT NULL", 0,
                  &bytes, e) < 0)
        return -1;
    /* Counted beside the writer: what it added meanwhile may be in it twice until the next start. */
    (void)atomic_fetch_add(&s->files_bytes, bytes);
    return 0;
}

/* Pages that are free are not counted: what is forgotten makes the next ones fit, the file does not shrink. */
static int64_t used_bytes(struct store *s, struct db *db)
{
    int64_t pages = 0, unused = 0, size = 0;
    struct err e = { 0 };
    if (db_number(db, "PRAGMA page_count", 0, &pages, &e) < 0 || db_number(db, "PRAGMA freelist_count", 0, &unused, &e) < 0 ||
        db_number(db, "PRAGMA page_size", 4096, &size, &e) < 0)
        return 0;
    return atomic_load(&s->files_bytes) + (pages - unused) * size;
}

static int64_t free_pages(struct db *db)
{
    struct err e;
    int64_t    n = 0;
    return db_number(db, "PRAGMA freelist_count", 0, &n, &e) < 0 ? 0 : n;
}

/* What is missing below the floor of free room. */
static int64_t floor_gap(struct store *s)
{
    return store_is_low(s) ? floor_missing(s) : 0;
}

/* --- the two bounds -------------------------------------------------------------------------------------------------- */

/* Whether there is more to do, as the next ones. */
static bool bound_age(struct store *s, struct db *db, int64_t now, int64_t until_us)
{
    const struct bound old = { .sql = of_age, .before_ms = now - s->options.keep_raw_days * day_ms, .bytes = INT64_MAX };
    int                n;
    while ((n = step(s, db, &old)) > 0 && !retention_is_over(s, until_us))
        ;
    return n > 0;
}

static int64_t excess_bytes(struct store *s, struct db *db, int64_t limit)
{
    int64_t over = used_bytes(s, db) - limit, gap = floor_gap(s);
    return over > gap ? over : gap;
}

/* While the clock is in doubt every alarm counts as one of the last 30 days. Below the floor, when no raw mail is left to give, infos go. */
static bool bound_size(struct store *s, struct db *db, int64_t now, bool is_clock_good, int64_t until_us)
{
    struct bound excess = { .sql = of_infos,
                            .before_ms = INT64_MAX,
                            .alarms_ms = is_clock_good ? now - ALARM_DAYS * day_ms : INT64_MIN };
    int64_t limit = retention_limit(s);
    for (bool is_first = true; (excess.bytes = excess_bytes(s, db, limit)) > 0; is_first = false) {
        if (!is_first && retention_is_over(s, until_us))
            return true;
        int n = step(s, db, &excess);
        if (n < 0)
            return false;
        if (n == 0 && excess.sql == of_others) {
            if (floor_gap(s) > 0 && free_pages(db) <= FREE_PAGES_KEPT) /* what is free already comes first */
                retention_rules_oldest_infos(s, db);
            return false;
        }
        if (n == 0)
            excess.sql = of_others;
    }
    return false;
}

/* --- room given back ------------------------------------------------------------------------------------------------- */

static int give_back(struct store_tx *tx, struct store_op *op, struct err *e)
{
    (void)op;
    return db_exec(tx->db, "PRAGMA incremental_vacuum(32)", e);
}

/* A few megabytes stay for the next events; a database of before this (auto_vacuum off) keeps its pages and uses them again. */
static bool shrink(struct store *s, struct db *db, int64_t until_us)
{
    int64_t unused = free_pages(db), before = INT64_MAX;
    while (unused > FREE_PAGES_KEPT && unused < before) {
        struct store_op op = { .rank = STORE_LATER, .apply = give_back };
        struct err      e;
        if (store_do(s, &op, &e) < 0)
            return false;
        before = unused;
        unused = free_pages(db);
        if (retention_is_over(s, until_us))
            return unused > FREE_PAGES_KEPT && unused < before;
    }
    return false;
}

bool retention_run(struct store *s, struct db *db, struct doubt *doubt)
{
    int64_t now = clock_wall_ms();
    bool is_clock_good = doubt_ask(doubt, now, clock_mono_ms());
    doomed_remove(s, db);
    bool has_more = erase_go_on(s, db);
    int64_t until_us = clock_steady_us() + RUN_US;
    if (is_clock_good)
        has_more |= bound_age(s, db, now, until_us);
    has_more |= bound_size(s, db, now, is_clock_good, until_us);
    has_more |= retention_rules_run(s, db, now, is_clock_good);
    doomed_remove(s, db);
    if (!has_more || floor_gap(s) > 0) /* what moves now need not move again */
        has_more |= shrink(s, db, clock_steady_us() + RUN_US);
    return has_more;
}

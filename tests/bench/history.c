/* history FOLDER fill N | ask: a long history for make bench-history. fill brings the folder to N events of ten years, as a house with one
 * panel and twelve cameras would have them (cut off, it goes on); ask times the questions against it, and the same ones by LIMIT/OFFSET
 * and LIKE, as a page that knows no cursor and no index asks them. A table on stdout. */
#include "core/clock.h"
#include "store/db.h"
#include "store/query.h"
#include "store/schema.h"
#include "store/stats.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PER_TRANSACTION = 20000, CAMERAS = 12, ROUNDS = 15 };
static const int64_t end_ms = 1795000000000, years_ms = INT64_C(315576000000); /* 2026-11-18, ten years */

/* --- filling ------------------------------------------------------------------------------------------------------ */

static uint64_t chance_state = 9;

static unsigned chance(unsigned below)
{
    chance_state = chance_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)((chance_state >> 33) % below);
}

static const char *const zones[] = { "Haustür", "Terrassentür", "Ost 1", "Ost 2", "Garage Süd", "Keller", "Küche", "Bad", "Büro", "Dach",
                                     "Kinderzimmer", "Gartenhaus" };
static const char *const users[] = { "Anna", "Jörg", "Codetaster", "App" };

struct made {
    char        device[16], subject[80], text[120];
    const char *kind, *zone_name, *user, *target;
    int         severity, zone;
    bool        has_picture;
};

/* Of 10,000 events 3 are alarms, 30 are trouble, 2,900 are the panel's daily life, the rest are cameras. */
static void make(struct made *m, int64_t i)
{
    unsigned r = chance(10000), z = chance(COUNT(zones));
    *m = (struct made){ .zone = (int)z + 1, .zone_name = zones[z] };
    (void)snprintf(m->device, sizeof m->device, "panel");
    if (r < 3) {
        m->kind = r == 0 ? "alarm.tamper" : "alarm.interior";
        m->severity = 2;
        (void)snprintf(m->subject, sizeof m->subject, "Alarm");
        (void)snprintf(m->text, sizeof m->text, "Zone:%u %s, %s Alarm", z + 1, zones[z], r == 0 ? "Sabotage" : "Innenbereich");
    } else if (r < 33) {
        m->kind = "trouble.battery";
        m->severity = 1;
        (void)snprintf(m->subject, sizeof m->subject, "Störung");
        (void)snprintf(m->text, sizeof m->text, "Zone:%u %s, Batterie schwach", z + 1, zones[z]);
    } else if (r < 2933) {
        bool is_mode = r < 533;
        m->kind = is_mode ? "mode.armed" : r & 1 ? "zone.open" : "zone.closed";
        m->user = is_mode ? users[chance(COUNT(users))] : NULL;
        (void)snprintf(m->subject, sizeof m->subject, "Status");
        (void)snprintf(m->text, sizeof m->text, is_mode ? "Bereich 1 scharf" : "Zone:%u %s, DC %s", z + 1, zones[z], r & 1 ? "Open" : "Close");
    } else {
        unsigned camera = chance(CAMERAS) + 1;
        bool     is_person = r > 9500;
        m->kind = is_person ? "camera.person" : "camera.motion";
        m->target = is_person ? "person" : NULL;
        m->zone_name = NULL;
        m->has_picture = chance(10) < 6;
        (void)snprintf(m->device, sizeof m->device, "cam%u", camera);
        (void)snprintf(m->subject, sizeof m->subject, "%s: Kamera %u", is_person ? "Person" : "Bewegung", camera);
        (void)snprintf(m->text, sizeof m->text, "Ereignis %" PRId64 " an Kamera %u", i % 100000, camera);
    }
}

static int add_arrival(struct db *d, int64_t i, int64_t ms, const struct made *m, struct err *e)
{
    static const char envelope[] = "{\"listener\":\"smtp\",\"peer\":\"192.168.1.20\",\"helo\":\"xt1\",\"login\":\"\",\"from\":\"xt1@home\",\"to\":[\"alarm@home\"]}";
    char              id[ID_TEXT];
    return db_run(d, e,
                  "INSERT INTO arrivals(seq, id, received_ms, bytes, state, envelope, parser, subject) VALUES(?, ?, ?, ?, 2, ?, ?, ?)",
                  P(i), P(id_make(id, ms)), P(ms), P(m->has_picture ? 60000 : 900), P(envelope),
                  P(m->target ? "camera" : "lupusec"), P(m->subject));
}

static int add_event(struct db *d, int64_t i, int64_t ms, const struct made *m, struct err *e)
{
    char id[ID_TEXT];
    return db_run(d, e,
                  "INSERT INTO events(seq, id, arrival, n, received_ms, parser, kind, restored, severity, device, zone, zone_name, user, text,"
                  " target) VALUES(?1, ?2, ?1, 1, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                  P(i), P(id_make(id, ms)), P(ms), P(m->zone_name ? "lupusec" : "camera"), P(m->kind), P(m->severity), P(m->device),
                  param_if(m->zone_name, m->zone), P(m->zone_name), P(m->user), P(m->text), P(m->target));
}

static int add_picture(struct db *d, int64_t i, struct err *e)
{
    return db_run(d, e,
                  "INSERT INTO media(event, n, type, name, bytes, offset, length, encoding)"
                  " VALUES(?, 1, 'image/jpeg', 'Snap.jpg', 43000, 800, 58000, 1)",
                  P(i));
}

static int add_some(struct db *d, int64_t from, int64_t to, int64_t all, struct err *e)
{
    for (int64_t i = from; i < to; i++) {
        struct made m;
        make(&m, i);
        int64_t ms = end_ms - years_ms + (int64_t)((double)years_ms / (double)all * (double)i);
        if (add_arrival(d, i, ms, &m, e) < 0 || add_event(d, i, ms, &m, e) < 0 || (m.has_picture && add_picture(d, i, e) < 0))
            return -1;
    }
    return 0;
}

static int fill(struct db *d, int64_t all, struct err *e)
{
    int64_t last, left, start_ms = clock_mono_ms();
    if (db_exec(d, "PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; PRAGMA wal_autocheckpoint = 4000;"
                   "INSERT OR IGNORE INTO devices(id, name, last_seen_ms) VALUES('panel', 'Alarmanlage', 0), ('cam1', 'Einfahrt', 0), ('cam2', 'Garten', 0)", e) < 0 ||
        db_number(d, "SELECT max(seq) FROM events", 0, &last, e) < 0)
        return -1;
    int64_t first = last;
    while (last < all) {
        int64_t to = last + PER_TRANSACTION < all ? last + PER_TRANSACTION : all;
        if (db_exec(d, "BEGIN IMMEDIATE", e) < 0 || add_some(d, last + 1, to + 1, all, e) < 0 || schema_fill(d, PER_TRANSACTION, &left, e) < 0 ||
            schema_tidy(d, 2 * PER_TRANSACTION, e) < 0 || db_exec(d, "COMMIT", e) < 0)
            return -1;
        last = to;
    }
    int64_t ms = clock_mono_ms() - start_ms;
    if (last > first)
        printf("filled: %" PRId64 " events with index and tallies in %" PRId64 " s, %.1f us each\n", last - first, ms / 1000, (double)ms * 1000 / (double)(last - first));
    return 0;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

struct asked {
    int     rows;
    int64_t total;
};

static bool on_event(void *user, const struct event_row *row)
{
    struct asked *a = user;
    a->rows += row->seq > 0;
    return true;
}

static void on_count(void *user, const struct stats_row *row)
{
    struct asked *a = user;
    a->rows++;
    a->total += row->count;
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* A page of 50 of the list, a count, or a statement: what is set. */
struct question {
    const char         *name;
    struct event_filter filter;
    int64_t             cursor;
    const char         *sql;
    enum stats_by       by;
    bool                is_count;
};

static int ask_once(struct store_reader *r, const struct question *q, struct asked *a, bool *more_out, struct err *e)
{
    *a = (struct asked){ 0 };
    if (q->is_count)
        return stats_count(r, &q->filter, q->by, on_count, a, e);
    if (!q->sql) {
        struct page page = { .cursor = q->cursor, .limit = 50 };
        int         failed = query_events(r, &q->filter, &page, on_event, a, e);
        *more_out = page.next != 0;
        return failed;
    }
    CLEANUP(stmt_done) struct stmt *s = db_prepare(reader_db(r), q->sql, e);
    int found = s ? 1 : -1;
    while (found > 0 && (found = stmt_step(s, e)) > 0)
        a->rows++;
    return found;
}

/* The first is with what the reader's small cache lacks; the others' middle. What takes long is asked once. */
static int ask(struct store_reader *r, const struct question *q, struct err *e)
{
    double       took[ROUNDS];
    struct asked a = { 0 };
    bool         has_more = false;
    int          n = 0;
    do {
        double start = now_ms();
        if (ask_once(r, q, &a, &has_more, e) < 0)
            return err_prefix(e, "%s", q->name);
        took[n++] = now_ms() - start;
    } while (n < ROUNDS && took[0] < 1000);
    double first = took[0];
    qsort(took, (size_t)n, sizeof took[0], by_time);
    printf("%-62s %9.2f %9.2f  %d rows%s", q->name, first, took[n / 2], a.rows, has_more && a.rows < 50 ? ", page ended by time" : "");
    printf(q->is_count ? ", %" PRId64 " events\n" : "\n", a.total);
    return 0;
}

#define ALL_WITH(...) { .zone = ZONE_NONE, .severity = -1, __VA_ARGS__ }
#define YEAR .since_ms = end_ms - INT64_C(31557600000), .until_ms = end_ms

static int ask_all(struct store_reader *r, int64_t events, struct err *e)
{
    char           offset[200], deep[60];
    int64_t        skipped = events > 600000 ? 500000 : events / 2;
    (void)snprintf(offset, sizeof offset, "SELECT * FROM events ORDER BY seq DESC LIMIT 50 OFFSET %" PRId64, skipped);
    (void)snprintf(deep, sizeof deep, "page %" PRId64 " by cursor", skipped / 50);
    const struct question questions[] = {
        { .name = "first page", .filter = ALL_WITH(.id = NULL) },
        { .name = deep, .filter = ALL_WITH(.id = NULL), .cursor = events - skipped },
        { .name = "kind=zone.open text=haustür", .filter = ALL_WITH(.kind = "zone.open", .text = "haustür") },
        { .name = "device=panel text=batter* schwach", .filter = ALL_WITH(.device = "panel", .text = "batter* schwach") },
        { .name = "text=\"ost 1\" severity=alarm", .filter = { .zone = ZONE_NONE, .severity = 2, .text = "\"ost 1\"" } },
        { .name = "kind=alarm.tamper device=cam3 (there are none)", .filter = ALL_WITH(.kind = "alarm.tamper", .device = "cam3") },
        { .name = "severity=alarm kind=camera.motion (none)", .filter = { .zone = ZONE_NONE, .severity = 2, .kind = "camera.motion" } },
        { .name = "text=erei* (7 of 10 events), person", .filter = ALL_WITH(.text = "erei*", .person = MARK_YES) },
        { .name = "text=12* (a thousand words)", .filter = ALL_WITH(.text = "12*") },
        { .name = "text=kaffee (none)", .filter = ALL_WITH(.text = "kaffee") },
        { .name = "text=garten (a device's name) kind=camera.person", .filter = ALL_WITH(.text = "garten", .kind = "camera.person") },
        { .name = "user=jörg, five years ago", .filter = ALL_WITH(.user = "Jörg", .until_ms = end_ms - years_ms / 2) },
        { .name = "has_picture, one day nine years ago", .filter = ALL_WITH(.picture = MARK_YES, .since_ms = end_ms - years_ms / 10 * 9, .until_ms = end_ms - years_ms / 10 * 9 + 86400000) },
        { .name = "alarms nobody acknowledged", .filter = { .zone = ZONE_NONE, .severity = 2, .acknowledged = MARK_NO } },
        { .name = "kept (none)", .filter = ALL_WITH(.kept = MARK_YES) },
        { .name = "stats of a year by day", .filter = ALL_WITH(YEAR), .is_count = true, .by = STATS_DAY },
        { .name = "stats of a year by hour", .filter = ALL_WITH(YEAR), .is_count = true, .by = STATS_HOUR },
        { .name = "stats of a year by kind", .filter = ALL_WITH(YEAR), .is_count = true, .by = STATS_KIND },
        { .name = "stats of a year by day, kind=alarm.*", .filter = ALL_WITH(YEAR, .kind = "alarm.*"), .is_count = true, .by = STATS_DAY },
        { .name = "stats of a year by day, text=batterie", .filter = ALL_WITH(YEAR, .text = "batterie"), .is_count = true, .by = STATS_DAY },
        { .name = "against: LIMIT 50 OFFSET as deep", .sql = offset },
        { .name = "against: count(*) of all, as a page with numbers asks", .sql = "SELECT count(*) FROM events" },
        { .name = "against: kind = and text LIKE '%haustür%'", .sql = "SELECT * FROM events WHERE kind = 'zone.open' AND text LIKE '%haustür%' ORDER BY seq DESC LIMIT 50" },
        { .name = "against: LIKE '%kaffee%' (none)", .sql = "SELECT * FROM events WHERE text LIKE '%kaffee%' ORDER BY seq DESC LIMIT 50" },
        { .name = "against: a year by day from the rows", .sql = "SELECT date(received_ms / 1000, 'unixepoch', 'localtime'), count(*) FROM events WHERE received_ms >= 1763442400000 GROUP BY 1" },
    };
    printf("%" PRId64 " events%44s %9s %9s\n", events, "ms:", "first", "median");
    for (size_t i = 0; i < COUNT(questions); i++)
        if (ask(r, &questions[i], e) < 0)
            return -1;
    return 0;
}

static int ask_folder(const char *folder, struct err *e)
{
    struct store *s = NULL;
    int64_t       events = 0, bytes = 0;
    if (clock_use_zone("Europe/Vienna") < 0 || store_open(&(struct store_options){ .folder = folder }, &s, e) < 0)
        return -1;
    struct store_reader *r = NULL;
    int failed = store_reader_open(s, &r, e);
    if (!failed)
        failed = db_number(reader_db(r), "SELECT max(seq) FROM events", 0, &events, e);
    if (!failed)
        failed = db_number(reader_db(r), "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", 0, &bytes, e);
    if (!failed)
        failed = ask_all(r, events, e);
    if (!failed)
        printf("%" PRId64 " bytes on disk for an event, its arrival's row, index and tallies\n", bytes / events);
    store_reader_close(&r);
    store_close(&s);
    return failed;
}

static int fill_folder(const char *folder, int64_t all, struct err *e)
{
    CLEANUP(db_close) struct db *d = NULL;
    struct store                *s = NULL;
    char                         path[600];
    if (store_open(&(struct store_options){ .folder = folder }, &s, e) < 0) /* makes it */
        return -1;
    store_close(&s);
    (void)snprintf(path, sizeof path, "%s/postern.db", folder);
    return db_open(path, DB_WRITER, &d, e) < 0 ? -1 : fill(d, all, e);
}

int main(int argc, char **argv)
{
    struct err e = { .text = "usage: history FOLDER fill N | ask" };
    int        failed = -1;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 4 && strcmp(argv[2], "fill") == 0)
        failed = fill_folder(argv[1], strtoll(argv[3], NULL, 10), &e);
    else if (argc == 3 && strcmp(argv[2], "ask") == 0)
        failed = ask_folder(argv[1], &e);
    if (failed)
        fprintf(stderr, "history: %s\n", e.text);
    return failed ? 1 : 0;
}

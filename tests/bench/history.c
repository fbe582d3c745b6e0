/* history FOLDER fill N | ask: a long history for make bench-history. fill brings the folder to N events of ten years, as a house with one
 * panel and twelve cameras would have them (cut off, it goes on); ask times the questions against it, and the same ones by LIMIT/OFFSET
 * and LIKE, as a page that knows no cursor and no index asks them. A table on stdout. */
#include "core/clock.h"
#include "store/db.h"
#include "store/query.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    CLEANUP(stmt_done) struct stmt *s = db_stmt(d, "INSERT INTO arrivals(seq, id, received_ms, bytes, state, envelope, parser, subject) VALUES(?, ?, ?, ?, 2, ?, ?, ?)", e);
    if (!s)
        return -1;
    bind_int(s, 1, i);
    bind_text(s, 2, id_make(id, ms));
    bind_int(s, 3, ms);
    bind_int(s, 4, m->has_picture ? 60000 : 900);
    bind_text(s, 5, envelope);
    bind_text(s, 6, m->target ? "camera" : "lupusec");
    bind_text(s, 7, m->subject);
    return stmt_run(s, e);
}

static int add_event(struct db *d, int64_t i, int64_t ms, const struct made *m, struct err *e)
{
    char id[ID_TEXT];
    CLEANUP(stmt_done)
    struct stmt *s = db_stmt(d, "INSERT INTO events(seq, id, arrival, n, received_ms, parser, kind, restored, severity, device, zone, zone_name, user, text, target)"
                                " VALUES(?1, ?2, ?1, 1, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9, ?10, ?11, ?12)", e);
    if (!s)
        return -1;
    bind_int(s, 1, i);
    bind_text(s, 2, id_make(id, ms));
    bind_int(s, 3, ms);
    bind_text(s, 4, m->zone_name ? "lupusec" : "camera");
    bind_text(s, 5, m->kind);
    bind_int(s, 6, m->severity);
    bind_text(s, 7, m->device);
    if (m->zone_name)
        bind_int(s, 8, m->zone);
    bind_text(s, 9, m->zone_name);
    bind_text(s, 10, m->user);
    bind_text(s, 11, m->text);
    bind_text(s, 12, m->target);
    return stmt_run(s, e);
}

static int add_picture(struct db *d, int64_t i, struct err *e)
{
    CLEANUP(stmt_done)
    struct stmt *s = db_stmt(d, "INSERT INTO media(event, n, type, name, bytes, offset, length, encoding) VALUES(?, 1, 'image/jpeg', 'Snap.jpg', 43000, 800, 58000, 1)", e);
    if (!s)
        return -1;
    bind_int(s, 1, i);
    return stmt_run(s, e);
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
    int64_t last, start_ms = clock_mono_ms();
    if (db_exec(d, "PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; PRAGMA wal_autocheckpoint = 4000;"
                   "INSERT OR IGNORE INTO devices(id, name, last_seen_ms) VALUES('panel', 'Alarmanlage', 0), ('cam1', 'Einfahrt', 0), ('cam2', 'Garten', 0)", e) < 0 ||
        db_number(d, "SELECT max(seq) FROM events", 0, &last, e) < 0)
        return -1;
    int64_t first = last;
    while (last < all) {
        int64_t to = last + PER_TRANSACTION < all ? last + PER_TRANSACTION : all;
        if (db_exec(d, "BEGIN IMMEDIATE", e) < 0 || add_some(d, last + 1, to + 1, all, e) < 0 || db_exec(d, "COMMIT", e) < 0)
            return -1;
        last = to;
    }
    int64_t ms = clock_mono_ms() - start_ms;
    if (last > first)
        printf("filled: %" PRId64 " events with index and tallies in %" PRId64 " s, %.1f us each\n", last - first, ms / 1000, (double)ms * 1000 / (double)(last - first));
    return 0;
}

int main(int argc, char **argv)
{
    struct err       e = { 0 };
    CLEANUP(db_close) struct db *d = NULL;
    struct store    *s = NULL;
    char             path[600];
    if (argc < 3 || store_open(&(struct store_options){ .folder = argv[1] }, &s, &e) < 0)
        return fprintf(stderr, "%s\n", e.text), 1;
    store_close(&s);
    (void)snprintf(path, sizeof path, "%s/postern.db", argv[1]);
    if (db_open(path, DB_WRITER, &d, &e) < 0 || fill(d, atoll(argv[3]), &e) < 0)
        return fprintf(stderr, "%s\n", e.text), 1;
    return 0;
}

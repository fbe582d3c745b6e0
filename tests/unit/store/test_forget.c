/* What goes by age, number and bytes, and what of it stays: pictures cut out of mails, events with all that is theirs. */
#include "core/clock.h"
#include "core/sha256.h"
#include "store/doomed.h"
#include "store/forget.h"
#include "store/notes.h"
#include "store/query.h"
#include "store/retention.h"
#include "store/retention_rules.h"
#include "tests/unit/store/temp.h"
#include <fcntl.h>

static const int64_t day = 86400000;

#define HEAD "Subject: garden\r\n\r\nsomebody is there\r\n--x\r\n"
#define PICTURE "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
#define TAIL "\r\n--x--\r\n"
static const char mail[] = HEAD PICTURE TAIL;

struct row {
    int           days_ago;
    const char   *kind;
    enum severity severity;
    bool          has_picture, is_large, is_kept, is_owed, is_brought;
    bool          stays;
};

struct making {
    const struct row *row;
    int64_t           arrival, received_ms;
};

static int exec(struct store_tx *tx, const char *sql, int64_t n, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s = db_prepare(tx_db(tx), sql, e);
    if (!s)
        return -1;
    stmt_bind(s, 1, P(n));
    return stmt_run(s, e);
}

static int make(struct store_tx *tx, void *user, struct err *e)
{
    const struct making *m = user;
    const struct row    *r = m->row;
    const struct event_origin origin = { .parser = "test", .received_ms = m->received_ms };
    const struct media picture = { .n = 1, .type = "image/jpeg", .name = "", .bytes = 26, .offset = (int64_t)strlen(HEAD),
                                   .length = (int64_t)strlen(PICTURE), .encoding = ENCODING_BASE64 };
    struct event ev = { .kind = r->kind, .severity = r->severity, .device_id = "gate", .zone_number = ZONE_NONE, .text = "somebody is there",
                        .media = &picture, .media_count = r->has_picture };
    struct events list = { .items = &ev, .count = 1 };
    int64_t seq;
    bool    is_new;
    if (tx_events(tx, m->arrival, &origin, &list, &seq, &is_new, e) < 0 ||
        tx_arrival_state(tx, m->arrival, ARRIVAL_UNDERSTOOD, "test", "garden", e) < 0)
        return -1;
    if (r->is_kept && exec(tx, "UPDATE events SET kept = 1 WHERE seq = ?", seq, e) < 0)
        return -1;
    if (r->is_brought && exec(tx, "UPDATE arrivals SET source = 'eml' WHERE seq = ?", m->arrival, e) < 0)
        return -1;
    if (exec(tx, "INSERT INTO messages(id, account, provider, address, severity, state, attempts, text, created_ms, due_run_ms)"
                 " VALUES(?1, 'a', 'log', '', 0, 2, 1, 'somebody is there', 0, 0)", seq, e) < 0)
        return -1;
    const char *owed = r->is_owed ? "INSERT INTO deliveries(id, event, recipient, severity, state, created_ms, created_run_ms, due_run_ms)"
                                    " VALUES(?1, ?1, 'anna', 0, 0, 0, 0, 0)"
                                  : "INSERT INTO deliveries(id, event, recipient, severity, state, created_ms, created_run_ms, due_run_ms, message)"
                                    " VALUES(?1, ?1, 'anna', 0, 2, 0, 0, 0, ?1)";
    return exec(tx, owed, seq, e);
}

static void make_all(struct temp *t, const struct row *rows, size_t count, int64_t now)
{
    struct err e = { 0 };
    for (size_t i = 0; i < count; i++) {
        struct making m = { .row = &rows[i], .received_ms = now - rows[i].days_ago * day };
        m.arrival = rows[i].is_large ? temp_keep_large(t, m.received_ms, mail, NULL) : temp_keep(t, m.received_ms, mail);
        if (temp_do(t, STORE_EVENT, make, &m, &e) < 0)
            fail_msg("%s", e.text);
    }
}

static void run(struct temp *t, const struct keep_rule *rules, size_t count)
{
    struct db   *db = NULL;
    struct err   e = { 0 };
    struct doubt doubt;
    keeper_stop(t->store->keeper);
    retention_rules_free(&t->store->rules);
    t->store->rules = retention_rules_new(rules, count);
    t->store->options.keep_raw_days = 36500;
    t->store->options.max_bytes = INT64_MAX;
    assert_int_equal(db_open(t->store->database, DB_CHECKPOINT, &db, &e), 0);
    doubt_init(&doubt, clock_wall_ms(), clock_mono_ms(), clock_wall_ms());
    int runs = 0;
    while (retention_run(t->store, db, &doubt)) /* each is short */
        assert_true(++runs < 1000);
    db_close(&db);
}

static void assert_events(struct temp *t, const struct row *rows, size_t count)
{
    char sql[160];
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM events WHERE seq = %zu", i + 1);
        if (temp_number(t, sql) != rows[i].stays)
            fail_msg("event %zu should %s", i + 1, rows[i].stays ? "stay" : "go");
        (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM arrivals WHERE seq = %zu", i + 1);
        assert_int_equal(temp_number(t, sql), rows[i].stays);
    }
}

/* Nothing is left of events that are gone. */
static void assert_whole(struct temp *t)
{
    static const char *const orphans[] = {
        "SELECT count(*) FROM media WHERE event NOT IN (SELECT seq FROM events)",
        "SELECT count(*) FROM deliveries WHERE event NOT IN (SELECT seq FROM events)",
        "SELECT count(*) FROM messages WHERE seq NOT IN (SELECT seq FROM events)",
        "SELECT count(*) FROM bodies WHERE arrival NOT IN (SELECT seq FROM arrivals)",
        "SELECT count(*) FROM arrivals WHERE seq NOT IN (SELECT arrival FROM events)",
        "SELECT (SELECT count(*) FROM events) - (SELECT total(n) FROM tallies)",
        "SELECT (SELECT count(*) FROM events) - (SELECT total(n) FROM hours)",
        "SELECT count(*) FROM meta WHERE key GLOB 'doomed/*'",
    };
    for (size_t i = 0; i < COUNT(orphans); i++)
        if (temp_number(t, orphans[i]) != 0)
            fail_msg("%s", orphans[i]);
}

static const struct keep_rule usual[] = {
    { .what = KEEP_EVENTS, .severity = -1, .kind = "camera.*", .days = 10 },
    { .what = KEEP_EVENTS, .severity = SEVERITY_INFO, .days = 90 },
    { .what = KEEP_EVENTS, .severity = SEVERITY_WARNING, .days = 730 },
    { .what = KEEP_EVENTS, .severity = SEVERITY_ALARM, .days = 730 },
    { .what = KEEP_PICTURES, .severity = -1, .days = 30 },
};

static void test_old_events_go_by_kind_then_by_severity(void **state)
{
    static const struct row rows[] = {
        { 800, "alarm.tamper", SEVERITY_ALARM, .is_large = true, .stays = false },
        { 800, "alarm.tamper", SEVERITY_ALARM, .is_kept = true, .stays = true },
        { 800, "alarm.tamper", SEVERITY_ALARM, .is_owed = true, .stays = true },
        { 800, "mode.armed", SEVERITY_INFO, .is_brought = true, .stays = true },
        { 700, "alarm.tamper", SEVERITY_ALARM, .stays = true },
        { 100, "mode.armed", SEVERITY_INFO, .stays = false },
        { 100, "unknown", SEVERITY_WARNING, .stays = true },
        { 11, "camera.motion", SEVERITY_INFO, .stays = false },
        { 11, "camera.tamper", SEVERITY_WARNING, .stays = false },
        { 9, "camera.motion", SEVERITY_INFO, .stays = true },
        { 80, "mode.armed", SEVERITY_INFO, .stays = true }, /* it came late: older than those before it */
        { 0, "mode.armed", SEVERITY_INFO, .stays = true },
    };
    struct temp *t = *state;
    make_all(t, rows, COUNT(rows), clock_wall_ms());
    run(t, usual, COUNT(usual));
    assert_events(t, rows, COUNT(rows));
    assert_whole(t);
}

static void test_the_newest_of_a_number_stay_and_what_is_kept_beside_them(void **state)
{
    static const struct row rows[] = {
        { 9, "mode.armed", SEVERITY_INFO, .is_kept = true, .stays = true }, { 8, "mode.armed", SEVERITY_INFO, .stays = false },
        { 7, "alarm.tamper", SEVERITY_ALARM, .stays = true },               { 6, "mode.armed", SEVERITY_INFO, .stays = false },
        { 5, "mode.armed", SEVERITY_INFO, .stays = true },                  { 4, "mode.armed", SEVERITY_INFO, .stays = true },
    };
    static const struct keep_rule rules[] = { { .what = KEEP_EVENTS, .severity = SEVERITY_INFO, .count = 3 } };
    struct temp *t = *state;
    make_all(t, rows, COUNT(rows), clock_wall_ms());
    run(t, rules, COUNT(rules));
    assert_events(t, rows, COUNT(rows));
    assert_whole(t);
}

static void test_below_the_floor_infos_go_of_whatever_kind_and_nothing_else(void **state)
{
    static const struct row rows[] = {
        { 3, "camera.motion", SEVERITY_INFO, .stays = false },    { 2, "mode.armed", SEVERITY_INFO, .stays = false },
        { 2, "camera.tamper", SEVERITY_WARNING, .stays = true },  { 1, "alarm.tamper", SEVERITY_ALARM, .stays = true },
        { 1, "mode.armed", SEVERITY_INFO, .is_kept = true, .stays = true },
    };
    struct temp *t = *state;
    struct db   *db = NULL;
    struct err   e = { 0 };
    make_all(t, rows, COUNT(rows), clock_wall_ms());
    run(t, usual, COUNT(usual));
    assert_int_equal(db_open(t->store->database, DB_CHECKPOINT, &db, &e), 0);
    for (int i = 0; i < 10; i++) /* each is short */
        retention_rules_oldest_infos(t->store, db);
    db_close(&db);
    assert_events(t, rows, COUNT(rows));
    assert_whole(t);
}

/* More than a step forgets at once. */
static void test_what_takes_many_steps_leaves_exactly_the_newest(void **state)
{
    enum { ALL = 120, LEFT = 7 };
    static struct row rows[ALL];
    static const struct keep_rule rules[] = { { .what = KEEP_EVENTS, .severity = SEVERITY_INFO, .count = LEFT } };
    struct temp *t = *state;
    for (int i = 0; i < ALL; i++)
        rows[i] = (struct row){ 1, "mode.armed", SEVERITY_INFO, .stays = i >= ALL - LEFT };
    make_all(t, rows, ALL, clock_wall_ms());
    run(t, rules, COUNT(rules));
    assert_events(t, rows, ALL);
    assert_whole(t);
}

static void test_the_newest_of_so_many_bytes_stay(void **state)
{
    static const struct row rows[] = {
        { 9, "mode.armed", SEVERITY_INFO, .stays = false },
        { 8, "mode.armed", SEVERITY_INFO, .is_large = true, .stays = false },
        { 7, "mode.armed", SEVERITY_INFO, .is_large = true, .stays = true },
        { 6, "mode.armed", SEVERITY_INFO, .stays = true },
    };
    static const struct keep_rule rules[] = { { .what = KEEP_EVENTS, .severity = SEVERITY_INFO, .bytes = 2 * (sizeof mail - 1) } };
    struct temp *t = *state;
    make_all(t, rows, COUNT(rows), clock_wall_ms());
    run(t, rules, COUNT(rules));
    assert_events(t, rows, COUNT(rows));
    assert_whole(t);
}

static int note_archived(struct store_tx *tx, void *user, struct err *e)
{
    return tx_note(tx, "archive.seq", user, e);
}

static void test_what_the_archive_does_not_have_stays_as_long_as_there_is_one(void **state)
{
    static const struct row rows[] = {
        { 100, "mode.armed", SEVERITY_INFO, .stays = false },
        { 100, "mode.armed", SEVERITY_INFO, .stays = true },
    }, gone[] = { { .stays = false }, { .stays = false } };
    struct temp *t = *state;
    struct err   e = { 0 };
    make_all(t, rows, COUNT(rows), clock_wall_ms());
    assert_int_equal(temp_do(t, STORE_LATER, note_archived, (char[]){ "1" }, &e), 0);
    t->store->options.has_archive = true;
    run(t, usual, COUNT(usual));
    assert_events(t, rows, COUNT(rows));
    t->store->options.has_archive = false; /* it is no longer named in the settings */
    run(t, usual, COUNT(usual));
    assert_events(t, gone, COUNT(gone));
    assert_whole(t);
}

/* --- pictures ------------------------------------------------------------------------------------------------------ */

static void read_raw(struct temp *t, int64_t seq, char *out, size_t size)
{
    struct store_reader *r = NULL;
    struct err           e = { 0 };
    int                  fd = -1;
    if (store_reader_open(t->store, &r, &e) < 0 || store_open_raw(r, seq, &fd, &e) < 0)
        fail_msg("%s", e.text);
    ssize_t n = read(fd, out, size - 1);
    assert_true(n >= 0);
    out[n] = '\0';
    (void)close(fd);
    store_reader_close(&r);
}

static void test_old_pictures_are_cut_out_and_the_rest_of_the_mail_stays(void **state)
{
    static const struct row rows[] = {
        { 40, "camera.person", SEVERITY_ALARM, .has_picture = true, .stays = false },
        { 40, "camera.person", SEVERITY_ALARM, .has_picture = true, .is_large = true, .stays = false },
        { 40, "camera.person", SEVERITY_ALARM, .has_picture = true, .is_large = true, .is_kept = true, .stays = true },
        { 40, "camera.person", SEVERITY_ALARM, .has_picture = true, .is_owed = true, .stays = true },
        { 40, "camera.person", SEVERITY_ALARM, .stays = true },
        { 20, "camera.person", SEVERITY_ALARM, .has_picture = true, .is_large = true, .stays = true },
    };
    struct temp *t = *state;
    char         raw[512], cut[512], sql[200];
    make_all(t, rows, COUNT(rows), clock_wall_ms());
    run(t, &usual[4], 1);
    (void)snprintf(cut, sizeof cut, HEAD FORGET_MARK TAIL, (long long)strlen(PICTURE));
    for (size_t i = 0; i < COUNT(rows); i++) {
        read_raw(t, (int64_t)i + 1, raw, sizeof raw);
        assert_string_equal(raw, rows[i].stays ? mail : cut);
        (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM media WHERE event = %zu AND forgotten_ms IS NOT NULL", i + 1);
        assert_int_equal(temp_number(t, sql), !rows[i].stays);
    }
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM arrivals WHERE bytes = %zu AND length(hash) = 32", strlen(cut));
    assert_int_equal(temp_number(t, sql), 2);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM audit WHERE what = 'arrival.cut' AND detail LIKE '%\"sha256\":\"%'"), 2);
    struct forgotten f;
    struct err       e = { 0 };
    assert_int_equal(forgotten_take(t->store, &f, &e), 0);
    assert_int_equal(f.pictures, 2);
    assert_int_equal(f.bytes, 2 * ((int64_t)sizeof mail - 1 - (int64_t)strlen(cut)));
    assert_whole(t);
}

static void test_the_new_hash_is_that_of_what_is_kept(void **state)
{
    static const struct row rows[] = { { 40, "camera.person", SEVERITY_ALARM, .has_picture = true } };
    struct temp *t = *state;
    char         raw[512], sql[200];
    unsigned char hash[SHA256_BYTES];
    make_all(t, rows, 1, clock_wall_ms());
    run(t, &usual[4], 1);
    read_raw(t, 1, raw, sizeof raw);
    assert_int_equal(sha256(raw, strlen(raw), hash), 0);
    size_t n = (size_t)snprintf(sql, sizeof sql, "SELECT count(*) FROM arrivals WHERE hash = x'");
    for (size_t i = 0; i < sizeof hash; i++)
        n += (size_t)snprintf(sql + n, sizeof sql - n, "%02x", hash[i]);
    (void)snprintf(sql + n, sizeof sql - n, "'");
    assert_int_equal(temp_number(t, sql), 1);
}

static int show_more(struct store_tx *tx, void *user, struct err *e)
{
    (void)user;
    return exec(tx, "INSERT INTO media(event, n, type, name, bytes, offset, length, encoding) VALUES(?1, 2, 'image/png', '', 4, 9, 6, 0)", 1, e);
}

/* Its text alone is large, so the rest is a file again; a better parser then finds another picture. */
static void test_a_mail_may_be_cut_twice(void **state)
{
    enum { TEXT = 80000 };
    static const struct row row = { 40, "camera.person", SEVERITY_ALARM, .has_picture = true, .is_large = true };
    static char      large[sizeof mail + TEXT], expected[sizeof large + 200], raw[sizeof expected];
    struct temp     *t = *state;
    struct err       e = { 0 };
    struct making    m = { .row = &row, .received_ms = clock_wall_ms() - row.days_ago * day };
    memcpy(large, mail, sizeof mail - 1);
    memset(large + sizeof mail - 1, 'x', TEXT);
    m.arrival = temp_keep_large(t, m.received_ms, large, NULL);
    assert_int_equal(temp_do(t, STORE_EVENT, make, &m, &e), 0);
    for (int i = 0; i < 2; i++)
        run(t, &usual[4], 1);
    assert_int_equal(temp_do(t, STORE_EVENT, show_more, NULL, &e), 0);
    run(t, &usual[4], 1);
    (void)snprintf(expected, sizeof expected, "Subject: " FORGET_MARK "%.*s" FORGET_MARK TAIL "%s", 6LL, (int)(strlen(HEAD) - 15), &HEAD[15],
                   (long long)strlen(PICTURE), large + sizeof mail - 1);
    read_raw(t, 1, raw, sizeof raw);
    assert_string_equal(raw, expected);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM arrivals WHERE file LIKE '%.cu2.eml'"), 1);
    assert_whole(t);
}

static int read_again(struct store_tx *tx, void *user, struct err *e)
{
    static const struct row bare = { .kind = "camera.vehicle", .severity = SEVERITY_INFO };
    const struct event_origin origin = { .parser = "better" };
    struct event ev = { .kind = bare.kind, .severity = bare.severity, .zone_number = ZONE_NONE };
    struct events list = { .items = &ev, .count = 1 };
    int64_t seq;
    bool    is_new;
    return tx_events(tx, *(int64_t *)user, &origin, &list, &seq, &is_new, e);
}

static void test_reading_a_cut_mail_again_leaves_its_media_rows(void **state)
{
    static const struct row rows[] = { { 40, "camera.person", SEVERITY_ALARM, .has_picture = true } };
    struct temp *t = *state;
    struct err   e = { 0 };
    make_all(t, rows, 1, clock_wall_ms());
    run(t, &usual[4], 1);
    assert_int_equal(temp_do(t, STORE_EVENT, read_again, &(int64_t){ 1 }, &e), 0);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM media WHERE forgotten_ms IS NOT NULL"), 1);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM events WHERE kind = 'camera.vehicle'"), 1);
}

static void test_what_was_forgotten_is_counted_until_it_is_told(void **state)
{
    static const struct row rows[] = { { 800, "alarm.tamper", SEVERITY_ALARM }, { 800, "alarm.tamper", SEVERITY_ALARM } };
    struct temp     *t = *state;
    struct forgotten f;
    struct err       e = { 0 };
    make_all(t, rows, COUNT(rows), clock_wall_ms());
    run(t, usual, COUNT(usual));
    assert_int_equal(forgotten_take(t->store, &f, &e), 0);
    assert_int_equal(f.events, 2);
    assert_int_equal(f.mails, 2);
    assert_int_equal(f.bytes, 2 * (int64_t)(sizeof mail - 1));
    assert_int_equal(forgotten_take(t->store, &f, &e), 0);
    assert_int_equal(f.events, 0);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, temp_setup, temp_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_old_events_go_by_kind_then_by_severity),
        STORE_TEST(test_the_newest_of_a_number_stay_and_what_is_kept_beside_them),
        STORE_TEST(test_below_the_floor_infos_go_of_whatever_kind_and_nothing_else),
        STORE_TEST(test_what_takes_many_steps_leaves_exactly_the_newest),
        STORE_TEST(test_the_newest_of_so_many_bytes_stay),
        STORE_TEST(test_what_the_archive_does_not_have_stays_as_long_as_there_is_one),
        STORE_TEST(test_old_pictures_are_cut_out_and_the_rest_of_the_mail_stays),
        STORE_TEST(test_the_new_hash_is_that_of_what_is_kept),
        STORE_TEST(test_a_mail_may_be_cut_twice),
        STORE_TEST(test_reading_a_cut_mail_again_leaves_its_media_rows),
        STORE_TEST(test_what_was_forgotten_is_counted_until_it_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

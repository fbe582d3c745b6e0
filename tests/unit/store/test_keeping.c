/* What the keeper does beside the writer: recovery, retention, the reserve, and when it distrusts the clock. */
#include "core/clock.h"
#include "store/retention.h"
#include "tests/unit/store/temp.h"
#include <fcntl.h>

static const int64_t day = 86400000;

static bool is_there(const struct temp *t, const char *file)
{
    char path[192];
    (void)snprintf(path, sizeof path, "%s/%s", t->folder, file);
    return access(path, F_OK) == 0;
}

static void file_of(char out[FILE_TEXT], int64_t received_ms, const char *id)
{
    char name[DAY_TEXT];
    day_of(name, received_ms);
    (void)snprintf(out, FILE_TEXT, "arrivals/%s/%s.eml", name, id);
}

/* The keeper's connection, without the keeper: the test does its chores when it likes. */
static struct db *own_connection(struct temp *t)
{
    keeper_stop(t->store->keeper);
    struct db *db = NULL;
    struct err e = { 0 };
    assert_int_equal(db_open(t->store->database, DB_CHECKPOINT, &db, &e), 0);
    return db;
}

/* --- recovery ---------------------------------------------------------------------------------------------------- */

static int64_t missing[8];
static int missing_count;

static void note_missing(void *user, int64_t seq)
{
    (void)user;
    missing[missing_count++ % 8] = seq;
}

static void test_a_file_without_a_row_goes_and_others_stay(void **state)
{
    static const int ago[] = { 0, 1 };
    struct temp *t = *state;
    struct db *db = own_connection(t);
    for (size_t i = 0; i < COUNT(ago); i++) {
        int64_t at = clock_wall_ms() - ago[i] * day;
        char orphan[ID_TEXT], kept[ID_TEXT], file[FILE_TEXT];
        struct spool *f = temp_spool(t, id_make(orphan, at), at, "never acknowledged");
        spool_kept(&f); /* forgotten by this process, as after a restart */
        (void)temp_keep_large(t, at, "acknowledged", kept);
        struct spool *on_its_way = temp_spool(t, "01ARZ3NDEKTSV4RRFFQ69G5FAV", at, "not yet acknowledged");
        recover(t->store, db);
        file_of(file, at, orphan);
        assert_false(is_there(t, file));
        file_of(file, at, kept);
        assert_true(is_there(t, file));
        file_of(file, at, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
        assert_true(is_there(t, file));
        spool_abandon(&on_its_way);
    }
    db_close(&db);
}

static void test_the_day_of_the_last_arrival_is_looked_through_however_long_ago(void **state)
{
    struct temp *t = *state;
    struct db *db = own_connection(t);
    int64_t at = clock_wall_ms() - 100 * day;
    char orphan[ID_TEXT], file[FILE_TEXT];
    struct spool *f = temp_spool(t, id_make(orphan, at), at, "never acknowledged");
    spool_kept(&f);
    (void)temp_keep(t, at, "the last before the gateway was off for long");
    recover(t->store, db);
    file_of(file, at, orphan);
    assert_false(is_there(t, file));
    db_close(&db);
}

static void test_foreign_files_are_left_alone(void **state)
{
    struct temp *t = *state;
    struct db *db = own_connection(t);
    char name[DAY_TEXT], path[192];
    struct err e = { 0 };
    day_of(name, clock_wall_ms());
    assert_int_equal(day_make(t->store, name, &e), 0);
    (void)snprintf(path, sizeof path, "%s/arrivals/%s/notes.txt", t->folder, name);
    (void)close(open(path, O_CREAT | O_WRONLY, 0600));
    recover(t->store, db);
    assert_int_equal(access(path, F_OK), 0);
    db_close(&db);
}

static int understand(struct store_tx *tx, void *user, struct err *e)
{
    return tx_arrival_state(tx, *(int64_t *)user, ARRIVAL_UNDERSTOOD, "plain", "", e);
}

static void test_a_row_whose_file_is_gone_is_reported_while_it_waits(void **state)
{
    struct temp *t = *state;
    struct db *db = own_connection(t);
    struct err e = { 0 };
    int64_t at = clock_wall_ms();
    char gone[ID_TEXT], read[ID_TEXT], file[FILE_TEXT];
    int64_t gone_seq = temp_keep_large(t, at, "gone", gone), read_seq = temp_keep_large(t, at, "gone, but understood", read);
    (void)temp_keep_large(t, at, "there", NULL);
    assert_int_equal(temp_do(t, STORE_EVENT, understand, &read_seq, &e), 0);
    file_of(file, at, gone);
    assert_int_equal(unlinkat(t->store->folder_fd, file, 0), 0);
    file_of(file, at, read);
    assert_int_equal(unlinkat(t->store->folder_fd, file, 0), 0);
    missing_count = 0;
    t->store->options.raw_is_missing = note_missing;
    recover(t->store, db);
    assert_int_equal(missing_count, 1);
    assert_int_equal(missing[0], gone_seq);
    db_close(&db);
}

/* --- retention --------------------------------------------------------------------------------------------------- */

struct meaning {
    int64_t arrival;
    enum severity severity;
    int delivery_state; /* -1: nobody is told */
};

static int mean(struct store_tx *tx, void *user, struct err *e)
{
    const struct meaning *m = user;
    const struct event_origin origin = { .parser = "test" };
    struct event ev = { .kind = "test", .severity = m->severity, .zone_number = ZONE_NONE };
    struct events list = { .items = &ev, .count = 1 };
    int64_t seq;
    bool is_new;
    if (tx_events(tx, m->arrival, &origin, &list, &seq, &is_new, e) < 0 ||
        tx_arrival_state(tx, m->arrival, ARRIVAL_UNDERSTOOD, "test", "", e) < 0)
        return -1;
    if (m->delivery_state < 0)
        return 0;
    return db_run(tx_db(tx), e,
                  "INSERT INTO deliveries(id, event, recipient, severity, state, created_ms, created_run_ms, due_run_ms)"
                  " VALUES(?1, ?1, 'anna', 0, ?2, 0, 0, 0)",
                  P(seq), P(m->delivery_state));
}

static const char large_text[] = "a picture";

/* One row of a retention table: an arrival, and whether its raw bytes are still there afterwards. */
struct old {
    int days_ago;
    bool is_large, is_understood;
    enum severity severity;
    int delivery_state;
    bool stays;
};

static void make_old(struct temp *t, const struct old *rows, size_t count, int64_t now)
{
    struct err e = { 0 };
    for (size_t i = 0; i < count; i++) {
        int64_t at = now - rows[i].days_ago * day - (int64_t)(count - i) * 1000;
        int64_t seq = rows[i].is_large ? temp_keep_large(t, at, large_text, NULL) : temp_keep(t, at, "a text");
        if (rows[i].is_understood)
            assert_int_equal(
                temp_do(t, STORE_EVENT, mean, &(struct meaning){ seq, rows[i].severity, rows[i].delivery_state }, &e), 0);
    }
}

static void assert_stays(struct temp *t, const struct old *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char sql[128];
        (void)snprintf(sql, sizeof sql, "SELECT file IS NOT NULL OR raw IS NOT NULL FROM arrivals WHERE seq = %zu", i + 1);
        if (temp_number(t, sql) != rows[i].stays)
            fail_msg("row %zu should %s", i, rows[i].stays ? "stay" : "go");
    }
    assert_int_equal(temp_number(t, "SELECT count(*) FROM arrivals"), count);
}

static void test_old_raw_bytes_go_and_rows_stay(void **state)
{
    static const struct old rows[] = {
        { 31, false, true, SEVERITY_INFO, -1, false }, { 31, true, true, SEVERITY_INFO, 2, false },
        { 31, true, true, SEVERITY_ALARM, 2, false },  { 31, true, true, SEVERITY_ALARM, 0, true },  /* still owed */
        { 31, false, true, SEVERITY_INFO, 1, true },   { 31, true, false, SEVERITY_INFO, -1, true }, /* not understood */
        { 29, false, true, SEVERITY_INFO, -1, true },  { 0, true, true, SEVERITY_INFO, -1, true },
    };
    struct temp *t = *state;
    struct db *db = own_connection(t);
    struct doubt doubt;
    int64_t now = clock_wall_ms();
    char folder[FILE_TEXT] = "arrivals/", name[DAY_TEXT];
    make_old(t, rows, COUNT(rows), now);
    doubt_init(&doubt, now, clock_mono_ms(), now);
    while (retention_run(t->store, db, &doubt))
        ;
    assert_stays(t, rows, COUNT(rows));
    day_of(name, now - 31 * day - 4000);
    (void)strncat(folder, name, sizeof folder - strlen(folder) - 1);
    assert_true(is_there(t, folder)); /* others are still in it */
    db_close(&db);
}

static void test_nothing_goes_by_age_while_the_clock_is_in_doubt(void **state)
{
    static const struct old rows[] = { { 500, false, true, SEVERITY_INFO, -1, true },
                                       { 500, true, true, SEVERITY_INFO, -1, true } };
    struct temp *t = *state;
    struct db *db = own_connection(t);
    struct doubt doubt;
    int64_t now = clock_wall_ms();
    make_old(t, rows, COUNT(rows), now);
    doubt_init(&doubt, now, clock_mono_ms(), now - 500 * day);
    while (retention_run(t->store, db, &doubt))
        ;
    assert_stays(t, rows, COUNT(rows));
    db_close(&db);
}

static void test_the_last_of_an_old_day_takes_its_folder_along(void **state)
{
    static const struct old rows[] = { { 40, true, true, SEVERITY_INFO, -1, false } };
    struct temp *t = *state;
    struct db *db = own_connection(t);
    struct doubt doubt;
    int64_t now = clock_wall_ms();
    char folder[FILE_TEXT] = "arrivals/", name[DAY_TEXT];
    make_old(t, rows, 1, now);
    day_of(name, now - 40 * day - 1000);
    (void)strncat(folder, name, sizeof folder - strlen(folder) - 1);
    assert_true(is_there(t, folder));
    doubt_init(&doubt, now, clock_mono_ms(), now);
    while (retention_run(t->store, db, &doubt))
        ;
    assert_false(is_there(t, folder));
    (void)temp_keep_large(t, now - 40 * day, "such a day can come again", NULL);
    assert_true(is_there(t, folder));
    db_close(&db);
}

static void test_above_the_bound_infos_go_first_and_recent_alarms_never(void **state)
{
    static const struct old rows[] = {
        { 2, true, true, SEVERITY_ALARM, 2, true },    { 3, true, true, SEVERITY_INFO, 2, false },
        { 4, true, true, SEVERITY_WARNING, 2, false }, { 29, false, true, SEVERITY_ALARM, 2, true },
        { 40, true, true, SEVERITY_ALARM, 2, false },  { 1, true, true, SEVERITY_INFO, 0, true },
    };
    struct temp *t = *state;
    struct db *db = own_connection(t);
    struct doubt doubt;
    int64_t now = clock_wall_ms();
    make_old(t, rows, COUNT(rows), now);
    t->store->options.max_bytes = 1;
    t->store->options.keep_raw_days = 1000;
    doubt_init(&doubt, now, clock_mono_ms(), now);
    while (retention_run(t->store, db, &doubt))
        ;
    assert_stays(t, rows, COUNT(rows));
    db_close(&db);
}

static void test_no_more_goes_than_must(void **state)
{
    static const struct old rows[] = {
        { 5, true, true, SEVERITY_WARNING, -1, true },
        { 4, true, true, SEVERITY_INFO, -1, false },
        { 3, true, true, SEVERITY_INFO, -1, true },
    };
    struct temp *t = *state;
    struct db *db = own_connection(t);
    struct doubt doubt;
    struct err e = { 0 };
    int64_t now = clock_wall_ms(), files = 0;
    make_old(t, rows, COUNT(rows), now);
    assert_int_equal(retention_count_files(t->store, db, &e), 0);
    files = atomic_load(&t->store->files_bytes);
    assert_true(files >= 3 * (int64_t)strlen(large_text));
    t->store->options.max_bytes = files + temp_number(t, "PRAGMA page_count") * 4096 - 1;
    doubt_init(&doubt, now, clock_mono_ms(), now);
    while (retention_run(t->store, db, &doubt))
        ;
    assert_stays(t, rows, COUNT(rows));
    assert_int_equal(atomic_load(&t->store->files_bytes), files - (int64_t)strlen(large_text));
    db_close(&db);
}

/* --- doubt ------------------------------------------------------------------------------------------------------- */

static void test_an_implausible_clock_at_the_start_is_in_doubt_for_a_running_day(void **state)
{
    static const struct {
        int64_t newest, wall;
        bool is_good;
    } starts[] = {
        { 0, 0, true }, /* nothing kept yet: nothing to lose  */
        { 1000 * day, 1000 * day, true },
        { 1000 * day, 1399 * day, true },
        { 1000 * day, 1401 * day, false },
        { 1000 * day, 998 * day, false },
        { 1000 * day, 0, false }, /* a Pi in 1970 */
    };
    (void)state;
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct doubt d;
        doubt_init(&d, starts[i].wall, 5, starts[i].newest);
        assert_int_equal(doubt_ask(&d, starts[i].wall, 5), starts[i].is_good);
        assert_int_equal(doubt_ask(&d, starts[i].wall + day - 1, 5 + day - 1), starts[i].is_good);
        assert_true(doubt_ask(&d, starts[i].wall + day, 5 + day));
    }
}

static void test_a_step_of_more_than_a_day_is_doubted_and_time_that_passed_is_not(void **state)
{
    struct doubt d;
    (void)state;
    doubt_init(&d, 1000 * day, 0, 1000 * day);
    assert_true(doubt_ask(&d, 1003 * day, 3 * day)); /* three days passed on both */
    assert_true(doubt_ask(&d, 1004 * day - 1, 3 * day));
    assert_false(doubt_ask(&d, 1104 * day, 3 * day));
    assert_false(doubt_ask(&d, 1104 * day + day / 2, 3 * day + day / 2));
    assert_false(doubt_ask(&d, 1000 * day, 3 * day + day / 2)); /* and back: a day from now */
    assert_false(doubt_ask(&d, 1001 * day - 1, 4 * day + day / 2 - 1));
    assert_true(doubt_ask(&d, 1001 * day, 4 * day + day / 2));
}

/* --- the reserve ------------------------------------------------------------------------------------------------- */

static void test_the_reserve_is_real_and_comes_back_when_there_is_room(void **state)
{
    struct temp *t = *state;
    struct stat st;
    struct err e = { 0 };
    char path[128], id[ID_TEXT];
    int64_t now = clock_wall_ms();
    struct spool *f = NULL, *on_its_way = NULL;
    keeper_stop(t->store->keeper);
    (void)snprintf(path, sizeof path, "%s/reserve", t->folder);
    reserve_take(t->store);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_blocks * 512 >= 1 << 16);

    assert_int_equal(spool_open(t->store, id_make(id, now), now, &on_its_way, &e), 0);
    reserve_give_up(t->store);
    assert_true(store_is_full(t->store));
    assert_int_equal(stat(path, &st), -1);
    assert_int_equal(spool_write(on_its_way, "x", 1, &e), -1);
    assert_int_equal(e.code, ERR_FULL);
    spool_abandon(&on_its_way);
    assert_int_equal(spool_open(t->store, id_make(id, now), now, &f, &e), -1);
    assert_int_equal(e.code, ERR_FULL);
    (void)temp_keep(t, now, "small ones are still kept");

    reserve_take(t->store);
    assert_false(store_is_full(t->store));
    assert_int_equal(stat(path, &st), 0);
    (void)temp_keep_large(t, now, "and large ones again", NULL);
}

static void test_tomorrows_folder_is_made_ahead(void **state)
{
    struct temp *t = *state;
    char folder[FILE_TEXT] = "arrivals/", name[DAY_TEXT];
    day_of(name, clock_wall_ms() + day);
    (void)strncat(folder, name, sizeof folder - strlen(folder) - 1);
    for (int i = 0; i < 500 && !is_there(t, folder); i++)
        (void)usleep(10000);
    assert_true(is_there(t, folder));
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, temp_setup, temp_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_a_file_without_a_row_goes_and_others_stay),
        STORE_TEST(test_the_day_of_the_last_arrival_is_looked_through_however_long_ago),
        STORE_TEST(test_foreign_files_are_left_alone),
        STORE_TEST(test_a_row_whose_file_is_gone_is_reported_while_it_waits),
        STORE_TEST(test_old_raw_bytes_go_and_rows_stay),
        STORE_TEST(test_nothing_goes_by_age_while_the_clock_is_in_doubt),
        STORE_TEST(test_the_last_of_an_old_day_takes_its_folder_along),
        STORE_TEST(test_above_the_bound_infos_go_first_and_recent_alarms_never),
        STORE_TEST(test_no_more_goes_than_must),
        cmocka_unit_test(test_an_implausible_clock_at_the_start_is_in_doubt_for_a_running_day),
        cmocka_unit_test(test_a_step_of_more_than_a_day_is_doubted_and_time_that_passed_is_not),
        STORE_TEST(test_the_reserve_is_real_and_comes_back_when_there_is_room),
        STORE_TEST(test_tomorrows_folder_is_made_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Pictures in a folder of other programs: their names, whole files, and that what is erased goes there too. */
#include "core/clock.h"
#include "store/export_files.h"
#include "store/exporter.h"
#include "tests/unit/store/temp.h"
#include <fcntl.h>
#include <sys/stat.h>

#define HEAD "Subject: garden\r\n\r\nsomebody is there\r\n--x\r\n"
#define PICTURE "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
static const char mail[] = HEAD PICTURE "\r\n--x--\r\n", decoded[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
static const int64_t noon_ms = 1795000000000;

static void test_names_are_made_of_harmless_letters(void **state)
{
    static const struct {
        const char *device, *folder;
    } rows[] = {
        { "gate", "gate" },           { "cam@house.example", "cam@house.example" }, { "", "unknown" },        { "..", "_" },
        { "../../etc", "_._.__etc" },  { "a/b\\c", "a_b_c" },                        { ".hidden", "_hidden" }, { "ends.", "ends" },
        { "a..b", "a._b" },           { "x\ny\x7f", "x_y_" },                       { "...", "_._" },
    };
    char name[EXPORTED_STEM];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        export_beginning(name, rows[i].device, noon_ms);
        *strchr(name, '/') = '\0';
        assert_string_equal(name, rows[i].folder);
    }
    char long_one[300];
    memset(long_one, 'x', sizeof long_one - 1);
    long_one[sizeof long_one - 1] = '\0';
    export_beginning(name, long_one, INT64_C(253402300799000));
    assert_true(strlen(name) < EXPORTED_STEM - 10);
}

static void test_only_pictures_and_clips_have_an_extension(void **state)
{
    (void)state;
    assert_string_equal(export_extension("image/jpeg"), "jpg");
    assert_string_equal(export_extension("video/mp4"), "mp4");
    assert_null(export_extension("application/octet-stream"));
    assert_null(export_extension("image/../x"));
}

/* --- at work -------------------------------------------------------------------------------------------------------- */

struct work {
    struct temp     *t;
    struct exporter *exporter;
    char             folder[64];
    int64_t          arrival, event;
};

static int make_event(struct store_tx *tx, void *user, struct err *e)
{
    struct work *w = user;
    const struct event_origin origin = { .parser = "test", .received_ms = clock_wall_ms() };
    const struct media picture = { .n = 1, .type = "image/jpeg", .name = "../x", .bytes = 26, .offset = (int64_t)strlen(HEAD),
                                   .length = (int64_t)strlen(PICTURE), .encoding = ENCODING_BASE64 };
    struct event  ev = { .kind = "camera.motion", .device_id = "gate", .zone_number = ZONE_NONE, .media = &picture, .media_count = 1 };
    struct events list = { .items = &ev, .count = 1 };
    bool          is_new;
    return tx_events(tx, w->arrival, &origin, &list, &w->event, &is_new, e);
}

static int erase_event(struct store_tx *tx, void *user, struct err *e)
{
    const struct work *w = user;
    if (tx_exported_erase(tx, w->event, e) < 0 || db_run(tx_db(tx), e, "DELETE FROM media WHERE event = ?", P(w->event)) < 0)
        return -1;
    return db_run(tx_db(tx), e, "DELETE FROM events WHERE seq = ?", P(w->event));
}

static void start(struct work *w)
{
    struct err e = { 0 };
    struct exporter_options o = { .folder = w->folder, .site = "here", .days = 30 };
    if (exporter_start(w->t->store, &o, &w->exporter, &e) < 0)
        fail_msg("%s", e.text);
}

static void wait_number(struct temp *t, const char *sql, int64_t wanted)
{
    for (int i = 0; i < 2000 && temp_number(t, sql) != wanted; i++)
        (void)usleep(10000);
    assert_int_equal(temp_number(t, sql), wanted);
}

static int work_setup(void **state)
{
    struct work *w = calloc(1, sizeof *w);
    void        *t;
    assert_non_null(w);
    (void)temp_setup(&t);
    w->t = t;
    (void)snprintf(w->folder, sizeof w->folder, "%s-out", w->t->folder);
    start(w);
    wait_number(w->t, "SELECT count(*) FROM meta WHERE key = 'note/export.folder'", 1);
    *state = w;
    return 0;
}

static int work_teardown(void **state)
{
    struct work *w = *state;
    void        *t = w->t;
    exporter_stop(&w->exporter);
    (void)nftw(w->folder, temp_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    (void)temp_teardown(&t);
    free(w);
    return 0;
}

static void show(struct work *w)
{
    struct err e = { 0 };
    w->arrival = temp_keep(w->t, clock_wall_ms(), mail);
    if (temp_do(w->t, STORE_EVENT, make_event, w, &e) < 0)
        fail_msg("%s", e.text);
}

static void path_of(const struct work *w, const char *extension, char *out, size_t size)
{
    struct store_reader *r = NULL;
    struct err           e = { 0 };
    struct exported      x;
    if (store_reader_open(w->t->store, &r, &e) < 0 || exported_list(r, false, &x, 1, &e) != 1)
        fail_msg("%s", e.text);
    (void)snprintf(out, size, "%s/%s.%s", w->folder, x.stem, extension);
    store_reader_close(&r);
}

static void test_a_picture_is_there_whole_when_its_row_says_so(void **state)
{
    struct work *w = *state;
    char         path[256], bytes[64];
    show(w);
    wait_number(w->t, "SELECT count(*) FROM exported WHERE bytes > 26", 1);
    path_of(w, "jpg", path, sizeof path);
    int     fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, bytes, sizeof bytes);
    (void)close(fd);
    assert_int_equal(n, strlen(decoded));
    assert_memory_equal(bytes, decoded, strlen(decoded));
}

static void test_what_is_erased_goes_there_too_and_so_do_empty_folders(void **state)
{
    struct work *w = *state;
    struct stat  st;
    struct err   e = { 0 };
    char         path[256];
    show(w);
    wait_number(w->t, "SELECT count(*) FROM exported WHERE bytes > 0", 1);
    path_of(w, "json", path, sizeof path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(temp_do(w->t, STORE_EVENT, erase_event, w, &e), 0);
    wait_number(w->t, "SELECT count(*) FROM exported", 0);
    assert_int_equal(stat(path, &st), -1);
    *strrchr(path, '/') = '\0';
    assert_int_equal(stat(path, &st), -1);
}

/* As after a power cut between the names and the files: the same names, once. */
static void test_what_was_cut_off_is_written_under_the_same_name(void **state)
{
    struct work *w = *state;
    struct stat  st;
    char         before[256], after[256];
    show(w);
    wait_number(w->t, "SELECT count(*) FROM exported WHERE bytes > 0", 1);
    path_of(w, "jpg", before, sizeof before);
    exporter_stop(&w->exporter);
    assert_int_equal(unlink(before), 0);
    struct err e = { 0 };
    static const char *const undo[] = { "UPDATE exported SET bytes = NULL", "UPDATE meta SET value = '0' WHERE key = 'note/export.seq'" };
    struct db *db = NULL;
    assert_int_equal(db_open(w->t->store->database, DB_WRITER, &db, &e), 0);
    for (size_t i = 0; i < COUNT(undo); i++)
        assert_int_equal(db_exec(db, undo[i], &e), 0);
    db_close(&db);
    start(w);
    wait_number(w->t, "SELECT count(*) FROM exported WHERE bytes > 0", 1);
    path_of(w, "jpg", after, sizeof after);
    assert_string_equal(before, after);
    assert_int_equal(stat(after, &st), 0);
}

/* As after a power cut between the files and their row, when the event was forgotten before the next start. */
static void test_what_was_cut_off_and_then_forgotten_is_taken_away(void **state)
{
    struct work *w = *state;
    struct stat  st;
    struct err   e = { 0 };
    char         path[256];
    struct db   *db = NULL;
    static const char *const undo[] = { "UPDATE exported SET bytes = NULL", "DELETE FROM media", "DELETE FROM events" };
    show(w);
    wait_number(w->t, "SELECT count(*) FROM exported WHERE bytes > 0", 1);
    path_of(w, "jpg", path, sizeof path);
    exporter_stop(&w->exporter);
    assert_int_equal(db_open(w->t->store->database, DB_WRITER, &db, &e), 0);
    for (size_t i = 0; i < COUNT(undo); i++)
        assert_int_equal(db_exec(db, undo[i], &e), 0);
    db_close(&db);
    assert_int_equal(stat(path, &st), 0);
    start(w);
    wait_number(w->t, "SELECT count(*) FROM exported", 0);
    assert_int_equal(stat(path, &st), -1);
}

#define AT_WORK(f) cmocka_unit_test_setup_teardown(f, work_setup, work_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_made_of_harmless_letters),
        cmocka_unit_test(test_only_pictures_and_clips_have_an_extension),
        AT_WORK(test_a_picture_is_there_whole_when_its_row_says_so),
        AT_WORK(test_what_is_erased_goes_there_too_and_so_do_empty_folders),
        AT_WORK(test_what_was_cut_off_is_written_under_the_same_name),
        AT_WORK(test_what_was_cut_off_and_then_forgotten_is_taken_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

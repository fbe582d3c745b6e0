/* Every version of the data folder that ever was opens, keeps what it held, and becomes what a new one is. */
#include "store/schema.h"
#include "tests/unit/store/temp.h"
#include <fcntl.h>

static void copy_file(const char *from, const char *to)
{
    char buffer[8192];
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(in >= 0 && out >= 0);
    for (ssize_t n; (n = read(in, buffer, sizeof buffer)) > 0;)
        assert_int_equal(write(out, buffer, (size_t)n), n);
    (void)close(in);
    (void)close(out);
}

static const char *copy_from, *copy_to;

static int copy_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    char to[512];
    (void)st;
    (void)ftw;
    (void)snprintf(to, sizeof to, "%s%s", copy_to, path + strlen(copy_from));
    if (kind == FTW_D)
        assert_true(mkdir(to, 0700) == 0 || ftw->level == 0);
    else
        copy_file(path, to);
    return 0;
}

static void text_of_schema(struct temp *t, char *out, size_t size)
{
    struct store_reader *r = NULL;
    struct err e = { 0 };
    assert_int_equal(store_reader_open(t->store, &r, &e), 0);
    struct stmt *s =
        db_stmt(reader_db(r),
                "SELECT group_concat(sql, x'0a') FROM (SELECT sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY name)", &e);
    assert_non_null(s);
    assert_int_equal(stmt_step(s, &e), 1);
    (void)snprintf(out, size, "%s", col_text(s, 0));
    stmt_done(&s);
    store_reader_close(&r);
}

static void open_copy_of(struct temp *t, int version)
{
    char from[512];
    (void)snprintf(from, sizeof from, SCHEMA_DATA "/%d", version);
    store_close(&t->store);
    (void)nftw(t->folder, temp_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(mkdir(t->folder, 0700), 0);
    copy_from = from;
    copy_to = t->folder;
    if (nftw(from, copy_one, 8, FTW_PHYS) < 0)
        fail_msg("there is no %s: make it by tests/data/schema/make.c", from);
    temp_open(t);
}

static void assert_holds(struct temp *t)
{
    struct store_reader *r = NULL;
    struct err e = { 0 };
    struct arrival_row rows[4];
    struct arena a;
    int fd = -1;
    char text[64] = "";
    arena_init(&a, 1 << 20);
    assert_int_equal(store_reader_open(t->store, &r, &e), 0);
    assert_int_equal(store_waiting_arrivals(r, true, 0, rows, 4, &a, &e), 1);
    assert_string_equal(rows[0].id, "01KAAAAAAAAAAAAAAAAAAAAAA3");
    assert_int_equal(store_open_raw(r, 1, &fd, &e), 0);
    assert_true(read(fd, text, 14) == 14 && strcmp(text, "Subject: Alarm") == 0);
    (void)close(fd);
    assert_int_equal(store_open_raw(r, 2, &fd, &e), 0);
    assert_true(read(fd, text, 13) == 13 && strncmp(text, "Subject: Bild", 13) == 0);
    (void)close(fd);
    store_reader_close(&r);
    arena_done(&a);
}

/* What older versions held is indexed and counted as what is written now. */
static void assert_is_indexed(struct temp *t, int version)
{
    assert_int_equal(temp_number(t, "SELECT value FROM meta WHERE key = 'indexed'"), 2);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM search('\"ost 1\" AND zqkalarminterior')"), 1);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM search('subject: alarm')"), 2);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM search('wind')"), version >= 4);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM search('zqp')"), version >= 3 ? 2 : 0);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM device_names('garten')"), version >= 3);
    assert_int_equal(temp_number(t, "SELECT sum(n) FROM tallies WHERE device = 'alarm'"), 2);
    assert_int_equal(temp_number(t, "SELECT last FROM hours WHERE hour = 1795000000000 / 3600000 AND n = 2 AND first = 1"), 2);
}

static void test_every_version_opens_and_goes_on(void **state)
{
    struct temp *t = *state;
    static char fresh[32768], opened[32768];
    text_of_schema(t, fresh, sizeof fresh);
    for (int version = 1; version <= schema_version; version++) {
        open_copy_of(t, version);
        assert_int_equal(temp_number(t, "PRAGMA user_version"), schema_version);
        text_of_schema(t, opened, sizeof opened);
        assert_string_equal(opened, fresh);
        assert_holds(t);
        assert_int_equal(temp_number(t, "SELECT count(*) FROM events e JOIN deliveries d ON d.event = e.seq WHERE d.state < 2"),
                         1);
        assert_int_equal(temp_number(t, "SELECT count(*) FROM media"), 1);
        assert_int_equal(temp_number(t, "SELECT mails FROM devices WHERE id = 'alarm' AND self_name = 'Haus'"
                                        " AND first_seen_ms = last_seen_ms"),
                         2);
        assert_int_equal(temp_number(t, "SELECT count(*) FROM events WHERE target = 'person' AND drift_ms = -42000"
                                        " AND device_time NOT NULL AND channel NOT NULL"),
                         version >= 3 ? 2 : 0);
        assert_int_equal(temp_number(t, "SELECT count(*) FROM devices JOIN transcripts ON device = id WHERE named_by = 'owner'"),
                         version >= 3);
        assert_int_equal(temp_number(t, "SELECT count(*) FROM events WHERE note NOT NULL AND changed NOT NULL AND kept = 1"), version >= 4);
        assert_is_indexed(t, version);
        assert_true(store_running_ms(t->store) >= 123456);
        assert_int_equal(temp_keep(t, 1795000000000, "goes on"), 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_version_opens_and_goes_on, temp_setup, temp_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

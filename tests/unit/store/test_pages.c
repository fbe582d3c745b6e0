/* Rows are found page by page, in the file and in its log; nothing that a damaged page says leads anywhere it should not. */
#include "core/buf.h"
#include "store/pages.h"
#include "store/salvage.h"
#include "tests/unit/store/temp.h"
#include <fcntl.h>

enum { ROWS = 300, LONGEST = 20000, ROUNDS = 60, WOUNDS = 300 };

static const char fill[] =
    "CREATE TABLE t(a INTEGER PRIMARY KEY, b INTEGER, c TEXT, d REAL);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
    " INSERT INTO t SELECT i, i * -1000003 * i, printf('%.*c', i * 397 % 20000, 'x'), 0.5 FROM n;"
    "DELETE FROM t WHERE a % 7 = 0;"
    "UPDATE t SET c = 'y' WHERE a = 8;";

struct found {
    int     rows;
    int64_t keys, checked;
};

static int look(void *user, const struct page_row *row, struct err *e)
{
    struct found *f = user;
    (void)e;
    for (size_t i = 0; i < row->count; i++)
        for (size_t k = 0; k < row->values[i].length; k++)
            f->checked += row->values[i].bytes[k]; /* every byte is there */
    if (row->count != 4)
        return 0; /* the schema's own */
    f->rows++;
    f->keys += row->key;
    return 0;
}

static int look_closely(void *user, const struct page_row *row, struct err *e)
{
    if (row->count == 4) {
        int64_t i = row->key;
        assert_int_equal(row->values[0].type, PAGE_NULL);
        assert_int_equal(row->values[1].number, i * -1000003 * i);
        assert_int_equal(row->values[2].length, i == 8 ? 1 : i * 397 % LONGEST);
        assert_int_equal(row->values[2].bytes[0], i == 8 ? 'y' : 'x');
        assert_int_equal(row->values[3].type, PAGE_REAL);
    }
    return look(user, row, e);
}

struct place {
    char       folder[64], path[96];
    int        at;
    struct db *db;
};

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    struct err    e = { 0 };
    assert_non_null(p);
    (void)snprintf(p->folder, sizeof p->folder, "/tmp/postern-test-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    (void)snprintf(p->path, sizeof p->path, "%s/x.db", p->folder);
    p->at = open(p->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (db_open(p->path, DB_WRITER, &p->db, &e) < 0 || db_exec(p->db, fill, &e) < 0)
        fail_msg("%s", e.text);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    db_close(&p->db);
    (void)close(p->at);
    (void)nftw(p->folder, temp_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(p);
    return 0;
}

static void find_all(const struct place *p)
{
    struct found f = { 0 };
    struct err   e = { 0 };
    assert_int_equal(pages_walk(p->at, "x.db", look_closely, &f, &e), 0);
    assert_int_equal(f.rows, ROWS - ROWS / 7);
    assert_int_equal(f.keys, ROWS * (ROWS + 1) / 2 - 7 * (ROWS / 7) * (ROWS / 7 + 1) / 2);
}

static void test_every_row_is_found_with_every_byte_in_the_log_and_in_the_file(void **state)
{
    struct place *p = *state;
    find_all(p); /* nothing was copied out of the log yet */
    db_close(&p->db);
    find_all(p);
}

static void test_what_was_not_committed_is_not_found(void **state)
{
    struct place *p = *state;
    struct err    e = { 0 };
    assert_int_equal(db_exec(p->db, "PRAGMA cache_size = 1; BEGIN; UPDATE t SET c = 'z' || c", &e), 0); /* much of it goes to the log at once */
    find_all(p);
    assert_int_equal(db_exec(p->db, "ROLLBACK", &e), 0);
}

static void test_a_file_that_is_not_there_is_said(void **state)
{
    struct place *p = *state;
    struct err    e = { 0 };
    assert_int_equal(pages_walk(p->at, "none.db", look, &(struct found){ 0 }, &e), -1);
    assert_int_equal(e.code, ERR_NOT_FOUND);
}

/* The same wounds each time. */
static uint32_t chance(void)
{
    static uint32_t seed = 2463534242U;
    seed ^= seed << 13;
    seed ^= seed >> 17;
    return seed ^= seed << 5;
}

static void write_file(const struct place *p, const struct buf *b)
{
    int fd = openat(p->at, "wounded.db", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, b->data, b->len), (ssize_t)b->len);
    (void)close(fd);
}

static void read_file(const struct place *p, struct buf *b)
{
    char       piece[8192];
    struct err e = { 0 };
    int        fd = openat(p->at, "x.db", O_RDONLY | O_CLOEXEC);
    for (ssize_t n; (n = read(fd, piece, sizeof piece)) > 0;)
        assert_int_equal(buf_add(b, piece, (size_t)n, &e), 0);
    (void)close(fd);
}

static void test_no_wound_leads_out_of_the_page(void **state)
{
    struct place *p = *state;
    CLEANUP(buf_done) struct buf whole, wounded;
    buf_init(&whole, 64 << 20);
    buf_init(&wounded, 64 << 20);
    db_close(&p->db);
    read_file(p, &whole);
    for (int round = 0; round < ROUNDS; round++) {
        struct found f = { 0 };
        struct err   e = { 0 };
        buf_clear(&wounded);
        assert_int_equal(buf_add(&wounded, whole.data, whole.len, &e), 0);
        for (int i = 0; i < WOUNDS; i++) { /* half of them where a page says what is on it */
            size_t at = chance() % wounded.len;
            wounded.data[i % 2 ? at : at / 4096 * 4096 + at % 64] = (char)chance();
        }
        wounded.len -= round % 3 ? 0 : chance() % 5000;
        write_file(p, &wounded);
        assert_int_equal(pages_walk(p->at, "wounded.db", look, &f, &e), 0);
        assert_in_range(f.rows, 0, 4 * ROWS);
    }
}

static void test_holes_are_exact_until_there_are_too_many(void **state)
{
    (void)state;
    struct holes h = { .count = 0 };
    for (int64_t i = 1; i <= 5; i++)
        holes_add(&h, i, i);
    holes_add(&h, 10, 12);
    assert_int_equal(h.count, 2);
    assert_true(holes_have(&h, 1) && holes_have(&h, 5) && holes_have(&h, 11));
    assert_false(holes_have(&h, 0) || holes_have(&h, 6) || holes_have(&h, 13));
    for (int64_t i = 0; i < 2 * HOLES_MAX; i++)
        holes_add(&h, 100 + 2 * i, 100 + 2 * i);
    assert_int_equal(h.count, HOLES_MAX);
    assert_true(holes_have(&h, 100 + 4 * HOLES_MAX - 2));
}

#define WITH_FILE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILE(test_every_row_is_found_with_every_byte_in_the_log_and_in_the_file),
        WITH_FILE(test_what_was_not_committed_is_not_found),
        WITH_FILE(test_a_file_that_is_not_there_is_said),
        WITH_FILE(test_no_wound_leads_out_of_the_page),
        cmocka_unit_test(test_holes_are_exact_until_there_are_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

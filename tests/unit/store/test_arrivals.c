/* Arrivals: kept, found again, and what the inspector is given. */
#include "tests/unit/store/temp.h"
#include <fcntl.h>

static const int64_t now = 1795000000000; /* 2026-11-18 */

static void assert_raw(struct temp *t, int64_t seq, const char *expected)
{
    struct store_reader *r = NULL;
    struct err e = { 0 };
    int fd = -1;
    char text[256] = "";
    assert_int_equal(store_reader_open(t->store, &r, &e), 0);
    assert_int_equal(store_open_raw(r, seq, &fd, &e), 0);
    assert_int_equal(read(fd, text, sizeof text - 1), (ssize_t)strlen(expected));
    assert_string_equal(text, expected);
    (void)close(fd);
    store_reader_close(&r);
}

static void test_a_small_arrival_is_a_row(void **state)
{
    struct temp *t = *state;
    int64_t seq = temp_keep(t, now, "Subject: hi\r\n\r\nZone:8");
    assert_int_equal(seq, 1);
    assert_int_equal(store_last_arrival(t->store), 1);
    assert_raw(t, seq, "Subject: hi\r\n\r\nZone:8");
}

static void test_an_empty_arrival_is_kept_too(void **state)
{
    assert_raw(*state, temp_keep(*state, now, ""), "");
}

static void test_a_large_arrival_is_a_file_of_its_day(void **state)
{
    struct temp *t = *state;
    char id[ID_TEXT], path[160];
    int64_t seq = temp_keep_large(t, now, "a large one", id);
    (void)snprintf(path, sizeof path, "%s/arrivals/2026/11/18/%s.eml", t->folder, id);
    assert_int_equal(access(path, R_OK), 0);
    assert_raw(t, seq, "a large one");
}

/* Small ones stand in the row, those over 3 KiB beside it, large ones in files: the first two are copied, the last opened. */
static void test_the_bytes_are_the_same_wherever_they_are_kept(void **state)
{
    struct temp *t = *state;
    static const size_t sizes[] = { 0, 1, 3000, 3072, 3073, 5000, 60000 };
    struct store_reader *r = NULL;
    struct err e = { 0 };
    struct buf copy;
    buf_init(&copy, 65536);
    assert_int_equal(store_reader_open(t->store, &r, &e), 0);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char *text = calloc(1, sizes[i] + 1);
        assert_non_null(text);
        memset(text, 'a' + (int)i, sizes[i]);
        int64_t seq = temp_keep(t, now, text);
        int fd = -1;
        buf_clear(&copy);
        assert_int_equal(store_copy_raw(r, seq, &copy, &e), 1);
        assert_int_equal(copy.len, sizes[i]);
        assert_string_equal(buf_str(&copy), text);
        assert_int_equal(store_open_raw(r, seq, &fd, &e), 0);
        assert_int_equal(lseek(fd, 0, SEEK_END), (off_t)sizes[i]);
        (void)close(fd);
        free(text);
    }
    assert_int_equal(store_copy_raw(r, temp_keep_large(t, now, "in a file", NULL), &copy, &e), 0);
    assert_int_equal(store_copy_raw(r, 4711, &copy, &e), 0);
    buf_done(&copy);
    store_reader_close(&r);
}

static void test_all_is_there_after_closing_and_opening(void **state)
{
    struct temp *t = *state;
    int64_t small = temp_keep(t, now, "small"), large = temp_keep_large(t, now, "large", NULL);
    store_close(&t->store);
    temp_open(t);
    assert_int_equal(store_last_arrival(t->store), large);
    assert_raw(t, small, "small");
    assert_raw(t, large, "large");
    assert_int_equal(temp_keep(t, now, "next"), large + 1);
}

static void test_an_abandoned_file_is_gone(void **state)
{
    struct temp *t = *state;
    char id[ID_TEXT], path[160];
    struct spool *f = temp_spool(t, id_make(id, now), now, "given up");
    (void)snprintf(path, sizeof path, "%s/arrivals/2026/11/18/%s.eml", t->folder, id);
    assert_int_equal(access(path, R_OK), 0);
    spool_abandon(&f);
    assert_null(f);
    spool_abandon(&f);
    assert_int_equal(access(path, R_OK), -1);
}

static void test_a_file_that_was_not_synced_is_not_kept(void **state)
{
    struct temp *t = *state;
    struct err e = { 0 };
    struct waited *w = waited_new(now, NULL);
    assert_int_equal(spool_open(t->store, w->a.id, now, &w->a.spool, &e), 0);
    store_accept(t->store, &w->a);
    assert_int_equal(waited_wait(w), ERR_STATE);
    free(w);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM arrivals"), 0);
}

static void test_the_same_id_twice_fails_alone(void **state)
{
    struct temp *t = *state;
    struct waited *first = waited_new(now, "one"), *second = waited_new(now, "two"), *third = waited_new(now, "three");
    memcpy(second->a.id, first->a.id, ID_TEXT);
    store_accept(t->store, &first->a);
    store_accept(t->store, &second->a);
    store_accept(t->store, &third->a);
    assert_int_equal(waited_wait(first), ERR_NONE);
    assert_int_equal(waited_wait(second), ERR_INPUT);
    assert_int_equal(waited_wait(third), ERR_NONE);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM arrivals"), 2);
    free(first);
    free(second);
    free(third);
}

struct state_change {
    int64_t seq;
    enum arrival_state state;
};

static int change_state(struct store_tx *tx, void *user, struct err *e)
{
    const struct state_change *c = user;
    return tx_arrival_state(tx, c->seq, c->state, "plain", "a subject", e);
}

static int fail_once(struct store_tx *tx, void *user, struct err *e)
{
    return tx_arrival_failed(tx, *(int64_t *)user, e);
}

static int waiting(struct temp *t, bool is_quick, int64_t after, struct arrival_row rows[8])
{
    struct store_reader *r = NULL;
    struct err e = { 0 };
    struct arena a;
    arena_init(&a, 1 << 20);
    assert_int_equal(store_reader_open(t->store, &r, &e), 0);
    int n = store_waiting_arrivals(r, is_quick, after, rows, 8, &a, &e);
    if (n > 0)
        assert_string_equal(rows[0].envelope, "{\"listener\":\"smtp\"}");
    store_reader_close(&r);
    arena_done(&a);
    return n;
}

static const char *large_mail(void)
{
    static char mail[STORE_QUICK_BYTES + 2];
    memset(mail, 'b', sizeof mail - 1);
    return mail;
}

static void test_quick_are_the_small_ones_that_never_failed(void **state)
{
    struct temp *t = *state;
    struct err e = { 0 };
    struct arrival_row rows[8];
    int64_t first = temp_keep(t, now, "a"), large = temp_keep_large(t, now, large_mail(), NULL), failed = temp_keep(t, now, "c");
    assert_int_equal(temp_do(t, STORE_LATER, fail_once, &failed, &e), 0);

    assert_int_equal(waiting(t, true, 0, rows), 1);
    assert_int_equal(rows[0].seq, first);
    assert_int_equal(waiting(t, false, 0, rows), 2);
    assert_int_equal(rows[0].seq, large);
    assert_true(rows[0].is_large && rows[0].has_raw);
    assert_int_equal(rows[1].seq, failed);
    assert_int_equal(rows[1].tries, 1);
    assert_int_equal(waiting(t, false, large, rows), 1);
}

static void test_told_still_waits_and_understood_does_not_wait_again(void **state)
{
    static const struct {
        enum arrival_state from, to, then;
    } steps[] = {
        { ARRIVAL_KEPT, ARRIVAL_TOLD, ARRIVAL_TOLD },
        { ARRIVAL_TOLD, ARRIVAL_UNDERSTOOD, ARRIVAL_UNDERSTOOD },
        { ARRIVAL_UNDERSTOOD, ARRIVAL_TOLD, ARRIVAL_UNDERSTOOD }, /* the 10 s promise ran out while it was being read */
        { ARRIVAL_GIVEN_UP, ARRIVAL_TOLD, ARRIVAL_GIVEN_UP },
        { ARRIVAL_GIVEN_UP, ARRIVAL_UNDERSTOOD, ARRIVAL_UNDERSTOOD }, /* a better parser */
    };
    struct temp *t = *state;
    struct arrival_row rows[8];
    for (size_t i = 0; i < COUNT(steps); i++) {
        struct err e = { 0 };
        int64_t seq = temp_keep(t, now, "mail");
        assert_int_equal(temp_do(t, STORE_EVENT, change_state, &(struct state_change){ seq, steps[i].from }, &e), 0);
        assert_int_equal(temp_do(t, STORE_EVENT, change_state, &(struct state_change){ seq, steps[i].to }, &e), 0);
        char sql[64];
        (void)snprintf(sql, sizeof sql, "SELECT state FROM arrivals WHERE seq = %d", (int)seq);
        assert_int_equal(temp_number(t, sql), steps[i].then);
        assert_int_equal(waiting(t, true, seq - 1, rows), steps[i].then <= ARRIVAL_TOLD ? 1 : 0);
    }
}

static void test_overdue_are_only_the_kept(void **state)
{
    struct temp *t = *state;
    struct err e = { 0 };
    struct store_reader *r = NULL;
    struct arrival_row rows[8];
    struct arena a;
    int64_t kept = temp_keep(t, now, "a"), told = temp_keep(t, now, "b"), late = temp_keep(t, now, "c");
    assert_int_equal(temp_do(t, STORE_EVENT, change_state, &(struct state_change){ told, ARRIVAL_TOLD }, &e), 0);
    arena_init(&a, 1 << 20);
    assert_int_equal(store_reader_open(t->store, &r, &e), 0);
    assert_int_equal(store_overdue_arrivals(r, late - 1, rows, 8, &a, &e), 1);
    assert_int_equal(rows[0].seq, kept);
    store_reader_close(&r);
    arena_done(&a);
}

static void test_an_arrival_is_found_by_its_id(void **state)
{
    struct temp *t = *state;
    struct err e = { 0 };
    struct store_reader *r = NULL;
    struct arrival_row row;
    struct arena a;
    char id[ID_TEXT];
    int64_t seq = temp_keep_large(t, now, "large", id);
    assert_int_equal(temp_do(t, STORE_EVENT, change_state, &(struct state_change){ seq, ARRIVAL_UNDERSTOOD }, &e), 0);
    arena_init(&a, 1 << 20);
    assert_int_equal(store_reader_open(t->store, &r, &e), 0);
    assert_int_equal(store_find_arrival(r, id, &row, &a, &e), 1);
    assert_int_equal(row.seq, seq);
    assert_int_equal(row.bytes, 5);
    assert_string_equal(row.subject, "a subject");
    assert_int_equal(store_find_arrival(r, "01AAAAAAAAAAAAAAAAAAAAAAAA", &row, &a, &e), 0);
    int fd;
    assert_int_equal(store_open_raw(r, seq + 1, &fd, &e), -1);
    assert_int_equal(e.code, ERR_NOT_FOUND);
    store_reader_close(&r);
    arena_done(&a);
}

static void test_of_an_arrival_that_is_not_there_nothing_is_said(void **state)
{
    struct err e = { 0 };
    assert_int_equal(temp_do(*state, STORE_EVENT, change_state, &(struct state_change){ 77, ARRIVAL_TOLD }, &e), -1);
    assert_int_equal(e.code, ERR_NOT_FOUND);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, temp_setup, temp_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_a_small_arrival_is_a_row),
        STORE_TEST(test_an_empty_arrival_is_kept_too),
        STORE_TEST(test_a_large_arrival_is_a_file_of_its_day),
        STORE_TEST(test_the_bytes_are_the_same_wherever_they_are_kept),
        STORE_TEST(test_all_is_there_after_closing_and_opening),
        STORE_TEST(test_an_abandoned_file_is_gone),
        STORE_TEST(test_a_file_that_was_not_synced_is_not_kept),
        STORE_TEST(test_the_same_id_twice_fails_alone),
        STORE_TEST(test_quick_are_the_small_ones_that_never_failed),
        STORE_TEST(test_told_still_waits_and_understood_does_not_wait_again),
        STORE_TEST(test_overdue_are_only_the_kept),
        STORE_TEST(test_an_arrival_is_found_by_its_id),
        STORE_TEST(test_of_an_arrival_that_is_not_there_nothing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

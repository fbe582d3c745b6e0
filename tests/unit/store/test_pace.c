/* How slow the disk is taken to be, and what goes inline because of it. */
#include "core/clock.h"
#include "store/retention.h"
#include "tests/unit/store/temp.h"
#include <semaphore.h>

static const int64_t now = 1795000000000;
enum { MS = 1000, KIB = 1 << 10, MIB = 1 << 20, SECOND = 1000000 };

/* --- the measure ----------------------------------------------------------------------------------------------- */

struct commits {
    int count;
    int64_t took_us, bytes;
    int beside;
};

static void note(struct pace *p, const struct commits *c)
{
    for (int i = 0; i < c->count; i++)
        pace_note_commit(p, c->took_us, c->bytes, c->beside, 0);
}

static void test_a_disk_is_slow_when_its_syncs_are_and_not_at_one_hiccup(void **state)
{
    static const struct {
        struct commits before, then;
        bool is_slow;
    } table[] = {
        { { 0 }, { 100, MS / 2, 1024 }, false },
        { { 0 }, { 8, 10 * MS, 1024 }, true },
        { { 0 }, { 3, 10 * MS, 1024 }, false },
        { { 100, MS / 2, 1024 }, { 1, SECOND, 1024 }, false },          /* one hiccup                            */
        { { 0 }, { 100, 3 * MS / 2, 1024 }, false },                    /* between the two bounds it stays fast … */
        { { 20, 10 * MS, 1024 }, { 100, 3 * MS / 2, 1024 }, true },     /* … or slow, as it was                   */
        { { 20, 10 * MS, 1024 }, { 100, MS / 2, 1024 }, false },
        { { 0 }, { 100, 4 * MS, 1 * MIB }, false },                     /* the bytes took that long              */
        { { 0 }, { 100, 14 * MS, 1 * MIB }, true },
        { { 0 }, { 100, 8 * MS, 1024, 15 }, false },                    /* busy: it does many side by side       */
        { { 0 }, { 100, 100 * MS, 1024, 15 }, true },                   /* one after the other                   */
        { { 0 }, { 100, 100 * MS, 8 * MIB }, false },                   /* too large to say anything             */
        { { 20, 10 * MS, 1024 }, { 100, 1 * MS, 8 * MIB }, true },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct pace p;
        pace_init(&p, 0);
        note(&p, &table[i].before);
        note(&p, &table[i].then);
        if (pace_is_slow(&p) != table[i].is_slow)
            fail_msg("row %zu: %lld us", i, (long long)p.sync_us);
    }
}

static void test_a_slow_start_counts_at_once_and_is_forgotten_when_commits_are_fast(void **state)
{
    struct pace p;
    (void)state;
    pace_init(&p, 0);
    pace_note_start(&p, MS);
    assert_false(pace_is_slow(&p));
    pace_note_start(&p, 10 * MS);
    assert_true(pace_is_slow(&p));
    note(&p, &(struct commits){ .count = 40, .took_us = MS / 2, .bytes = 1024 });
    assert_false(pace_is_slow(&p));
}

static void test_a_transaction_takes_what_the_disk_writes_in_a_moment(void **state)
{
    struct pace p;
    (void)state;
    pace_init(&p, 0);
    assert_int_equal(pace_batch_bytes(&p, 0), PACE_BATCH_MOST);
    pace_note_batch(&p, 800 * MS, 8 * MIB);
    assert_int_equal(pace_batch_bytes(&p, 0), 4 * MIB);
    for (int i = 0; i < 10; i++)
        pace_note_batch(&p, 800 * MS, 4 * MIB);
    assert_int_equal(pace_batch_bytes(&p, 0), PACE_BATCH_LEAST);
    pace_note_batch(&p, 10 * MS, 1024); /* says nothing */
    assert_int_equal(pace_batch_bytes(&p, 0), PACE_BATCH_LEAST);
    for (int i = 0; i < 10; i++)
        pace_note_batch(&p, 10 * MS, 8 * MIB);
    assert_int_equal(pace_batch_bytes(&p, 0), PACE_BATCH_MOST);
}

static void test_when_all_commits_are_large_one_is_small_so_that_the_disk_is_known(void **state)
{
    struct pace p;
    (void)state;
    pace_init(&p, 0);
    pace_note_commit(&p, 10 * MS, 1024, 0, 0);
    pace_note_commit(&p, 10 * MS, 8 * MIB, 0, 2 * SECOND);
    assert_true(pace_batch_bytes(&p, 2 * SECOND) < MIB);
    pace_note_commit(&p, 10 * MS, 300 * KIB, 0, 2 * SECOND);
    assert_int_equal(pace_batch_bytes(&p, 2 * SECOND), PACE_BATCH_MOST);
}

/* --- what goes inline -------------------------------------------------------------------------------------------- */

/* As if it had been found so; the next commit on a real disk of the test may say otherwise. */
static void make_slow(struct temp *t, bool is_slow)
{
    atomic_store(&t->store->pace.is_slow, is_slow);
}

static void test_on_a_slow_disk_with_room_larger_ones_go_inline(void **state)
{
    struct temp *t = *state;
    make_slow(t, false);
    assert_int_equal(store_inline_max(t->store), 64 * KIB);
    make_slow(t, true);
    assert_int_equal(store_inline_max(t->store), 1 * MIB);
    assert_int_equal(store_small_max(t->store), 64 * KIB);
    atomic_store(&t->store->is_full, true);
    assert_int_equal(store_inline_max(t->store), 64 * KIB);
    atomic_store(&t->store->is_full, false);
    make_slow(t, false);
    assert_int_equal(store_inline_max(t->store), 64 * KIB);
}

static void test_a_store_told_to_makes_no_difference(void **state)
{
    struct temp *t = *state;
    struct err e = { 0 };
    store_close(&t->store);
    const struct store_options o = { .folder = t->folder, .reserve_bytes = 1 << 16, .inline_max = 100 * KIB, .inline_slow = 1 };
    assert_int_equal(store_open(&o, &t->store, &e), 0);
    make_slow(t, true);
    assert_int_equal(store_inline_max(t->store), 100 * KIB);
}

/* The writer waits here, inside a transaction. */
struct gate {
    struct store_op op;
    sem_t is_in, may_go;
};

static int gate_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct gate *g = (struct gate *)op;
    (void)tx, (void)e;
    (void)sem_post(&g->is_in);
    (void)sem_wait(&g->may_go);
    return 0;
}

static void gate_done(struct store_op *op, const struct err *failed)
{
    (void)op, (void)failed;
}

static void gate_shut(struct temp *t, struct gate *g)
{
    *g = (struct gate){ .op = { .rank = STORE_EVENT, .apply = gate_apply, .done = gate_done } };
    (void)sem_init(&g->is_in, 0, 0);
    (void)sem_init(&g->may_go, 0, 0);
    store_submit(t->store, &g->op);
    (void)sem_wait(&g->is_in);
}

static char *picture(size_t n)
{
    char *p = malloc(n + 1);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)('a' + i % 23);
    p[n] = '\0';
    return p;
}

static void test_what_waits_in_memory_is_bounded(void **state)
{
    enum { MANY = 64 };
    struct temp *t = *state;
    struct gate gate;
    struct waited *w[MANY];
    char *mail = picture(MIB);
    gate_shut(t, &gate);
    make_slow(t, true);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(store_inline_max(t->store), 1 * MIB);
        w[i] = waited_new(now, mail);
        store_accept(t->store, &w[i]->a);
    }
    assert_int_equal(store_inline_max(t->store), 64 * KIB);
    (void)sem_post(&gate.may_go);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(waited_wait(w[i]), ERR_NONE);
        free(w[i]);
    }
    assert_int_equal(atomic_load(&t->store->waiting_bytes), 0);
    make_slow(t, true);
    assert_int_equal(store_inline_max(t->store), 1 * MIB);
    free(mail);
}

static void test_alarms_go_before_the_pictures_that_wait(void **state)
{
    struct temp *t = *state;
    struct gate gate;
    struct waited *pictures[12], *alarm = waited_new(now, "alarm");
    char *mail = picture(MIB);
    gate_shut(t, &gate);
    for (size_t i = 0; i < COUNT(pictures); i++) {
        pictures[i] = waited_new(now, mail);
        store_accept(t->store, &pictures[i]->a);
    }
    store_accept(t->store, &alarm->a);
    (void)sem_post(&gate.may_go);
    assert_int_equal(waited_wait(alarm), ERR_NONE);
    assert_int_equal(alarm->a.seq, 1);
    for (size_t i = 0; i < COUNT(pictures); i++) {
        assert_int_equal(waited_wait(pictures[i]), ERR_NONE);
        assert_int_equal(pictures[i]->a.seq, i + 2);
        free(pictures[i]);
    }
    free(alarm);
    free(mail);
}

static bool raw_is(struct temp *t, int64_t seq, const char *want, size_t n)
{
    struct store_reader *r = NULL;
    struct err e = { 0 };
    int fd = -1;
    char *got = malloc(n + 1);
    assert_int_equal(store_reader_open(t->store, &r, &e), 0);
    bool is_same = store_open_raw(r, seq, &fd, &e) == 0 && pread(fd, got, n + 1, 0) == (ssize_t)n && memcmp(got, want, n) == 0;
    if (fd >= 0)
        (void)close(fd);
    free(got);
    store_reader_close(&r);
    return is_same;
}

static void test_bytes_come_back_whole_wherever_they_are(void **state)
{
    static const size_t sizes[] = { 0, 1, 3072, 3073, 65536, 65537, 200000, MIB };
    struct temp *t = *state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char *mail = picture(sizes[i]);
        int64_t seq = temp_keep(t, now, mail);
        assert_true(raw_is(t, seq, mail, sizes[i]));
        free(mail);
    }
    assert_int_equal(temp_number(t, "SELECT count(*) FROM bodies"), 5);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM arrivals WHERE raw IS NULL OR file IS NOT NULL"), 0);
}

static void test_the_inspectors_lanes_go_by_size(void **state)
{
    struct temp *t = *state;
    struct err e = { 0 };
    struct store_reader *r = NULL;
    struct arrival_row rows[8];
    struct arena a;
    char *large = picture(STORE_QUICK_BYTES + 1), *small = picture(STORE_QUICK_BYTES);
    int64_t inline_large = temp_keep(t, now, large), in_file = temp_keep_large(t, now, small, NULL);
    arena_init(&a, 1 << 20);
    assert_int_equal(store_reader_open(t->store, &r, &e), 0);
    assert_int_equal(store_waiting_arrivals(r, true, 0, rows, 8, &a, &e), 1);
    assert_true(rows[0].seq == in_file && !rows[0].is_large && rows[0].has_raw);
    assert_int_equal(store_waiting_arrivals(r, false, 0, rows, 8, &a, &e), 1);
    assert_true(rows[0].seq == inline_large && rows[0].is_large && rows[0].has_raw);
    store_reader_close(&r);
    arena_done(&a);
    free(large);
    free(small);
}

static void test_on_a_full_disk_what_is_not_small_hears_so_even_in_memory(void **state)
{
    struct temp *t = *state;
    char *mail = picture(65537);
    struct waited *large = waited_new(now, mail), *small = waited_new(now, "alarm");
    atomic_store(&t->store->is_full, true);
    store_accept(t->store, &large->a);
    store_accept(t->store, &small->a);
    assert_int_equal(waited_wait(large), ERR_FULL);
    assert_int_equal(waited_wait(small), ERR_NONE);
    assert_int_equal(atomic_load(&t->store->waiting_bytes), 0);
    atomic_store(&t->store->is_full, false);
    free(large);
    free(small);
    free(mail);
}

static int understand(struct store_tx *tx, void *user, struct err *e)
{
    return tx_arrival_state(tx, *(int64_t *)user, ARRIVAL_UNDERSTOOD, "camera", "a picture", e);
}

static void test_what_retention_forgets_leaves_no_body(void **state)
{
    struct temp *t = *state;
    struct err e = { 0 };
    char *mail = picture(200000);
    int64_t seq = temp_keep(t, clock_wall_ms() - INT64_C(40) * 86400000, mail);
    assert_int_equal(temp_do(t, STORE_EVENT, understand, &seq, &e), 0);
    assert_true(raw_is(t, seq, mail, 200000));
    keeper_stop(t->store->keeper);
    struct db *db = NULL;
    struct doubt doubt;
    assert_int_equal(db_open(t->store->database, DB_CHECKPOINT, &db, &e), 0);
    doubt_init(&doubt, clock_wall_ms(), clock_mono_ms(), clock_wall_ms());
    while (retention_run(t->store, db, &doubt))
        ;
    db_close(&db);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM bodies"), 0);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM arrivals WHERE raw IS NOT NULL"), 0);
    assert_false(raw_is(t, seq, mail, 200000));
    free(mail);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, temp_setup, temp_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_disk_is_slow_when_its_syncs_are_and_not_at_one_hiccup),
        cmocka_unit_test(test_a_slow_start_counts_at_once_and_is_forgotten_when_commits_are_fast),
        cmocka_unit_test(test_a_transaction_takes_what_the_disk_writes_in_a_moment),
        cmocka_unit_test(test_when_all_commits_are_large_one_is_small_so_that_the_disk_is_known),
        STORE_TEST(test_on_a_slow_disk_with_room_larger_ones_go_inline),
        STORE_TEST(test_a_store_told_to_makes_no_difference),
        STORE_TEST(test_what_waits_in_memory_is_bounded),
        STORE_TEST(test_alarms_go_before_the_pictures_that_wait),
        STORE_TEST(test_bytes_come_back_whole_wherever_they_are),
        STORE_TEST(test_the_inspectors_lanes_go_by_size),
        STORE_TEST(test_on_a_full_disk_what_is_not_small_hears_so_even_in_memory),
        STORE_TEST(test_what_retention_forgets_leaves_no_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The writer: ranks, batches, failures, and what is promised to who waits. */
#include "core/clock.h"
#include "tests/unit/store/temp.h"
#include <semaphore.h>
#include <sys/wait.h>

static const int64_t now = 1795000000000;

/* Operations that note when they are applied and answered. */
enum { NOTES_MAX = 64 };
static struct {
    pthread_mutex_t lock;
    int applied[NOTES_MAX], answered[NOTES_MAX];
    size_t applied_count, answered_count;
    pthread_cond_t more;
} notes = { .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER };

struct noted {
    struct store_op op;
    int number;
    bool fails;      /* in apply                                */
    atomic_int runs; /* how often it was applied                */
    sem_t *gate;     /* apply waits here                        */
    struct err failed;
};

static void reset_notes(void)
{
    notes.applied_count = notes.answered_count = 0;
}

static int noted_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct noted *n = (struct noted *)op;
    n->runs++;
    if (n->gate)
        (void)sem_wait(n->gate);
    notes.applied[notes.applied_count++ % NOTES_MAX] = n->number;
    if (db_run(tx_db(tx), e, "INSERT INTO audit(at_ms, who, what) VALUES(?, 'test', ?)", P(n->number), P("noted")) < 0)
        return -1;
    return n->fails ? err_set(e, ERR_STATE, "operation %d does not want to", n->number) : 0;
}

static void noted_done(struct store_op *op, const struct err *failed)
{
    struct noted *n = (struct noted *)op;
    (void)pthread_mutex_lock(&notes.lock);
    if (failed)
        n->failed = *failed;
    notes.answered[notes.answered_count++ % NOTES_MAX] = n->number;
    (void)pthread_cond_signal(&notes.more);
    (void)pthread_mutex_unlock(&notes.lock);
}

static void wait_answered(size_t count)
{
    (void)pthread_mutex_lock(&notes.lock);
    while (notes.answered_count < count)
        (void)pthread_cond_wait(&notes.more, &notes.lock);
    (void)pthread_mutex_unlock(&notes.lock);
}

static void submit(struct temp *t, struct noted *n, enum store_rank rank, int number)
{
    n->op = (struct store_op){ .rank = rank, .apply = noted_apply, .done = noted_done };
    n->number = number;
    store_submit(t->store, &n->op);
}

static void wait_until_taken(struct noted *n)
{
    while (atomic_load(&n->runs) == 0)
        (void)usleep(100);
}

static void test_what_waits_is_written_by_rank(void **state)
{
    struct temp *t = *state;
    static sem_t gate;
    struct noted first = { .gate = &gate }, rest[6] = { 0 };
    static const struct {
        enum store_rank rank;
        int number;
    } orders[] = { { STORE_LATER, 5 }, { STORE_EVENT, 3 }, { STORE_ARRIVAL, 1 },
                   { STORE_LATER, 6 }, { STORE_EVENT, 4 }, { STORE_ARRIVAL, 2 } };
    reset_notes();
    (void)sem_init(&gate, 0, 0);
    submit(t, &first, STORE_ARRIVAL, 0);
    wait_until_taken(&first);
    for (size_t i = 0; i < COUNT(orders); i++)
        submit(t, &rest[i], orders[i].rank, orders[i].number);
    (void)sem_post(&gate);
    wait_answered(7);
    for (int i = 0; i < 7; i++) {
        assert_int_equal(notes.applied[i], i);
        assert_int_equal(notes.answered[i], i);
    }
}

static void test_one_that_fails_stops_nobody_else(void **state)
{
    struct temp *t = *state;
    static sem_t gate;
    struct noted first = { .gate = &gate }, rest[8] = { [3].fails = true };
    reset_notes();
    (void)sem_init(&gate, 0, 0);
    submit(t, &first, STORE_EVENT, 100);
    wait_until_taken(&first);
    for (int i = 0; i < 8; i++)
        submit(t, &rest[i], STORE_EVENT, i);
    (void)sem_post(&gate);
    wait_answered(9);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(rest[i].failed.code, i == 3 ? ERR_STATE : ERR_NONE);
        assert_int_equal(rest[i].runs, i <= 3 ? 2 : 1);
    }
    assert_int_equal(temp_number(t, "SELECT count(*) FROM audit"), 8);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM audit WHERE at_ms = 3"), 0);
}

static void test_bookkeeping_goes_within_a_moment_even_alone(void **state)
{
    struct temp *t = *state;
    struct noted alone = { 0 };
    reset_notes();
    int64_t start = clock_mono_ms();
    submit(t, &alone, STORE_LATER, 1);
    wait_answered(1);
    int64_t took = clock_mono_ms() - start;
    assert_true(took >= 45);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM audit"), 1);
}

static void test_bookkeeping_goes_with_a_commit_that_happens_anyway(void **state)
{
    struct temp *t = *state;
    struct noted later = { 0 }, event = { 0 };
    reset_notes();
    int64_t start = clock_mono_ms();
    submit(t, &later, STORE_LATER, 2);
    submit(t, &event, STORE_EVENT, 1);
    wait_answered(2);
    assert_true(clock_mono_ms() - start < 45);
    assert_int_equal(notes.applied[0], 1);
}

static void test_what_nobody_waits_for_waits_a_second_or_for_any_other(void **state)
{
    struct temp *t = *state;
    struct noted alone = { 0 }, idle = { 0 }, later = { 0 };
    reset_notes();
    int64_t start = clock_mono_ms();
    submit(t, &alone, STORE_IDLE, 1);
    wait_answered(1);
    assert_true(clock_mono_ms() - start >= 995);

    reset_notes();
    start = clock_mono_ms();
    submit(t, &idle, STORE_IDLE, 2);
    submit(t, &later, STORE_LATER, 1);
    wait_answered(2);
    assert_true(clock_mono_ms() - start < 900);
    assert_int_equal(notes.applied[0], 1);
}

static void test_what_waits_can_be_hurried(void **state)
{
    struct temp *t = *state;
    struct noted idle = { 0 };
    store_hurry(t->store); /* nothing waits: nothing happens */
    reset_notes();
    int64_t start = clock_mono_ms();
    submit(t, &idle, STORE_IDLE, 1);
    store_hurry(t->store);
    wait_answered(1);
    assert_true(clock_mono_ms() - start < 900);
}

static void test_closing_empties_the_queue(void **state)
{
    struct temp *t = *state;
    struct noted ops[20] = { 0 };
    reset_notes();
    for (int i = 0; i < 20; i++)
        submit(t, &ops[i], i % 3 == 0 ? STORE_IDLE : i % 3 == 1 ? STORE_LATER : STORE_EVENT, i);
    store_close(&t->store);
    assert_int_equal(notes.answered_count, 20);
    temp_open(t);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM audit"), 20);
}

static void test_more_than_a_batch_is_all_kept_in_order(void **state)
{
    enum { MANY = 1500 };
    struct temp *t = *state;
    struct waited **w = calloc(MANY, sizeof *w);
    char *data = malloc(60001);
    assert_non_null(w);
    assert_non_null(data);
    memset(data, 'x', 60000); /* so that batches end by bytes, too */
    data[60000] = '\0';
    for (int i = 0; i < MANY; i++) {
        w[i] = waited_new(now + i, i % 3 ? "small" : data);
        store_accept(t->store, &w[i]->a);
    }
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(waited_wait(w[i]), ERR_NONE);
        assert_int_equal(w[i]->a.seq, i + 1);
        free(w[i]);
    }
    free(data);
    free(w);
    assert_int_equal(store_last_arrival(t->store), MANY);
}

/* In the done of an arrival its row is already what a reader sees. */
struct seen {
    struct waited w;
    struct store_reader *reader;
    int64_t rows;
};

static void look_when_kept(struct arrival *a, const struct err *failed)
{
    struct seen *s = (struct seen *)a;
    struct err e = { 0 };
    if (db_number(reader_db(s->reader), "SELECT count(*) FROM arrivals", -1, &s->rows, &e) < 0)
        s->rows = -2;
    waited_kept(a, failed);
}

static void test_readers_see_what_was_answered(void **state)
{
    struct temp *t = *state;
    struct err e = { 0 };
    struct waited *w = waited_new(now, "mail");
    struct seen s = { .w = *w };
    assert_int_equal(store_reader_open(t->store, &s.reader, &e), 0);
    s.w.a.kept = look_when_kept;
    store_accept(t->store, &s.w.a);
    assert_int_equal(waited_wait(&s.w), ERR_NONE);
    assert_int_equal(s.rows, 1);
    store_reader_close(&s.reader);
    free(w);
}

static int write_nothing(struct store_tx *tx, void *user, struct err *e)
{
    (void)tx;
    (void)user;
    (void)e;
    return 0;
}

static void test_running_time_goes_on_where_it_stopped(void **state)
{
    struct temp *t = *state;
    struct err e = { 0 };
    atomic_store(&t->store->running_saved, -RUNNING_SAVE_MS - 1); /* as if a minute had passed */
    (void)usleep(20000);
    assert_int_equal(temp_do(t, STORE_EVENT, write_nothing, NULL, &e), 0);
    int64_t ran = temp_number(t, "SELECT value FROM meta WHERE key = 'running_ms'");
    assert_true(ran >= 20 && ran <= store_running_ms(t->store));
    store_close(&t->store);
    temp_open(t);
    assert_true(store_running_ms(t->store) >= ran);
}

struct sender {
    struct temp *t;
    pthread_t thread;
    int kept;
};

static void *send_fifty(void *user)
{
    struct sender *s = user;
    for (int i = 0; i < 50; i++) {
        struct waited *w = waited_new(now + i, i % 10 ? "small" : NULL);
        if (!w->a.data) {
            w->a.spool = temp_spool(s->t, w->a.id, now, "a large one");
            w->a.bytes = 11;
        }
        store_accept(s->t->store, &w->a);
        s->kept += waited_wait(w) == ERR_NONE;
        free(w);
    }
    return NULL;
}

static void test_many_senders_and_a_reader_at_once(void **state)
{
    struct temp *t = *state;
    struct sender senders[8];
    store_hint_conversation(t->store, 8);
    for (size_t i = 0; i < COUNT(senders); i++) {
        senders[i] = (struct sender){ .t = t };
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_fifty, &senders[i]), 0);
    }
    int64_t seen = 0;
    for (int i = 0; i < 50; i++) {
        int64_t last = store_last_arrival(t->store), rows = temp_number(t, "SELECT count(*) FROM arrivals");
        assert_true(rows >= last && rows >= seen);
        seen = rows;
    }
    for (size_t i = 0; i < COUNT(senders); i++) {
        (void)pthread_join(senders[i].thread, NULL);
        assert_int_equal(senders[i].kept, 50);
    }
    assert_int_equal(temp_number(t, "SELECT count(*) FROM arrivals"), 400);
    assert_int_equal(temp_number(t, "SELECT max(seq) FROM arrivals"), 400);
    assert_null(t->store->spools);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, temp_setup, temp_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_what_waits_is_written_by_rank),
        STORE_TEST(test_one_that_fails_stops_nobody_else),
        STORE_TEST(test_bookkeeping_goes_within_a_moment_even_alone),
        STORE_TEST(test_bookkeeping_goes_with_a_commit_that_happens_anyway),
        STORE_TEST(test_what_nobody_waits_for_waits_a_second_or_for_any_other),
        STORE_TEST(test_what_waits_can_be_hurried),
        STORE_TEST(test_closing_empties_the_queue),
        STORE_TEST(test_more_than_a_batch_is_all_kept_in_order),
        STORE_TEST(test_readers_see_what_was_answered),
        STORE_TEST(test_running_time_goes_on_where_it_stopped),
        STORE_TEST(test_many_senders_and_a_reader_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

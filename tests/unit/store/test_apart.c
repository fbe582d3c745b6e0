/* test_apart: a thread whose work hangs: who stops it, who lets go of the store, and who frees it at the end. */
#include "store/apart.h"
#include "core/wait.h"
#include "tests/unit/core/testing.h"
#include <pthread.h>

enum { LONG_MS = 60 * 1000 };

/* Owned by the test, so that it outlives the thread that was left behind. */
static struct {
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t  changed;
    struct apart   *apart;
    bool            hangs, is_away, has_let_go, is_freed, is_released, has_come_home, has_come_to_nothing;
} work = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void note(bool *what)
{
    (void)pthread_mutex_lock(&work.lock);
    *what = true;
    (void)pthread_cond_broadcast(&work.changed);
    (void)pthread_mutex_unlock(&work.lock);
}

static void wait_for(const bool *what)
{
    int64_t until_us = wait_deadline_us(LONG_MS);
    (void)pthread_mutex_lock(&work.lock);
    while (!*what && wait_until(&work.changed, &work.lock, until_us))
        continue;
    (void)pthread_mutex_unlock(&work.lock);
}

static void run(struct apart *a, void *user)
{
    (void)user;
    while (!work.hangs)
        if (!apart_rest(a, LONG_MS) || apart_is_stopping(a))
            return;
    apart_away(a);
    note(&work.is_away);
    wait_for(&work.is_released);
    bool is_store_there = apart_home(a);
    note(is_store_there ? &work.has_come_home : &work.has_come_to_nothing);
}

static void let_go(void *user)
{
    (void)user;
    note(&work.has_let_go);
}

static void free_work(void *user)
{
    (void)user;
    note(&work.is_freed);
}

static void start(bool hangs)
{
    struct err e;
    work.hangs = hangs;
    work.is_away = work.has_let_go = work.is_freed = work.is_released = work.has_come_home = work.has_come_to_nothing = false;
    assert_int_equal(apart_start(&(struct apart_work){ .name = "work", .run = run, .let_go = let_go, .free = free_work }, &work.apart, &e), 0);
}

static void stop_and_see_it_end(void)
{
    apart_stop(work.apart);
    assert_false(work.has_let_go);
    assert_true(work.is_freed);
}

static void test_a_thread_that_rests_ends_at_once_and_its_end_is_the_stoppers(void **state)
{
    (void)state;
    start(false);
    assert_int_equal(apart_away_ms(work.apart), 0);
    stop_and_see_it_end();
}

static void test_a_thread_that_comes_home_in_time_keeps_the_store(void **state)
{
    (void)state;
    start(true);
    wait_for(&work.is_away);
    note(&work.is_released);
    wait_for(&work.has_come_home);
    stop_and_see_it_end();
}

static void test_a_thread_that_hangs_is_left_behind_and_frees_when_it_comes_home(void **state)
{
    (void)state;
    start(true);
    wait_for(&work.is_away);
    apart_stop(work.apart); /* three seconds */
    assert_true(work.has_let_go);
    assert_false(work.is_freed);

    note(&work.is_released);
    wait_for(&work.has_come_to_nothing);
    wait_for(&work.is_freed);
    assert_true(work.is_freed);
    assert_false(work.has_come_home);
    assert_true(work.has_let_go);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_thread_that_rests_ends_at_once_and_its_end_is_the_stoppers),
        cmocka_unit_test(test_a_thread_that_comes_home_in_time_keeps_the_store),
        cmocka_unit_test(test_a_thread_that_hangs_is_left_behind_and_frees_when_it_comes_home),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_wait: a wait ends when it is told to or when its time is over, by a clock that no test moves. */
#include "core/wait.h"
#include "core/clock.h"
#include "testing.h"
#include <unistd.h>

enum { LONG_MS = 60 * 1000, SHORT_MS = 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t  changed = PTHREAD_COND_INITIALIZER;
static bool            is_done; /* with the lock */

static void *finish(void *unused)
{
    (void)pthread_mutex_lock(&lock);
    is_done = true;
    (void)pthread_cond_signal(&changed);
    (void)pthread_mutex_unlock(&lock);
    return unused;
}

static bool wait_until_done(int64_t until_us)
{
    (void)pthread_mutex_lock(&lock);
    while (!is_done && wait_until(&changed, &lock, until_us))
        continue;
    bool is = is_done;
    (void)pthread_mutex_unlock(&lock);
    return is;
}

static void test_wait_ends_when_another_thread_says_so(void **state)
{
    (void)state;
    pthread_t other;
    int64_t   until_us = wait_deadline_us(LONG_MS);
    is_done = false;
    assert_int_equal(pthread_create(&other, NULL, finish, NULL), 0);
    assert_true(wait_until_done(until_us));
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_true(clock_steady_us() < until_us);
}

static void test_wait_ends_when_its_time_is_over_and_not_before(void **state)
{
    (void)state;
    is_done = false;
    int64_t until_us = wait_deadline_us(SHORT_MS);
    assert_true(until_us >= clock_steady_us());
    assert_false(wait_until_done(until_us));
    assert_true(clock_steady_us() >= until_us);
}

static void test_wait_for_a_time_that_has_passed_gives_the_lock_back_at_once(void **state)
{
    (void)state;
    is_done = false;
    assert_false(wait_until_done(clock_steady_us() - 1));
    assert_false(wait_until_done(0));
    assert_int_equal(pthread_mutex_trylock(&lock), 0);
    (void)pthread_mutex_unlock(&lock);
}

#ifdef POSTERN_FAULTS
/* An hour, while the wait takes what it takes. */
static void test_wait_knows_nothing_of_the_test_clock(void **state)
{
    (void)state;
    int64_t before_us = clock_steady_us(), moved_ms = clock_mono_ms() - before_us / 1000;
    assert_true(moved_ms >= 3600 * 1000);
    assert_true(wait_deadline_us(SHORT_MS) < before_us + INT64_C(3600) * 1000000);
}

static void move_the_test_clock(void)
{
    char          path[] = "/tmp/test_wait.XXXXXX";
    const int64_t offsets[2] = { 0, 3600 * 1000 };
    int           fd = mkstemp(path);
    if (fd < 0 || write(fd, offsets, sizeof offsets) != sizeof offsets || setenv("POSTERN_CLOCK", path, 1) < 0)
        abort();
    (void)clock_mono_ms(); /* looks at the file once */
    (void)close(fd);
    (void)unlink(path);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wait_ends_when_another_thread_says_so),
        cmocka_unit_test(test_wait_ends_when_its_time_is_over_and_not_before),
        cmocka_unit_test(test_wait_for_a_time_that_has_passed_gives_the_lock_back_at_once),
#ifdef POSTERN_FAULTS
        cmocka_unit_test(test_wait_knows_nothing_of_the_test_clock),
#endif
    };
#ifdef POSTERN_FAULTS
    move_the_test_clock();
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* clock_watch: what is doubt, what is a step, and what is neither. */
#include "service/clock_watch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const int64_t now_ms = INT64_C(1795230765000); /* 2026-11-21 */
enum { S = 1000 };

/* One look: the wall clock less now, the running time, whether NTP has it; and what is to be heard. */
struct look {
    int64_t         wall, mono;
    bool            is_kept;
    enum clock_news news;
};

static void check(const struct look *looks, size_t n)
{
    struct clock_doubt d = { 0 };
    for (size_t i = 0; i < n; i++) {
        enum clock_news news = clock_doubt_look(&d, now_ms + looks[i].wall, looks[i].mono, looks[i].is_kept);
        if (news != looks[i].news)
            fail_msg("look %zu: %d, not %d", i, (int)news, (int)looks[i].news);
    }
}
#define CHECK(...)                                                                                                           \
    do {                                                                                                                     \
        static const struct look looks[] = { __VA_ARGS__ };                                                                  \
        check(looks, sizeof looks / sizeof looks[0]);                                                                        \
    } while (0)

static void test_a_pi_that_wakes_in_1970_is_set(void **state)
{
    (void)state;
    CHECK({ -1795230765000, 20 * S, false, CLOCK_DOUBT_BEGINS }, { -1795230765000 + S, 21 * S, false, CLOCK_NO_NEWS },
          { 2 * S, 22 * S, false, CLOCK_STEPPED }, { 3 * S, 23 * S, true, CLOCK_DOUBT_ENDS }, { 4 * S, 24 * S, true, CLOCK_NO_NEWS });
}

static void test_a_pi_that_wakes_where_it_fell_asleep_is_set(void **state)
{
    (void)state;
    CHECK({ -9 * 86400000LL, 20 * S, false, CLOCK_DOUBT_BEGINS }, { S, 21 * S, true, CLOCK_STEPPED }, { 2 * S, 22 * S, true, CLOCK_DOUBT_ENDS });
}

static void test_a_clock_that_is_only_slewed_did_not_step(void **state)
{
    (void)state;
    CHECK({ 0, 20 * S, false, CLOCK_DOUBT_BEGINS }, { 10 * S, 21 * S, false, CLOCK_NO_NEWS }, { 11 * S, 22 * S, true, CLOCK_DOUBT_ENDS });
}

static void test_a_step_of_a_clock_that_was_good_is_the_owners(void **state)
{
    (void)state;
    CHECK({ 0, 20 * S, true, CLOCK_NO_NEWS }, { 3600 * S, 21 * S, true, CLOCK_NO_NEWS }, { 0, 22 * S, true, CLOCK_NO_NEWS });
}

static void test_nobody_keeps_this_clock_and_after_a_day_it_is_believed(void **state)
{
    (void)state;
    CHECK({ 0, 20 * S, false, CLOCK_DOUBT_BEGINS }, { 86400 * S, 86420 * S, false, CLOCK_DOUBT_ENDS }, { 90000 * S, 86421 * S, false, CLOCK_NO_NEWS });
}

static void test_two_steps_are_two(void **state)
{
    (void)state;
    CHECK({ -1795230765000, 20 * S, false, CLOCK_DOUBT_BEGINS }, { -900 * S, 21 * S, false, CLOCK_STEPPED }, { -899 * S, 22 * S, false, CLOCK_NO_NEWS },
          { 0, 23 * S, true, CLOCK_STEPPED }, { S, 24 * S, true, CLOCK_DOUBT_ENDS });
}

static void test_a_clock_that_falls_back_to_1970_is_in_doubt_whoever_keeps_it(void **state)
{
    (void)state;
    CHECK({ 0, 20 * S, true, CLOCK_NO_NEWS }, { -1795230765000, 21 * S, true, CLOCK_DOUBT_BEGINS }, { 2 * S, 22 * S, true, CLOCK_STEPPED },
          { 3 * S, 23 * S, true, CLOCK_DOUBT_ENDS });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pi_that_wakes_in_1970_is_set),
        cmocka_unit_test(test_a_pi_that_wakes_where_it_fell_asleep_is_set),
        cmocka_unit_test(test_a_clock_that_is_only_slewed_did_not_step),
        cmocka_unit_test(test_a_step_of_a_clock_that_was_good_is_the_owners),
        cmocka_unit_test(test_nobody_keeps_this_clock_and_after_a_day_it_is_believed),
        cmocka_unit_test(test_two_steps_are_two),
        cmocka_unit_test(test_a_clock_that_falls_back_to_1970_is_in_doubt_whoever_keeps_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

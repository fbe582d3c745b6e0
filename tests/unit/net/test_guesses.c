/* test_guesses: wrong passwords wait, address by address; time is an argument. */
#include "net/guesses.h"
#include "core/attr.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const unsigned char here[16] = { 1 }, there[16] = { 2 };

static int64_t wait_of(struct guesses *g, const unsigned char address[16], int64_t now)
{
    int64_t wait;
    (void)guesses_add(g, address, now, &wait);
    return wait;
}

static void test_each_waits_twice_as_long_up_to_ten_seconds(void **state)
{
    (void)state;
    static const int64_t waits[] = { 1000, 2000, 4000, 8000, 10000, 10000 };
    struct guesses g = { 0 };
    int64_t now = 5;
    for (size_t i = 0; i < COUNT(waits); i++) {
        assert_int_equal(wait_of(&g, here, now), waits[i]);
        assert_int_equal(guesses_count(&g, here, now), i + 1);
        now += waits[i];
    }
    assert_int_equal(wait_of(&g, there, now), 1000);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(wait_of(&g, here, now += GUESSES_WAIT_MS), GUESSES_WAIT_MS);
}

static void test_many_at_once_wait_one_behind_the_other(void **state)
{
    (void)state;
    struct guesses g = { 0 };
    assert_int_equal(wait_of(&g, here, 0), 1000);
    assert_int_equal(wait_of(&g, here, 0), 3000);
    assert_int_equal(wait_of(&g, here, 500), 6500);
    assert_int_equal(wait_of(&g, here, 500), 10000); /* nobody waits longer */
}

static void test_a_quiet_quarter_of_an_hour_forgets(void **state)
{
    (void)state;
    struct guesses g = { 0 };
    (void)wait_of(&g, here, 0);
    (void)wait_of(&g, here, 0);
    assert_int_equal(guesses_count(&g, here, GUESSES_QUIET_MS - 1), 2);
    assert_int_equal(guesses_count(&g, here, GUESSES_QUIET_MS), 0);
    assert_int_equal(wait_of(&g, here, GUESSES_QUIET_MS), 1000);
}

static void test_where_no_place_is_free_the_oldest_goes(void **state)
{
    (void)state;
    struct guesses g = { 0 };
    unsigned char address[16] = { 9 };
    for (int i = 0; i <= GUESSES_PLACES; i++) {
        memcpy(address + 1, &i, sizeof i);
        (void)wait_of(&g, address, i);
    }
    assert_int_equal(guesses_count(&g, address, GUESSES_PLACES), 1);
    for (int i = 0; i < 2; i++) {
        memcpy(address + 1, &i, sizeof i);
        assert_int_equal(guesses_count(&g, address, GUESSES_PLACES), i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_waits_twice_as_long_up_to_ten_seconds),
        cmocka_unit_test(test_many_at_once_wait_one_behind_the_other),
        cmocka_unit_test(test_a_quiet_quarter_of_an_hour_forgets),
        cmocka_unit_test(test_where_no_place_is_free_the_oldest_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_rates: so many mails a minute, each address for itself. */
#include "net/rates.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const unsigned char *address(unsigned n)
{
    static unsigned char out[16];
    memset(out, 0, sizeof out);
    memcpy(out, &n, sizeof n);
    return out;
}

static int take_many(struct rates *r, unsigned who, int times, int64_t now)
{
    int taken = 0;
    for (int i = 0; i < times; i++)
        taken += rates_take(r, address(who), 10, now);
    return taken;
}

static void test_a_minute_holds_so_many(void **state)
{
    (void)state;
    struct rates r = { 0 };
    assert_int_equal(take_many(&r, 1, 30, 0), 10);
    assert_int_equal(take_many(&r, 1, 30, 5999), 0);
    assert_int_equal(take_many(&r, 1, 30, 6000), 1);
    assert_int_equal(take_many(&r, 1, 30, 36000), 5);
    assert_int_equal(take_many(&r, 1, 30, 10 * 60000), 10);
}

static void test_a_clock_that_does_not_go_on_gives_nothing(void **state)
{
    (void)state;
    struct rates r = { 0 };
    assert_int_equal(take_many(&r, 1, 30, 100000), 10);
    assert_int_equal(take_many(&r, 1, 30, 1000), 0);
}

static void test_one_address_does_not_use_up_anothers(void **state)
{
    (void)state;
    struct rates r = { 0 };
    assert_int_equal(take_many(&r, 1, 100, 0), 10);
    assert_int_equal(take_many(&r, 2, 3, 0), 3);
    assert_int_equal(take_many(&r, 2, 30, 0), 7);
}

static void test_a_crowd_does_not_make_a_flood_forgotten(void **state)
{
    (void)state;
    struct rates r = { 0 };
    assert_int_equal(take_many(&r, 1, 100, 0), 10);
    for (unsigned i = 2; i < 5000; i++)
        assert_int_equal(take_many(&r, i, 1, 1), 1);
    assert_int_equal(take_many(&r, 1, 100, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_minute_holds_so_many),
        cmocka_unit_test(test_a_clock_that_does_not_go_on_gives_nothing),
        cmocka_unit_test(test_one_address_does_not_use_up_anothers),
        cmocka_unit_test(test_a_crowd_does_not_make_a_flood_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

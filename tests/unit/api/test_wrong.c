/* wrong: how long an address waits that sent wrong tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/wrong.h"
#include <stdio.h>

static struct wrong w;

static int setup(void **state)
{
    (void)state;
    w = (struct wrong){ 0 };
    return 0;
}

static void test_ten_are_free_then_one_in_six_seconds(void **state)
{
    (void)state;
    for (int i = 0; i < WRONG_AT_ONCE; i++) {
        assert_int_equal(wrong_wait_seconds(&w, "192.0.2.7", 1000), 0);
        wrong_add(&w, "192.0.2.7", 1000);
    }
    assert_int_equal(wrong_wait_seconds(&w, "192.0.2.7", 1000), 6);
    assert_int_equal(wrong_wait_seconds(&w, "192.0.2.7", 6999), 1);
    assert_int_equal(wrong_wait_seconds(&w, "192.0.2.7", 7000), 0);
    wrong_add(&w, "192.0.2.7", 7000);
    assert_int_equal(wrong_wait_seconds(&w, "192.0.2.7", 7000), 6);
    assert_int_equal(wrong_wait_seconds(&w, "192.0.2.7", 70000), 0);
}

static void test_each_address_has_its_own_count(void **state)
{
    (void)state;
    for (int i = 0; i < WRONG_AT_ONCE; i++)
        wrong_add(&w, "192.0.2.7", 1000);
    assert_int_equal(wrong_wait_seconds(&w, "192.0.2.8", 1000), 0);
    assert_int_equal(wrong_wait_seconds(&w, "::ffff:192.0.2.7", 1000), 6);
    assert_int_equal(wrong_wait_seconds(&w, "", 1000), 0);
}

static void test_a_whole_network_of_ipv6_counts_as_one(void **state)
{
    (void)state;
    char peer[40];
    for (int i = 0; i < WRONG_AT_ONCE; i++) {
        (void)snprintf(peer, sizeof peer, "2001:db8:1:2::%d", i + 1);
        wrong_add(&w, peer, 1000);
    }
    assert_int_equal(wrong_wait_seconds(&w, "2001:db8:1:2::ffff", 1000), 6);
    assert_int_equal(wrong_wait_seconds(&w, "2001:db8:1:3::1", 1000), 0);
}

static void test_where_no_place_is_free_the_mildest_goes(void **state)
{
    (void)state;
    char peer[40];
    for (int i = 0; i < WRONG_AT_ONCE; i++)
        wrong_add(&w, "192.0.2.7", 1000);
    for (int i = 0; i < 4 * WRONG_PLACES; i++) {
        (void)snprintf(peer, sizeof peer, "198.51.%d.%d", i / 250, i % 250 + 1);
        wrong_add(&w, peer, 1000 + i);
    }
    assert_int_equal(wrong_wait_seconds(&w, "192.0.2.7", 1000), 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_ten_are_free_then_one_in_six_seconds, setup),
        cmocka_unit_test_setup(test_each_address_has_its_own_count, setup),
        cmocka_unit_test_setup(test_a_whole_network_of_ipv6_counts_as_one, setup),
        cmocka_unit_test_setup(test_where_no_place_is_free_the_mildest_goes, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

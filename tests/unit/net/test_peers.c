/* test_peers: who has how many connections, and what is worth a log line. */
#include "net/peers.h"
#include "net/repeats.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void address(unsigned char out[16], unsigned n)
{
    memset(out, 0, 16);
    memcpy(out, &n, sizeof n);
}

static void test_peers_are_counted_each_for_itself(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    struct peers *p = peers_new();
    unsigned char a[16];
    size_t most;
    assert_null(peers_heaviest(p, &most));
    for (unsigned i = 0; i < MANY; i++)
        for (unsigned k = 0; k <= i % 3; k++) {
            address(a, i);
            assert_int_equal(peers_add(p, a), 0);
        }
    for (unsigned i = 0; i < MANY; i++) {
        address(a, i);
        assert_int_equal(peers_count(p, a), i % 3 + 1);
    }
    address(a, 77);
    while (peers_count(p, a) < 9)
        assert_int_equal(peers_add(p, a), 0);
    assert_memory_equal(peers_heaviest(p, &most), a, 16);
    assert_int_equal(most, 9);
    for (int i = 0; i < 9; i++)
        peers_remove(p, a);
    assert_int_equal(peers_count(p, a), 0);
    peers_remove(p, a); /* nothing there: nothing happens */
    peers_free(&p);
    assert_null(p);
}

static void test_a_repeat_is_counted_not_repeated(void **state)
{
    (void)state;
    struct repeats r = { 0 };
    unsigned char a[16], b[16];
    uint64_t repeats = 99;
    address(a, 1);
    address(b, 2);
    assert_true(repeats_say(&r, a, "allow_from", 1000, &repeats));
    assert_int_equal(repeats, 0);
    for (int i = 1; i <= 7; i++)
        assert_false(repeats_say(&r, a, "allow_from", 1000 + i, &repeats));
    assert_true(repeats_say(&r, a, "connections", 1001, &repeats)); /* another reason */
    assert_true(repeats_say(&r, b, "allow_from", 1001, &repeats));  /* another address */
    assert_true(repeats_say(&r, a, "allow_from", 1000 + REPEATS_QUIET_MS, &repeats));
    assert_int_equal(repeats, 7);
    assert_true(repeats_say(&r, a, "allow_from", 1000 + 3 * REPEATS_QUIET_MS, &repeats));
    assert_int_equal(repeats, 0);
}

static void test_some_are_said_less_often_than_others(void **state)
{
    (void)state;
    struct repeats r = { .quiet_ms = 60 * REPEATS_QUIET_MS };
    unsigned char a[16];
    uint64_t repeats;
    address(a, 1);
    assert_true(repeats_say(&r, a, "allow_from", 1000, &repeats));
    assert_false(repeats_say(&r, a, "allow_from", 1000 + 59 * REPEATS_QUIET_MS, &repeats));
    assert_true(repeats_say(&r, a, "allow_from", 1000 + 60 * REPEATS_QUIET_MS, &repeats));
    assert_int_equal(repeats, 1);
}

static void test_a_flood_from_many_addresses_is_bounded(void **state)
{
    (void)state;
    struct repeats r = { 0 };
    uint64_t repeats, said = 0;
    for (unsigned i = 0; i < 1000; i++) {
        unsigned char a[16];
        address(a, i);
        said += repeats_say(&r, a, "allow_from", 1000, &repeats);
    }
    assert_int_equal(said, REPEATS_PLACES);
    unsigned char a[16];
    address(a, 5000);
    assert_true(repeats_say(&r, a, "allow_from", 1000 + REPEATS_QUIET_MS, &repeats));
    assert_int_equal(repeats, 1000 - REPEATS_PLACES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peers_are_counted_each_for_itself),
        cmocka_unit_test(test_a_repeat_is_counted_not_repeated),
        cmocka_unit_test(test_some_are_said_less_often_than_others),
        cmocka_unit_test(test_a_flood_from_many_addresses_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_arena: one ceiling for all, alignment for any type, zeroed memory. */
#include "core/arena.h"
#include "testing.h"
#include <stdalign.h>

static void test_arena_memory_is_aligned_zeroed_and_apart(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, 1 << 20);
    unsigned char *last = NULL;
    for (size_t n = 1; n < 300; n++) {
        unsigned char *p = arena_alloc(&a, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xAA, n);
        if (last)
            assert_int_equal(last[n - 2], 0xAA);
        last = p;
    }
}

static void test_arena_keeps_its_ceiling_for_the_smallest_pieces(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, 4096);
    size_t count = 0;
    while (arena_alloc(&a, 1))
        count++;
    assert_int_equal(count, 4096 / alignof(max_align_t));
    assert_true(a.used <= a.max);
}

static void test_arena_refuses_what_does_not_fit_and_goes_on(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, 1000);
    assert_null(arena_alloc(&a, 1001));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - alignof(max_align_t)));
    assert_null(arena_copy(&a, "x", SIZE_MAX));
    assert_null(arena_printf(&a, "%2000s", "x"));
    assert_non_null(arena_alloc(&a, 900));
    assert_null(arena_str(&a, "a string of more than what is left, which is not one hundred bytes but a little less, so that it does not fit"));
}

static void test_arena_pieces_larger_than_a_block_are_whole(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, 1 << 20);
    char *small = arena_str(&a, "small");
    char *large = arena_alloc(&a, 500000);
    char *after = arena_str(&a, "after");
    memset(large, 'x', 500000);
    assert_string_equal(small, "small");
    assert_string_equal(after, "after");
}

static void test_arena_copies_end_in_nul(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, 1000);
    assert_string_equal(arena_copy(&a, "abcdef", 3), "abc");
    assert_string_equal(arena_copy(&a, "", 0), "");
    assert_string_equal(arena_printf(&a, "%s-%d", "x", 7), "x-7");
    assert_null(arena_str(&a, NULL));
    assert_null(arena_copy(&a, NULL, 3));
}

static void test_arena_done_leaves_it_as_new(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 64);
    assert_non_null(arena_alloc(&a, 64));
    assert_null(arena_alloc(&a, 1));
    arena_done(&a);
    assert_non_null(arena_alloc(&a, 64));
    arena_done(&a);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena_memory_is_aligned_zeroed_and_apart),
        cmocka_unit_test(test_arena_keeps_its_ceiling_for_the_smallest_pieces),
        cmocka_unit_test(test_arena_refuses_what_does_not_fit_and_goes_on),
        cmocka_unit_test(test_arena_pieces_larger_than_a_block_are_whole),
        cmocka_unit_test(test_arena_copies_end_in_nul),
        cmocka_unit_test(test_arena_done_leaves_it_as_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

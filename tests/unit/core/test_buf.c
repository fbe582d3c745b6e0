/* test_buf: the growing buffer never passes its ceiling and never lies about what it holds. */
#include "core/buf.h"
#include "testing.h"

static void test_buf_is_an_empty_string_from_the_start(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, 10);
    assert_string_equal(buf_str(&b), "");
    assert_int_equal(b.len, 0);
}

static void test_buf_keeps_its_ceiling(void **state)
{
    (void)state;
    for (size_t max = 0; max <= 200; max++) {
        CLEANUP(buf_done) struct buf b;
        buf_init(&b, max);
        struct err e = { 0 };
        for (size_t i = 0; i < max; i++)
            assert_int_equal(buf_add(&b, "x", 1, &e), 0);
        assert_int_equal(buf_add(&b, "y", 1, &e), -1);
        assert_int_equal(e.code, ERR_LIMIT);
        assert_int_equal(b.len, max);
        assert_true(b.cap <= max);
        assert_int_equal(strlen(buf_str(&b)), max);
    }
}

static void test_buf_add_that_does_not_fit_changes_nothing(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, 5);
    struct err e;
    assert_int_equal(buf_add(&b, "abc", 3, &e), 0);
    assert_int_equal(buf_add(&b, "def", 3, &e), -1);
    assert_int_equal(buf_add(&b, "x", SIZE_MAX, &e), -1);
    assert_int_equal(buf_reserve(&b, SIZE_MAX - 1, &e), -1);
    assert_string_equal(buf_str(&b), "abc");
    assert_false(b.failed);
    assert_int_equal(buf_add(&b, "de", 2, &e), 0);
    assert_string_equal(buf_str(&b), "abcde");
}

static void test_buf_put_that_does_not_fit_stops_the_builder(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, 6);
    buf_puts(&b, "abc");
    buf_puts(&b, "defg");
    assert_true(b.failed);
    buf_puts(&b, "h");
    buf_puti(&b, 7);
    buf_printf(&b, "%d", 8);
    assert_string_equal(buf_str(&b), "abc");
    buf_clear(&b);
    assert_false(b.failed);
    buf_puts(&b, NULL);
    buf_putc(&b, 'z');
    assert_string_equal(buf_str(&b), "z");
}

static void test_buf_prints_numbers_and_long_texts(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, 4096);
    buf_puti(&b, INT64_MIN);
    buf_putc(&b, ' ');
    buf_puti(&b, INT64_MAX);
    assert_string_equal(buf_str(&b), "-9223372036854775808 9223372036854775807");
    for (int width = 250; width <= 260; width++) {
        buf_clear(&b);
        buf_printf(&b, "%*s|", width, "x");
        assert_int_equal(b.len, width + 1);
        assert_int_equal(b.data[b.len - 1], '|');
    }
}

static void test_buf_printf_over_the_ceiling_adds_nothing(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, 300);
    buf_puts(&b, "head");
    buf_printf(&b, "%400s", "x");
    assert_true(b.failed);
    assert_string_equal(buf_str(&b), "head");
}

static void test_buf_consume_drops_from_the_front(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, 100);
    buf_consume(&b, 0);
    buf_puts(&b, "abcdef");
    buf_consume(&b, 2);
    assert_string_equal(buf_str(&b), "cdef");
    buf_consume(&b, 4);
    assert_string_equal(buf_str(&b), "");
}

static void test_buf_take_hands_over_and_leaves_it_empty(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, 100);
    char *nothing = buf_take(&b);
    assert_string_equal(nothing, "");
    free(nothing);
    buf_put(&b, "a\0b", 3);
    char *taken = buf_take(&b);
    assert_memory_equal(taken, "a\0b", 4);
    free(taken);
    assert_null(b.data);
    assert_int_equal(b.max, 100);
    buf_puts(&b, "again");
    buf_shrink(&b);
    assert_null(b.data);
    assert_int_equal(b.max, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf_is_an_empty_string_from_the_start),
        cmocka_unit_test(test_buf_keeps_its_ceiling),
        cmocka_unit_test(test_buf_add_that_does_not_fit_changes_nothing),
        cmocka_unit_test(test_buf_put_that_does_not_fit_stops_the_builder),
        cmocka_unit_test(test_buf_prints_numbers_and_long_texts),
        cmocka_unit_test(test_buf_printf_over_the_ceiling_adds_nothing),
        cmocka_unit_test(test_buf_consume_drops_from_the_front),
        cmocka_unit_test(test_buf_take_hands_over_and_leaves_it_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

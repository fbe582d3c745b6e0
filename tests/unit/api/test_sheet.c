/* sheet: what readers of the live stream share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/sheet.h"
#include <string.h>

static const struct position start = { .seq = 5, .changed = 7 };

/* Kept, and no longer the test's; to: where it leads. */
static void offer(struct sheets *all, const char *wish, struct position to, uint64_t commits, size_t bytes)
{
    struct sheet *s = sheet_new(wish, start, commits);
    assert_non_null(s);
    s->to = to;
    for (size_t i = 0; i < bytes; i++)
        buf_putc(&s->bytes, 'x');
    sheets_offer(all, s);
    sheet_let_go(&s);
}

static bool is_found(struct sheets *all, const char *wish, struct position from, uint64_t commits)
{
    struct sheet *s = sheets_find(all, wish, from, commits);
    bool          is_there = s != NULL;
    sheet_let_go(&s);
    return is_there;
}

static void test_a_sheet_is_for_those_at_its_position_with_its_wish(void **state)
{
    (void)state;
    struct sheets        *all = sheets_new();
    const struct position on = { 6, 7 };
    offer(all, "kind=alarm.*\n", on, 10, 100);
    assert_true(is_found(all, "kind=alarm.*\n", start, 10));
    assert_false(is_found(all, "kind=alarm.*\nzone=8\n", start, 10));
    assert_false(is_found(all, "", start, 10));
    assert_false(is_found(all, "kind=alarm.*\n", on, 10));
    assert_false(is_found(all, "kind=alarm.*\n", (struct position){ 5, 8 }, 10));
    sheets_free(&all);
}

static void test_one_that_leads_on_is_right_whatever_was_written_since(void **state)
{
    (void)state;
    struct sheets *all = sheets_new();
    offer(all, "on\n", (struct position){ 5, 9 }, 10, 0); /* the filter left out all of it */
    assert_true(is_found(all, "on\n", start, 11));
    offer(all, "nowhere\n", start, 10, 0);
    assert_true(is_found(all, "nowhere\n", start, 10));
    assert_true(is_found(all, "nowhere\n", start, 9));
    assert_false(is_found(all, "nowhere\n", start, 11)); /* else the reader would sleep over what came */
    sheets_free(&all);
}

static void test_the_oldest_gives_way_and_stays_with_who_holds_it(void **state)
{
    (void)state;
    struct sheets *all = sheets_new();
    offer(all, "first\n", (struct position){ 6, 7 }, 10, 3);
    struct sheet *held = sheets_find(all, "first\n", start, 10);
    assert_non_null(held);
    for (int i = 0; i < SHEETS_KEPT; i++)
        offer(all, "later\n", (struct position){ 6, 7 }, 10, 3);
    assert_false(is_found(all, "first\n", start, 10));
    assert_true(is_found(all, "later\n", start, 10));
    sheets_clear(all);
    assert_false(is_found(all, "later\n", start, 10));
    sheets_free(&all);
    assert_string_equal(buf_str(&held->bytes), "xxx");
    sheet_let_go(&held);
    assert_null(held);
}

static void test_what_was_erased_is_in_none(void **state)
{
    (void)state;
    struct sheets        *all = sheets_new();
    const struct position on = { 6, 7 };
    offer(all, "before\n", on, 10, 3);
    sheets_forget(all, 12);
    assert_false(is_found(all, "before\n", start, 10));
    offer(all, "begun before\n", on, 11, 3); /* and read before, too, perhaps */
    assert_false(is_found(all, "begun before\n", start, 11));
    offer(all, "after\n", on, 12, 3);
    assert_true(is_found(all, "after\n", start, 12));
    sheets_free(&all);
}

static void test_large_ones_are_not_kept(void **state)
{
    (void)state;
    struct sheets *all = sheets_new();
    offer(all, "large\n", (struct position){ 6, 7 }, 10, SHEET_KEPT_MAX + 1);
    offer(all, "not so large\n", (struct position){ 6, 7 }, 10, SHEET_KEPT_MAX);
    assert_false(is_found(all, "large\n", start, 10));
    assert_true(is_found(all, "not so large\n", start, 10));
    sheets_free(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sheet_is_for_those_at_its_position_with_its_wish),
        cmocka_unit_test(test_one_that_leads_on_is_right_whatever_was_written_since),
        cmocka_unit_test(test_the_oldest_gives_way_and_stays_with_who_holds_it),
        cmocka_unit_test(test_what_was_erased_is_in_none),
        cmocka_unit_test(test_large_ones_are_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

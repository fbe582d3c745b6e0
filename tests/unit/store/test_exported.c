/* The rows of what lies in Store:ExportFolder: names that are given once, kept over a repeat, and go only with their files. */
#include "store/exported.h"
#include "tests/unit/store/temp.h"

#define BEGINNING "gate/2026-11-21/031245"

static int name_it(struct store_tx *tx, void *user, struct err *e)
{
    return tx_exported_name(tx, BEGINNING, user, e) < 0 ? -1 : 0;
}

static int write_it(struct store_tx *tx, void *user, struct err *e)
{
    return tx_exported_written(tx, user, e);
}

static int erase_it(struct store_tx *tx, void *user, struct err *e)
{
    return tx_exported_erase(tx, ((struct exported *)user)->event, e);
}

static int remove_it(struct store_tx *tx, void *user, struct err *e)
{
    return tx_exported_gone(tx, user, e);
}

static int make_event(struct store_tx *tx, void *user, struct err *e)
{
    static const struct event_origin origin = { .parser = "test", .received_ms = 1795000000000 };
    struct event  ev = { .kind = "camera.motion", .device_id = "gate", .zone_number = ZONE_NONE };
    struct events list = { .items = &ev, .count = 1 };
    bool          is_new;
    return tx_events(tx, 0, &origin, &list, user, &is_new, e);
}

static void run(struct temp *t, int (*step)(struct store_tx *, void *, struct err *), struct exported *x)
{
    struct err e = { 0 };
    if (temp_do(t, STORE_LATER, step, x, &e) < 0)
        fail_msg("%s", e.text);
}

static void make_two_events(struct temp *t)
{
    int64_t    seq;
    struct err e = { 0 };
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(temp_do(t, STORE_EVENT, make_event, &seq, &e), 0);
        assert_int_equal(seq, i);
    }
}

/* What store_do hides: 1 or 0. */
static int named(struct store_tx *tx, void *user, struct err *e)
{
    int found = tx_exported_name(tx, BEGINNING, user, e);
    ((struct exported *)user)->bytes = found;
    return found < 0 ? -1 : 0;
}

static struct exported of(int64_t event, int n)
{
    return (struct exported){ .event = event, .n = n, .extension = "jpg", .received_ms = 1795000000000 };
}

static void test_two_pictures_of_one_second_have_two_names(void **state)
{
    struct temp *t = *state;
    make_two_events(t);
    struct exported a = of(1, 1), b = of(1, 2), c = of(2, 1);
    run(t, name_it, &a);
    run(t, name_it, &b);
    run(t, name_it, &c);
    assert_string_equal(a.stem, BEGINNING "-1");
    assert_string_equal(b.stem, BEGINNING "-2");
    assert_string_equal(c.stem, BEGINNING "-3");
}

static void test_a_name_stays_until_it_is_written_and_is_then_not_given_again(void **state)
{
    struct temp *t = *state;
    make_two_events(t);
    struct exported a = of(1, 1), again = of(1, 1);
    run(t, name_it, &a);
    run(t, named, &again);
    assert_string_equal(again.stem, a.stem);
    assert_int_equal(again.bytes, 1);
    a.bytes = 500;
    run(t, write_it, &a);
    run(t, named, &again);
    assert_int_equal(again.bytes, 0);
}

static void test_what_is_erased_is_doomed_until_its_files_are_gone(void **state)
{
    struct temp *t = *state;
    struct store_reader *r = NULL;
    struct err e = { 0 };
    struct exported a = of(1, 1), b = of(1, 2), c = of(2, 1), list[4];
    struct exported *const all[] = { &a, &b, &c };
    int64_t doomed;
    make_two_events(t);
    for (size_t i = 0; i < COUNT(all); i++) {
        all[i]->bytes = 100;
        run(t, name_it, all[i]);
        run(t, write_it, all[i]);
    }
    run(t, erase_it, &a);
    assert_int_equal(store_reader_open(t->store, &r, &e), 0);
    assert_int_equal(exported_doomed(r, &doomed, &e), 0);
    assert_int_equal(doomed, 2);
    assert_int_equal(exported_list(r, true, list, 4, &e), 2);
    assert_string_equal(list[1].stem, b.stem);
    assert_int_equal(exported_list(r, false, list, 4, &e), 1);
    assert_int_equal(list[0].event, 2);
    run(t, remove_it, &a);
    run(t, remove_it, &b);
    assert_int_equal(exported_doomed(r, &doomed, &e), 0);
    assert_int_equal(doomed, 0);
    store_reader_close(&r);
}

static void test_what_was_erased_meanwhile_gets_no_name(void **state)
{
    struct temp *t = *state;
    struct exported a = of(3, 1);
    run(t, named, &a);
    assert_int_equal(a.bytes, 0);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM exported"), 0);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, temp_setup, temp_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_two_pictures_of_one_second_have_two_names),
        STORE_TEST(test_a_name_stays_until_it_is_written_and_is_then_not_given_again),
        STORE_TEST(test_what_is_erased_is_doomed_until_its_files_are_gone),
        STORE_TEST(test_what_was_erased_meanwhile_gets_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

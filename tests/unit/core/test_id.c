/* test_id: ids sort by their time, never repeat, and are known when seen. */
#include "core/id.h"
#include "testing.h"
#include <pthread.h>

static void test_id_begins_with_its_time(void **state)
{
    (void)state;
    static const struct {
        int64_t     ms;
        const char *head;
    } cases[] = {
        { 0, "0000000000" },
        { 1469918176385, "01ARYZ6S41" }, /* the example of the specification */
        { INT64_C(0xFFFFFFFFFFFF), "7ZZZZZZZZZ" },
        { -5, "0000000000" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char id[ID_TEXT];
        assert_memory_equal(id_make(id, cases[i].ms), cases[i].head, 10);
        assert_true(id_is_valid(id));
    }
}

static void test_id_sorts_by_time(void **state)
{
    (void)state;
    char last[ID_TEXT] = "", id[ID_TEXT];
    for (int64_t ms = 1700000000000; ms < 1700000000000 + 40000; ms += 7) {
        assert_true(strcmp(last, id_make(id, ms)) < 0);
        memcpy(last, id, sizeof last);
    }
}

static void test_id_is_known_when_seen(void **state)
{
    (void)state;
    assert_true(id_is_valid("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
    assert_true(id_is_valid("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"));
    static const char *const wrong[] = {
        "", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAVX", "81ARZ3NDEKTSV4RRFFQ69G5FAV", "01arz3ndektsv4rrffq69g5fav",
        "01ARZ3NDEKTSV4RRFFQ69G5FAI", "01ARZ3NDEKTSV4RRFFQ69G5FAU", "../../../../etc/passwd....",
    };
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_false(id_is_valid(wrong[i]));
}

enum { THREADS = 4, EACH = 2000 };
static char made[THREADS][EACH][ID_TEXT];

static void *make_many(void *mine)
{
    char(*ids)[ID_TEXT] = mine;
    for (int i = 0; i < EACH; i++)
        (void)id_make(ids[i], 1700000000000);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void test_id_never_repeats_from_any_thread(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_many, made[i]), 0);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    char *all = &made[0][0][0];
    qsort(all, (size_t)THREADS * EACH, ID_TEXT, compare);
    for (size_t i = 1; i < (size_t)THREADS * EACH; i++)
        assert_string_not_equal(all + (i - 1) * ID_TEXT, all + i * ID_TEXT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_id_begins_with_its_time),
        cmocka_unit_test(test_id_sorts_by_time),
        cmocka_unit_test(test_id_is_known_when_seen),
        cmocka_unit_test(test_id_never_repeats_from_any_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_zone: local times of zones that are not the process's, above all on the days when clocks are moved. */
#include "core/clock.h"
#include "parsers/zone.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct zone *open_zone(const char *name)
{
    const struct zone *zone = NULL;
    struct err         e;
    if (name[0] && zone_open(name, &zone, &e) < 0)
        fail_msg("%s", e.text);
    return zone;
}

/* What was left out stands as if the clock had not been moved; what comes twice is the first. */
static const struct {
    const char *zone;
    int         local[6];
    const char *utc;
} times[] = {
    { "Europe/Vienna", { 2026, 11, 21, 3, 12, 45 }, "2026-11-21T02:12:45.000Z" },
    { "Europe/Vienna", { 2026, 7, 1, 12, 0, 0 }, "2026-07-01T10:00:00.000Z" },
    { "Europe/Vienna", { 2026, 3, 29, 1, 59, 59 }, "2026-03-29T00:59:59.000Z" },
    { "Europe/Vienna", { 2026, 3, 29, 2, 30, 0 }, "2026-03-29T01:30:00.000Z" }, /* left out */
    { "Europe/Vienna", { 2026, 3, 29, 3, 0, 0 }, "2026-03-29T01:00:00.000Z" },
    { "Europe/Vienna", { 2026, 10, 25, 1, 59, 59 }, "2026-10-24T23:59:59.000Z" },
    { "Europe/Vienna", { 2026, 10, 25, 2, 30, 0 }, "2026-10-25T00:30:00.000Z" }, /* twice */
    { "Europe/Vienna", { 2026, 10, 25, 3, 0, 0 }, "2026-10-25T02:00:00.000Z" },
    { "Europe/Vienna", { 2024, 2, 29, 23, 0, 0 }, "2024-02-29T22:00:00.000Z" },
    { "America/New_York", { 2026, 3, 8, 2, 30, 0 }, "2026-03-08T07:30:00.000Z" }, /* left out */
    { "America/New_York", { 2026, 3, 8, 3, 0, 0 }, "2026-03-08T07:00:00.000Z" },
    { "America/New_York", { 2026, 11, 1, 1, 30, 0 }, "2026-11-01T05:30:00.000Z" }, /* twice */
    { "America/New_York", { 2026, 11, 1, 2, 0, 0 }, "2026-11-01T07:00:00.000Z" },
    { "Australia/Lord_Howe", { 2026, 4, 5, 1, 45, 0 }, "2026-04-04T14:45:00.000Z" }, /* twice, by half an hour */
    { "Australia/Lord_Howe", { 2026, 4, 5, 2, 0, 0 }, "2026-04-04T15:30:00.000Z" },
    { "Australia/Lord_Howe", { 2026, 10, 4, 2, 15, 0 }, "2026-10-03T15:45:00.000Z" }, /* left out */
    { "Australia/Lord_Howe", { 2026, 10, 4, 2, 30, 0 }, "2026-10-03T15:30:00.000Z" },
    { "Asia/Kathmandu", { 2026, 11, 21, 0, 0, 0 }, "2026-11-20T18:15:00.000Z" },
    { "UTC", { 1970, 1, 1, 0, 0, 0 }, "1970-01-01T00:00:00.000Z" },
    { "UTC", { 2026, 12, 31, 23, 59, 60 }, "2027-01-01T00:00:00.000Z" },
    { "Europe/Vienna", { 2045, 7, 1, 12, 0, 0 }, "2045-07-01T10:00:00.000Z" }, /* beyond the tables of 2037 */
};

static void check_times(const char *zone_as_process)
{
    for (size_t i = 0; i < COUNT(times); i++) {
        const int *t = times[i].local;
        char       text[CLOCK_TEXT];
        if (zone_as_process)
            assert_int_equal(clock_use_zone(times[i].zone), 0);
        const struct zone *zone = zone_as_process ? NULL : open_zone(times[i].zone);
        int64_t            utc = zone_to_utc(zone, t[0], t[1], t[2], t[3], t[4], t[5]);
        clock_rfc3339(text, utc);
        if (strcmp(text, times[i].utc) != 0)
            fail_msg("row %zu, %s: %s", i, times[i].zone, text);
    }
}

static void a_local_time_is_found_on_every_side_of_a_change(void **state)
{
    (void)state;
    check_times(NULL);
}

static void the_process_s_own_zone_gives_the_same(void **state)
{
    (void)state;
    check_times("TZ");
    assert_int_equal(clock_use_zone("UTC"), 0);
}

static void a_date_that_cannot_be_is_none(void **state)
{
    (void)state;
    static const int wrong[][6] = {
        { 2026, 2, 29, 0, 0, 0 }, { 2100, 2, 29, 0, 0, 0 }, { 2026, 4, 31, 0, 0, 0 }, { 2026, 13, 1, 0, 0, 0 }, { 2026, 0, 1, 0, 0, 0 },
        { 2026, 1, 0, 0, 0, 0 },  { 2026, 1, 1, 24, 0, 0 }, { 2026, 1, 1, 0, 60, 0 }, { 2026, 1, 1, 0, 0, 61 }, { 0, 1, 1, 0, 0, 0 },
        { 10000, 1, 1, 0, 0, 0 }, { 2026, 1, 1, -1, 0, 0 },
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        const int *t = wrong[i];
        assert_true(zone_to_utc(open_zone("Europe/Vienna"), t[0], t[1], t[2], t[3], t[4], t[5]) == INT64_MIN);
        assert_true(zone_to_utc(NULL, t[0], t[1], t[2], t[3], t[4], t[5]) == INT64_MIN);
    }
}

static void offsets_go_by_the_moment(void **state)
{
    (void)state;
    const struct zone *vienna = open_zone("Europe/Vienna");
    assert_int_equal(zone_offset(vienna, 1774745999999), 3600); /* 2026-03-29T00:59:59.999Z */
    assert_int_equal(zone_offset(vienna, 1774746000000), 7200);
    assert_int_equal(zone_offset(open_zone("America/New_York"), 1774746000000), -4 * 3600);
    assert_int_equal(zone_offset(vienna, -1), 3600);
}

static void a_zone_is_opened_once_and_found_again(void **state)
{
    (void)state;
    struct err         e;
    const struct zone *first = open_zone("Europe/Vienna"), *again = NULL;
    assert_int_equal(zone_open("Europe/Vienna", &again, &e), 0);
    assert_ptr_equal(first, again);
    assert_ptr_equal(zone_find("Europe/Vienna"), first);
    assert_null(zone_find("Europe/Nowhere"));
    assert_null(zone_find(""));
}

static void what_is_no_zone_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "", "Europe", "Europe/Nowhere", "../../etc/passwd", "/etc/localtime", "+01:00", "CET-1CEST",
                                         "Europe/Vienna/", "a-name-that-is-much-longer-than-any-zone-has-ever-been-called-by-anybody" };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        const struct zone *zone = NULL;
        struct err         e;
        if (zone_open(wrong[i], &zone, &e) == 0)
            fail_msg("%s is a zone", wrong[i]);
        assert_int_equal(e.code, ERR_INPUT);
        assert_null(zone);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_local_time_is_found_on_every_side_of_a_change),
        cmocka_unit_test(the_process_s_own_zone_gives_the_same),
        cmocka_unit_test(a_date_that_cannot_be_is_none),
        cmocka_unit_test(offsets_go_by_the_moment),
        cmocka_unit_test(a_zone_is_opened_once_and_found_again),
        cmocka_unit_test(what_is_no_zone_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

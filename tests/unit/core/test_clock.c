/* test_clock: times from year 0 to 9999, and local time on the days when clocks are set. */
#include "core/clock.h"
#include "testing.h"
#include <time.h>

static const struct {
    int64_t     ms;
    const char *text;
} times[] = {
    { 0, "1970-01-01T00:00:00.000Z" },
    { -1, "1969-12-31T23:59:59.999Z" },
    { -86400001, "1969-12-30T23:59:59.999Z" },
    { 951782400000, "2000-02-29T00:00:00.000Z" },
    { 2147483647999, "2038-01-19T03:14:07.999Z" },
    { 2147483648000, "2038-01-19T03:14:08.000Z" },
    { 4107542399999, "2100-02-28T23:59:59.999Z" },
    { 4107542400000, "2100-03-01T00:00:00.000Z" },
    { 1795227165123, "2026-11-21T02:12:45.123Z" },
    { -62167219200000, "0000-01-01T00:00:00.000Z" },
    { 253402300799999, "9999-12-31T23:59:59.999Z" },
};

static void test_clock_writes_and_reads_rfc3339(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(times); i++) {
        char    text[CLOCK_TEXT];
        int64_t back = 1;
        assert_string_equal(clock_rfc3339(text, times[i].ms), times[i].text);
        assert_int_equal(clock_parse_rfc3339(times[i].text, &back), 0);
        assert_true(back == times[i].ms);
    }
}

static void test_clock_writes_the_border_for_what_is_beyond(void **state)
{
    (void)state;
    char text[CLOCK_TEXT];
    assert_string_equal(clock_rfc3339(text, INT64_MIN), "0000-01-01T00:00:00.000Z");
    assert_string_equal(clock_rfc3339(text, -62167219200001), "0000-01-01T00:00:00.000Z");
    assert_string_equal(clock_rfc3339(text, INT64_MAX), "9999-12-31T23:59:59.999Z");
    assert_string_equal(clock_rfc3339(text, 253402300800000), "9999-12-31T23:59:59.999Z");
}

static void test_clock_agrees_with_the_library_on_every_day(void **state)
{
    (void)state;
    for (int64_t day = -25000; day < 60000; day++) {
        time_t    t = (time_t)(day * 86400 + 3661);
        struct tm tm;
        char      ours[CLOCK_TEXT], theirs[CLOCK_TEXT];
        if (!gmtime_r(&t, &tm) || strftime(theirs, sizeof theirs, "%Y-%m-%dT%H:%M:%S.000Z", &tm) == 0)
            continue;
        if (strcmp(clock_rfc3339(ours, (int64_t)t * 1000), theirs) != 0)
            fail_msg("%s is not %s", ours, theirs);
    }
}

static void test_clock_reads_offsets_and_fractions(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t     ms;
    } good[] = {
        { "1970-01-01T01:00:00+01:00", 0 },        { "1969-12-31T18:30:00-05:30", 0 },     { "1970-01-01t00:00:00z", 0 },
        { "1970-01-01 00:00:00.5Z", 500 },         { "1970-01-01T00:00:00.123999Z", 123 }, { "1970-01-01T00:00:00.00000000001Z", 0 },
        { "2016-12-31T23:59:60Z", 1483228800000 }, { "2000-02-29T23:59:59-00:00", 951868799000 },
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        int64_t ms = 1;
        if (clock_parse_rfc3339(good[i].text, &ms) < 0 || ms != good[i].ms)
            fail_msg("%s: %lld", good[i].text, (long long)ms);
    }
}

static void test_clock_refuses_what_is_no_time(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "2026", "2026-11-21", "2026-11-21T03:12:45", "2026-11-21T03:12Z", "2026-11-21T03:12:45+0100", "2026-11-21T03:12:45+01",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-02-31T00:00:00Z", "2026-04-31T00:00:00Z",
        "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2100-02-29T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T23:60:00Z",
        "2026-11-21T23:59:61Z", "2026-11-21T03:12:45.Z", "2026-11-21T03:12:45.5", "2026-11-21T03:12:45Zx", "2026-11-21T03:12:45+24:00",
        "2026-11-21T03:12:45+01:60", "x026-11-21T03:12:45Z", "2026/11/21T03:12:45Z", "-026-11-21T03:12:45Z", "2026-11-21X03:12:45Z",
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        int64_t ms = 77;
        if (clock_parse_rfc3339(wrong[i], &ms) == 0)
            fail_msg("taken: %s", wrong[i]);
        assert_true(ms == 77);
    }
}

static int64_t at(const char *utc)
{
    int64_t ms = 0;
    if (clock_parse_rfc3339(utc, &ms) < 0)
        fail_msg("%s", utc);
    return ms;
}

struct local_case {
    const char *zone;
    int         year, month, day, hour, minute, second;
    const char *utc; /* NULL: there is no such local time */
};

static const struct local_case local_cases[] = {
    { "UTC", 2026, 11, 21, 3, 12, 45, "2026-11-21T03:12:45Z" },
    { "Europe/Berlin", 2026, 11, 21, 3, 12, 45, "2026-11-21T02:12:45Z" },
    { "Europe/Berlin", 2026, 7, 1, 12, 0, 0, "2026-07-01T10:00:00Z" },
    { "Europe/Berlin", 2026, 3, 29, 1, 59, 59, "2026-03-29T00:59:59Z" },
    { "Europe/Berlin", 2026, 3, 29, 2, 30, 0, NULL }, /* clocks go from 2 to 3 */
    { "Europe/Berlin", 2026, 3, 29, 3, 0, 0, "2026-03-29T01:00:00Z" },
    { "Europe/Berlin", 2026, 10, 25, 1, 59, 59, "2026-10-24T23:59:59Z" },
    { "Europe/Berlin", 2026, 10, 25, 2, 30, 0, "2026-10-25T00:30:00Z" }, /* twice: the first */
    { "Europe/Berlin", 2026, 10, 25, 3, 0, 0, "2026-10-25T02:00:00Z" },
    { "America/New_York", 2026, 11, 1, 1, 30, 0, "2026-11-01T05:30:00Z" },
    { "America/New_York", 2026, 3, 8, 2, 30, 0, NULL },
    { "Australia/Lord_Howe", 2026, 4, 5, 1, 45, 0, "2026-04-04T14:45:00Z" }, /* set back by half an hour */
    { "Europe/Moscow", 2014, 10, 26, 1, 30, 0, "2014-10-25T21:30:00Z" },     /* set back without summer time */
    { "Asia/Kathmandu", 2026, 11, 21, 5, 45, 0, "2026-11-21T00:00:00Z" },
    { "UTC", 2026, 2, 29, 0, 0, 0, NULL },
    { "UTC", 2024, 2, 29, 0, 0, 0, "2024-02-29T00:00:00Z" },
    { "UTC", 2026, 2, 31, 0, 0, 0, NULL },
    { "UTC", 2026, 13, 1, 0, 0, 0, NULL },
    { "UTC", 2026, 1, 1, 24, 0, 0, NULL },
    { "UTC", 2016, 12, 31, 23, 59, 60, "2017-01-01T00:00:00Z" },
    { "UTC", 1969, 12, 31, 23, 59, 59, "1969-12-31T23:59:59Z" },
    { "UTC", 1901, 1, 1, 0, 0, 0, NULL },
    { "UTC", 0, 0, 0, 0, 0, 0, NULL },
};

static void check_local(const struct local_case *c)
{
    int64_t want = c->utc ? at(c->utc) : INT64_MIN;
    int64_t got = clock_from_local(c->year, c->month, c->day, c->hour, c->minute, c->second);
    if (got != want)
        fail_msg("%s %d-%02d-%02d %02d:%02d:%02d is %lld, not %lld", c->zone, c->year, c->month, c->day, c->hour, c->minute, c->second,
                 (long long)got, (long long)want);
    if (!c->utc || c->second == 60)
        return;
    struct tm tm;
    clock_local(got, &tm);
    assert_int_equal(tm.tm_hour, c->hour);
    assert_int_equal(tm.tm_min, c->minute);
    assert_int_equal(tm.tm_mday, c->day);
}

static void test_clock_knows_local_times_in_any_order_of_asking(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(local_cases); i++)
        for (int month = 1; month <= 12; month += 6) { /* mktime remembers the offset it found last */
            assert_int_equal(clock_use_zone(local_cases[i].zone), 0);
            (void)clock_from_local(2026, month, 15, 12, 0, 0);
            check_local(&local_cases[i]);
        }
}

static void test_clock_takes_only_zones_that_are_there(void **state)
{
    (void)state;
    static const char *const wrong[] = { "", "Mars/North", "Europe", "/etc/localtime", "../zoneinfo/UTC", "Europe/../UTC", "." };
    assert_int_equal(clock_use_zone("Europe/Berlin"), 0);
    for (size_t i = 0; i < COUNT(wrong); i++)
        if (clock_use_zone(wrong[i]) == 0)
            fail_msg("taken: '%s'", wrong[i]);
    assert_string_equal(getenv("TZ"), "Europe/Berlin");
    assert_int_equal(clock_use_zone("UTC"), 0);
}

static void test_clock_local_times_before_1970_round_down(void **state)
{
    (void)state;
    assert_int_equal(clock_use_zone("UTC"), 0);
    struct tm tm;
    clock_local(-1, &tm);
    assert_int_equal(tm.tm_year, 69);
    assert_int_equal(tm.tm_sec, 59);
}

static void test_clock_monotonic_never_goes_back(void **state)
{
    (void)state;
    int64_t last = clock_mono_ms();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_mono_ms();
        assert_true(now >= last);
        last = now;
    }
    assert_true(clock_wall_ms() > at("2024-01-01T00:00:00Z"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_writes_and_reads_rfc3339),
        cmocka_unit_test(test_clock_writes_the_border_for_what_is_beyond),
        cmocka_unit_test(test_clock_agrees_with_the_library_on_every_day),
        cmocka_unit_test(test_clock_reads_offsets_and_fractions),
        cmocka_unit_test(test_clock_refuses_what_is_no_time),
        cmocka_unit_test(test_clock_knows_local_times_in_any_order_of_asking),
        cmocka_unit_test(test_clock_takes_only_zones_that_are_there),
        cmocka_unit_test(test_clock_local_times_before_1970_round_down),
        cmocka_unit_test(test_clock_monotonic_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_zone: local times by a table of changes, the same as by the zone itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "service/import_zone.h"
#include <string.h>
#include <time.h>

static void use(const char *name, struct import_zone *out)
{
    struct buf text;
    struct err e;
    buf_init(&text, 64 * 1024);
    assert_int_equal(clock_use_zone(name), 0);
    struct json_out w = json_begin(&text);
    import_zone_write(&w, NULL);
    struct json *list = json_parse(buf_str(&text), text.len, &e);
    assert_non_null(list);
    import_zone_read(list, out);
    json_free(&list);
    buf_done(&text);
}

static void test_offsets_are_the_zone_s(void **state)
{
    (void)state;
    static const char *const names[] = { "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "UTC", "Asia/Kolkata" };
    for (size_t i = 0; i < COUNT(names); i++) {
        struct import_zone zone;
        use(names[i], &zone);
        for (int64_t ms = INT64_C(1000000000000); ms < INT64_C(2000000000000); ms += INT64_C(7001003000)) {
            struct tm tm;
            clock_local(ms, &tm);
            assert_int_equal(import_zone_offset(&zone, ms), tm.tm_gmtoff);
            assert_int_equal(import_zone_to_utc(&zone, ms + (int64_t)tm.tm_gmtoff * 1000), ms);
        }
    }
}

static void test_an_hour_that_comes_twice_or_never(void **state)
{
    (void)state;
    struct import_zone zone;
    use("Europe/Berlin", &zone);
    /* 2:30 on 26 October 2025 comes twice, the first is summer time; on 30 March it is left out: as if not yet moved */
    assert_int_equal(import_zone_to_utc(&zone, clock_from_utc(2025, 10, 26, 2, 30, 0)), clock_from_utc(2025, 10, 26, 0, 30, 0));
    assert_int_equal(import_zone_to_utc(&zone, clock_from_utc(2025, 3, 30, 2, 30, 0)), clock_from_utc(2025, 3, 30, 1, 30, 0));
    assert_int_equal(import_zone_to_utc(&zone, clock_from_utc(2025, 3, 30, 1, 59, 59)), clock_from_utc(2025, 3, 30, 0, 59, 59));
    assert_int_equal(import_zone_to_utc(&zone, clock_from_utc(2025, 3, 30, 3, 0, 0)), clock_from_utc(2025, 3, 30, 1, 0, 0));
}

static void test_no_table_is_utc(void **state)
{
    (void)state;
    struct import_zone zone;
    import_zone_read(NULL, &zone);
    assert_int_equal(import_zone_to_utc(&zone, 12345000), 12345000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offsets_are_the_zone_s),
        cmocka_unit_test(test_an_hour_that_comes_twice_or_never),
        cmocka_unit_test(test_no_table_is_utc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_when: every form of a time that a device writes, and clocks that are not to be believed. */
#include "core/clock.h"
#include "parsers/when.h"
#include "parsers/zone.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *show(const struct when *w, char out[80])
{
    (void)snprintf(out, 80, "%04d-%02d-%02d %02d:%02d:%02d", w->year, w->month, w->day, w->hour, w->minute, w->second);
    if (w->has_offset)
        (void)snprintf(out + strlen(out), 80 - strlen(out), " %+d", w->offset_s);
    return out;
}

/* length 0: all of it is taken. */
static const struct {
    const char *text, *means;
    size_t      length;
} forms[] = {
    { "2015-05-22,14:52:18", "2015-05-22 14:52:18", 0 },
    { "2025-07-27,11:41:29", "2025-07-27 11:41:29", 0 },
    { "27/12/2021 17:42:19", "2021-12-27 17:42:19", 0 },
    { "06/05/2018 15:28:40", "2018-05-06 15:28:40", 0 },
    { "27.12.2021 17:42", "2021-12-27 17:42:00", 0 },
    { "27.12.2021, 17:42:19", "2021-12-27 17:42:19", 0 },
    { "12/27/2021 17:42:19", "2021-12-27 17:42:19", 0 }, /* no month 27 */
    { "2018-05-06T15:28:40", "2018-05-06 15:28:40", 0 },
    { "2018-05-06T15:28:40Z", "2018-05-06 15:28:40 +0", 0 },
    { "2018-05-06T15:28:40.123+02:00", "2018-05-06 15:28:40 +7200", 0 },
    { "2018-05-06 15:28:40 -0530", "2018-05-06 15:28:40 -19800", 0 },
    { "2018-05-06 15:28:40 (CEST).", "2018-05-06 15:28:40", 19 },
    { "2024-02-07 13:08:59", "2024-02-07 13:08:59", 0 },
    { "2024/2/7 3:08:59", "2024-02-07 03:08:59", 0 },
    { "20180506152840423ch01.jpg", "2018-05-06 15:28:40", 17 },
    { "20180506152840", "2018-05-06 15:28:40", 0 },
    { "20210911-184030-1.jpg", "2021-09-11 18:40:30", 15 },
    { "20180812_100109.mkv", "2018-08-12 10:01:09", 15 },
    { "20050107180653_1_pre.jpg", "2005-01-07 18:06:53", 14 },
    { "2015-05-22-14-52-18-123_1.jpg", "2015-05-22 14:52:18", 19 },
    { "2015-05-22 14.52.18", "2015-05-22 14:52:18", 0 },
    { "24-01-31_13-45-59-12_00.jpg", "2024-01-31 13:45:59", 17 },
    { "21 Nov 2026 03:12:45 +0100", "2026-11-21 03:12:45 +3600", 0 },
    { "21. November 2026, 03:12", "2026-11-21 03:12:00", 0 },
    { "Nov 21, 2026 03:12:45", "2026-11-21 03:12:45", 0 },
    { "3. M\xC3\xA4rz 2026 03:12:45", "2026-03-03 03:12:45", 0 },
    { "1-Dez-2026 23:59:59", "2026-12-01 23:59:59", 0 },
    { "14:52:18 22/05/2015", "2015-05-22 14:52:18", 0 },
    { "14:52:18 2015-05-22", "2015-05-22 14:52:18", 0 },
    { "02/07/2024 01:08:59 PM", "2024-07-02 13:08:59", 0 },
    { "02/07/2024 12:08:59am", "2024-07-02 00:08:59", 0 },
    { "02/07/2024 12:08 pm", "2024-07-02 12:08:00", 0 },
    { "27/12/21 17:42:19", "2021-12-27 17:42:19", 0 },
    { "27.12.21 17:42:19", "2021-12-27 17:42:19", 0 },
    { " \t2015-05-22,14:52:18", "2015-05-22 14:52:18", 0 },
    { "2024-02-29 00:00:00", "2024-02-29 00:00:00", 0 },
    { "1970-01-01 00:00:12", "1970-01-01 00:00:12", 0 },
    { "2000-01-01 00:00:12", "2000-01-01 00:00:12", 0 },
    { "2015-05-22 10:00:00-11:00:00", "2015-05-22 10:00:00", 19 }, /* a span, no offset */
    { "2015-05-22 10:00:00-10:20", "2015-05-22 10:00:00", 19 },
};

static void every_form_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(forms); i++) {
        struct when w;
        char        text[80];
        size_t      length = forms[i].length ? forms[i].length : strlen(forms[i].text);
        size_t      n = when_read(forms[i].text, WHEN_DAY_FIRST, &w);
        if (n != length || strcmp(show(&w, text), forms[i].means) != 0)
            fail_msg("%s: %zu bytes, %s", forms[i].text, n, n ? text : "");
    }
}

static void what_cannot_be_is_no_time(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", " ", "30.02.2026 12:00:00", "2026-02-29 12:00:00", "2100-02-29 12:00:00", "2026-04-31,12:00:00", "13/13/2026 12:00:00",
        "2026-00-10 12:00:00", "2026-01-01 24:00:00", "2026-01-01 23:60:00", "2026-01-01 23:59:61", "0000-00-00 00:00:00",
        "9999-12-31 23:59:59", "1969-12-31 23:59:59", "20180599152840", "99999999999999", "2018050615284", "201805061528401234",
        "2026-01-01 23:59:590", "2026-01-01", "12:00:00", "192.168.1.5 12:00:00", "2026-01/01 12:00:00", "Foo 21, 2026 03:12:45",
        "32.01.2026 12:00:00", "0/0/2026 12:00:00",
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct when w;
        if (when_read(wrong[i], WHEN_DAY_FIRST, &w) > 0 || when_read(wrong[i], WHEN_MONTH_FIRST, &w) > 0)
            fail_msg("%s is a time", wrong[i]);
    }
}

static void the_order_is_the_caller_s_unless_it_shows(void **state)
{
    (void)state;
    struct when w;
    assert_int_equal(when_read("02/03/2024 10:00:00", WHEN_MONTH_FIRST, &w), 19);
    assert_true(w.month == 2 && w.day == 3);
    assert_int_equal(when_read("02/03/2024 10:00:00", WHEN_DAY_FIRST, &w), 19);
    assert_true(w.month == 3 && w.day == 2);
    assert_int_equal(when_read("25/03/2024 10:00:00", WHEN_MONTH_FIRST, &w), 19);
    assert_true(w.month == 3 && w.day == 25);
    assert_int_equal(when_read("10:00:00 03/25/2024", WHEN_DAY_FIRST, &w), 19);
    assert_true(w.month == 3 && w.day == 25);
}

static const struct {
    const char *text, *means; /* NULL: none */
} finds[] = {
    { "Snap_20210911-184030-1.jpg", "2021-09-11 18:40:30" },
    { "192.168.1.64_01_20220101123456789_MOTION_DETECTION.jpg", "2022-01-01 12:34:56" },
    { "Gate:20050107180653123", "2005-01-07 18:06:53" },
    { "image24-01-31_13-45-59-12_00.jpg", "2024-01-31 13:45:59" },
    { "Motion has been detected by camera \"Hof/pi\" at 2024-02-07 13:08:59 (CET).", "2024-02-07 13:08:59" },
    { "on Sat, 21 Nov 2026 03:12:45 it moved", "2026-11-21 03:12:45" },
    { "number 0020210911184030, then 2021-09-11 18:40:31", "2021-09-11 18:40:31" },
    { "30.02.2026 12:00:00, no: 28.02.2026 12:00:00", "2026-02-28 12:00:00" },
    { "12320210911184030", NULL },
    { "nothing here 12:30", NULL },
    { "", NULL },
};

static void a_time_is_found_in_a_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(finds); i++) {
        struct when w;
        char        text[80] = "";
        bool        is_found = when_find(finds[i].text, WHEN_DAY_FIRST, &w);
        if (is_found != (finds[i].means != NULL) || (is_found && strcmp(show(&w, text), finds[i].means) != 0))
            fail_msg("%s: %s", finds[i].text, text);
    }
}

/* --- believing -------------------------------------------------------------------------------------------------- */

#define RECEIVED INT64_C(1795227165000) /* 2026-11-21T02:12:45Z */
#define DAY      INT64_C(86400000)

static const struct {
    const char *text, *device_time;
    int64_t     received_ms, max_ms, happened_ms, drift_ms;
} clocks[] = {
    { "2026-11-21 03:12:40", "2026-11-21T03:12:40+01:00", RECEIVED, 0, RECEIVED - 5000, -5000 },
    { "2026-11-22 03:12:45", "2026-11-22T03:12:45+01:00", RECEIVED, 0, RECEIVED + DAY, DAY },
    { "2026-11-22 03:12:46", "2026-11-22T03:12:46+01:00", RECEIVED, 0, 0, DAY + 1000 },
    { "2026-11-20 03:12:44", "2026-11-20T03:12:44+01:00", RECEIVED, 0, 0, -DAY - 1000 },
    { "2026-11-21 03:10:45", "2026-11-21T03:10:45+01:00", RECEIVED, 60000, 0, -120000 },
    { "2026-11-21 03:11:45", "2026-11-21T03:11:45+01:00", RECEIVED, 60000, RECEIVED - 60000, -60000 },
    { "1970-01-01 00:00:12", "1970-01-01T00:00:12+01:00", RECEIVED, 0, 0, -INT64_C(1795230753000) },
    { "2000-01-01 00:00:12", "2000-01-01T00:00:12+01:00", RECEIVED, INT64_C(1000) * 365 * DAY, 0, -INT64_C(848545953000) },
    { "2019-12-31 23:59:59", "2019-12-31T23:59:59+01:00", 0, 0, 0, DRIFT_UNKNOWN },
    { "2020-01-01 01:00:00", "2020-01-01T01:00:00+01:00", 0, 0, INT64_C(1577836800000), DRIFT_UNKNOWN },
    { "2026-03-29 02:30:00", "2026-03-29T02:30:00+01:00", 0, 0, INT64_C(1774747800000), DRIFT_UNKNOWN }, /* left out: as it shows it */
    { "2026-10-25 02:30:00", "2026-10-25T02:30:00+02:00", 0, 0, INT64_C(1792888200000), DRIFT_UNKNOWN },
    { "2026-11-21 03:12:45 -0530", "2026-11-21T03:12:45-05:30", 0, 0, INT64_C(1795250565000), DRIFT_UNKNOWN },
};

static void a_clock_is_believed_within_bounds(void **state)
{
    (void)state;
    struct err         e;
    struct arena       arena;
    struct parser_site site = { .language = "en" };
    arena_init(&arena, 1 << 16);
    assert_int_equal(zone_open("Europe/Vienna", &site.zone, &e), 0);
    for (size_t i = 0; i < COUNT(clocks); i++) {
        struct events events = { .arena = &arena };
        struct event *ev = events_add(&events, "unknown");
        struct when   w;
        struct mail   m = { .site = &site, .received_ms = clocks[i].received_ms };
        site.drift_max_ms = clocks[i].max_ms;
        assert_true(when_read(clocks[i].text, WHEN_DAY_FIRST, &w) > 0);
        assert_int_equal(when_tell(ev, &m, &w, &arena), 0);
        assert_string_equal(ev->device_time, clocks[i].device_time);
        if (ev->happened_ms != clocks[i].happened_ms || ev->drift_ms != clocks[i].drift_ms)
            fail_msg("%s: happened %lld, drift %lld", clocks[i].text, (long long)ev->happened_ms, (long long)ev->drift_ms);
    }
    arena_done(&arena);
}

static void a_device_s_own_zone_comes_before_the_site_s(void **state)
{
    (void)state;
    struct err           e;
    struct arena         arena;
    struct parser_site   site = { .language = "en" };
    struct parser_device device = { .id = "gate" };
    struct when          w = { 2026, 11, 21, 3, 12, 45, .has_offset = false };
    struct events        events = { .arena = &arena };
    struct mail          m = { .site = &site, .device = &device };
    arena_init(&arena, 1 << 16);
    struct event *ev = events_add(&events, "unknown");
    assert_int_equal(zone_open("Europe/Vienna", &site.zone, &e), 0);
    assert_int_equal(zone_open("America/New_York", &device.zone, &e), 0);
    assert_int_equal(when_tell(ev, &m, &w, &arena), 0);
    assert_string_equal(ev->device_time, "2026-11-21T03:12:45-05:00");
    device.zone = NULL;
    assert_int_equal(when_tell(ev, &m, &w, &arena), 0);
    assert_string_equal(ev->device_time, "2026-11-21T03:12:45+01:00");
    w.day = 31;
    ev->device_time = NULL;
    assert_int_equal(when_tell(ev, &m, &w, &arena), 0);
    assert_null(ev->device_time);
    arena_done(&arena);
}

static void a_date_header_tells_its_own_offset(void **state)
{
    (void)state;
    struct arena       arena;
    struct parser_site site = { .language = "en" };
    struct events      events = { .arena = &arena };
    struct mail        m = { .site = &site, .date_ms = RECEIVED, .date_offset_s = -12600, .received_ms = RECEIVED + 2000 };
    arena_init(&arena, 1 << 16);
    struct event *ev = events_add(&events, "unknown");
    assert_int_equal(when_tell_date(ev, &m, &arena), 0);
    assert_string_equal(ev->device_time, "2026-11-20T22:42:45-03:30");
    assert_true(ev->happened_ms == RECEIVED && ev->drift_ms == -2000);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read),
        cmocka_unit_test(what_cannot_be_is_no_time),
        cmocka_unit_test(the_order_is_the_caller_s_unless_it_shows),
        cmocka_unit_test(a_time_is_found_in_a_text),
        cmocka_unit_test(a_clock_is_believed_within_bounds),
        cmocka_unit_test(a_device_s_own_zone_comes_before_the_site_s),
        cmocka_unit_test(a_date_header_tells_its_own_offset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_lupuserv: rows as the panel said them; ids that follow from what a row is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/import_lupuserv.h"
#include <string.h>

static const struct import_job job = { .device = "", .alarm_user = "alarm", .status_user = "status" };

static const struct {
    struct lupuserv_row row;
    const char *to, *line;
} rows[] = {
    { { .kind = "Alarm", .type = "Sabotage Alarm", .zone = 8, .sensor = "Ost 1" }, "alarm@lupuserv", "Zone:8 Ost 1, Sabotage Alarm" },
    { { .kind = "AlarmEvent", .number = 6, .zone = -1, .sensor = "Café" }, "alarm@lupuserv", "Sabotage Alarm deaktiviert gemeldet von Sensor Café" },
    { { .kind = "zonemobility", .number = 3, .zone = 5, .sensor = "PIR" }, "status@lupuserv", "Zone:5 PIR, IR Activity - Mobility" },
    { { .kind = "PerimeterStatusEvent", .number = 3, .zone = -1, .user = "Anna" }, "status@lupuserv", "Anna, Disarm" },
    { { .kind = "SensorStatus", .number = 2, .zone = 0, .sensor = "a\r\nTo: x" }, "status@lupuserv", "Zone:0 a  To: x, Sensorüberwachungsfehler" },
    { { .kind = "SensorStatus", .number = 3, .zone = -1 }, "status@lupuserv", "SensorStatus 3" },
    { { .kind = "Alarm", .number = -7, .zone = 1, .sensor = "x" }, "alarm@lupuserv", "Zone:1 x, Alarm -7" },
    { { .kind = "Tomorrow", .number = INT64_MAX, .zone = -1, .user = "x" }, "alarm@lupuserv", "x, Tomorrow 9223372036854775807" },
    { { .kind = "Alarm", .type = "Sabotage Alarm", .zone = 8, .sensor = "Ost 1", .raw = "as it was\n" }, "alarm@lupuserv", "as it was" },
};

static void test_rows_are_said_as_the_panel_said_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct import_row row;
        import_row_init(&row);
        lupuserv_write(&rows[i].row, &job, &row);
        assert_string_equal(row.to, rows[i].to);
        const char *text = strstr(buf_str(&row.raw), "\r\n\r\n");
        assert_non_null(text);
        assert_memory_equal(text + 4, rows[i].line, strlen(rows[i].line));
        assert_memory_equal(text + 4 + strlen(rows[i].line), "\r\n", 2);
        assert_null(strstr(buf_str(&row.raw), "\nTo: x"));
        import_row_done(&row);
    }
}

static void make_id(char out[ID_TEXT], const char *source, int64_t time_ms, const char *key)
{
    struct import_row row;
    struct err        e;
    import_row_init(&row);
    row.time_ms = time_ms;
    buf_puts(&row.key, key);
    assert_int_equal(import_row_id(&row, source, out, &e), 0);
    import_row_done(&row);
}

static void test_an_id_is_what_the_row_is(void **state)
{
    (void)state;
    char first[ID_TEXT], again[ID_TEXT], other[ID_TEXT];
    make_id(first, "eml", 1469918176385, "a");
    make_id(again, "eml", 1469918176385, "a");
    assert_string_equal(first, again);
    assert_true(id_is_valid(first));
    assert_memory_equal(first, "01ARYZ6S41", 10);
    make_id(other, "eml", 1469918176385, "b");
    assert_string_not_equal(first, other);
    make_id(other, "cams", 1469918176385, "a");
    assert_string_not_equal(first, other);
}

static void test_headers_stay_headers(void **state)
{
    (void)state;
    static const struct {
        const char *value, *expected;
    } cases[] = {
        { "plain", "X: plain\r\n" },
        { "two\r\nBcc: x", "X: two  Bcc: x\r\n" },
        { "Tür", "X: =?UTF-8?B?VMO8cg==?=\r\n" },
        { "=?UTF-8?Q?x?=", "X: =?UTF-8?B?PT9VVEYtOD9RP3g/PQ==?=\r\n" },
        { "", "X: \r\n" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf raw;
        buf_init(&raw, 4096);
        import_put_header(&raw, "X", cases[i].value);
        assert_string_equal(buf_str(&raw), cases[i].expected);
        buf_done(&raw);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_said_as_the_panel_said_them),
        cmocka_unit_test(test_an_id_is_what_the_row_is),
        cmocka_unit_test(test_headers_stay_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

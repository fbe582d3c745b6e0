/* cli: times as people write them, and foreign text that must not command a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "service/cli.h"
#include <stdlib.h>

static const int64_t now = INT64_C(1795230000000); /* 2026-11-21 03:00:00 UTC */

static void test_times_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *text, *means; /* NULL: no time */
    } rows[] = {
        { "90s", "2026-11-21T02:58:30.000Z" },
        { "30m", "2026-11-21T02:30:00.000Z" },
        { "2h", "2026-11-21T01:00:00.000Z" },
        { "7d", "2026-11-14T03:00:00.000Z" },
        { "2w", "2026-11-07T03:00:00.000Z" },
        { "0s", "2026-11-21T03:00:00.000Z" },
        { "2026-11-21T03:12:45Z", "2026-11-21T03:12:45.000Z" },
        { "2026-11-21T03:12:45.5+01:00", "2026-11-21T02:12:45.500Z" },
        { "2026-11-21", "2026-11-20T23:00:00.000Z" }, /* Berlin */
        { "2026-07-01", "2026-06-30T22:00:00.000Z" },
        { "2026-11-21 03:12", "2026-11-21T02:12:00.000Z" },
        { "2026-11-21 03:12:45", "2026-11-21T02:12:45.000Z" },
        { "2026-11-21T03:12:45", "2026-11-21T02:12:45.000Z" },
        { "", NULL },
        { "2", NULL },
        { "h", NULL },
        { "2y", NULL },
        { "2h ago", NULL },
        { "-2h", NULL },
        { "999999999d", NULL },
        { "2026-13-01", NULL },
        { "2026-11-21 3", NULL },
        { "2026-11-21 03:12:45x", NULL },
        { "yesterday", NULL },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t ms = -1;
        char    text[CLOCK_TEXT];
        int     failed = cli_parse_time(rows[i].text, now, &ms);
        if (failed != (rows[i].means ? 0 : -1))
            fail_msg("\"%s\": %d", rows[i].text, failed);
        if (rows[i].means)
            assert_string_equal(clock_rfc3339(text, ms), rows[i].means);
    }
}

static void test_foreign_text_commands_no_terminal_and_keeps_its_column(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t      width;
        bool        is_last;
        const char *column;
    } rows[] = {
        { "abc", 5, false, "abc   " },
        { "abcdefgh", 5, false, "abcde " },
        { "Gäste", 5, false, "Gäste " },
        { "Tür–1", 4, true, "Tür–" },
        { NULL, 2, false, "   " },
        { "", 2, true, "" },
        { "a\x1b[31mb", 20, true, "a [31mb" },
        { "a\r\nb\tc\x7f", 20, true, "a  b c " },
        { "a\xc2\x9b"
          "b",
          20, true, "a b" }, /* CSI as a C1 character */
        { "a\xe2\x80\xae"
          "b",
          20, true, "a b" }, /* right-to-left override */
        { "a\xff\xfe"
          "b",
          20, true, "a  b" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(buf_done) struct buf out;
        buf_init(&out, 200);
        cli_column(&out, rows[i].text, rows[i].width, rows[i].is_last);
        assert_string_equal(buf_str(&out), rows[i].column);
    }
}

static void test_times_are_shown_as_the_site_s_clock_says(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 200);
    cli_time_column(&out, "2026-11-21T02:12:45.999Z");
    assert_string_equal(buf_str(&out), "2026-11-21 03:12:45 ");
    buf_clear(&out);
    cli_time_column(&out, NULL);
    assert_string_equal(buf_str(&out), "                    ");
}

static void test_json_that_was_read_is_written_as_it_was(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,-2,2.5,9007199254740991,true,false,null,\"x\\\"\\u0001ä\"],\"b\":{},\"c\":[[{\"d\":[]}]]}";
    struct err                     e;
    CLEANUP(json_free) struct json *v = json_parse(text, sizeof text - 1, &e);
    assert_non_null(v);
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 1000);
    struct json_out w = json_begin(&out);
    json_value(&w, NULL, v);
    assert_string_equal(buf_str(&out), text);
}

int main(void)
{
    (void)setenv("TZ", "Europe/Berlin", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_as_people_write_them),
        cmocka_unit_test(test_foreign_text_commands_no_terminal_and_keeps_its_column),
        cmocka_unit_test(test_times_are_shown_as_the_site_s_clock_says),
        cmocka_unit_test(test_json_that_was_read_is_written_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* csv: fields and rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/csv.h"
#include <string.h>

static const struct {
    const char *text, *field;
} fields[] = {
    { NULL, "" },
    { "", "" },
    { "plain; text", "plain; text" },
    { "a,b", "\"a,b\"" },
    { "say \"no\"", "\"say \"\"no\"\"\"" },
    { "two\nlines", "\"two\nlines\"" },
    { "=1+1", "\"'=1+1\"" },
    { "+49 170", "\"'+49 170\"" },
    { "-5", "\"'-5\"" },
    { "@SUM(A1)", "\"'@SUM(A1)\"" },
    { "\tx", "\"'\tx\"" },
    { "\rx", "\"'\rx\"" },
    { "a=b", "a=b" },
    { "=\"x\"", "\"'=\"\"x\"\"\"" },
};

static void test_a_field_is_text_to_every_reader(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(fields); i++) {
        struct buf out;
        buf_init(&out, 200);
        csv_put_field(&out, fields[i].text);
        assert_string_equal(buf_str(&out), fields[i].field);
        buf_done(&out);
    }
}

static size_t commas(const char *line)
{
    size_t n = 0;
    for (; *line; line++)
        n += *line == ',';
    return n;
}

static void test_a_row_has_as_many_fields_as_the_heading(void **state)
{
    (void)state;
    struct buf       heading, row;
    struct event_row event = { .event = { .kind = "alarm.fire", .zone_number = ZONE_NONE, .media_count = 2 }, .received_ms = 1000 };
    buf_init(&heading, 1000);
    buf_init(&row, 1000);
    csv_put_heading(&heading);
    csv_put_event(&row, &event);
    assert_int_equal(commas(buf_str(&row)), commas(buf_str(&heading)));
    assert_non_null(strstr(buf_str(&row), ",1970-01-01T00:00:01.000Z,,alarm.fire,info,false,,,,"));
    assert_string_equal(buf_str(&row) + row.len - 2, "\r\n");
    buf_done(&heading);
    buf_done(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_field_is_text_to_every_reader),
        cmocka_unit_test(test_a_row_has_as_many_fields_as_the_heading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

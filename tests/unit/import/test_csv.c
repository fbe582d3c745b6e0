/* test_csv: RFC 4180, and what is none of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/import_csv.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Records by '|' between fields and '\n' behind each; "~" for a field that is NULL; "!" for a record that is none. */
static void read_all(const char *text, size_t n, struct buf *out)
{
    char name[] = "/tmp/test_csv_XXXXXX";
    int  fd = mkstemp(name);
    assert_true(fd >= 0 && write(fd, text, n) == (ssize_t)n);
    (void)close(fd);
    struct csv csv;
    struct err e;
    int        got;
    assert_int_equal(csv_open(name, &csv, &e), 0);
    while ((got = csv_next(&csv, &e)) != 0) {
        if (got < 0)
            assert_int_equal(e.code, ERR_INPUT);
        for (size_t i = 0; got > 0 && i < csv.count; i++)
            buf_printf(out, "%s%s", i > 0 ? "|" : "", csv_field(&csv, i) ? csv_field(&csv, i) : "~");
        buf_puts(out, got < 0 ? "!\n" : "\n");
    }
    csv_close(&csv);
    (void)unlink(name);
}

static void test_records_are_read_as_the_rfc_says(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } rows[] = {
        { "a,b,c\r\n1,2,3\r\n", "a|b|c\n1|2|3\n" },
        { "a,b\n1,2", "a|b\n1|2\n" },
        { "\"a,\"\"b\"\"\",\"two\r\nlines\"\n", "a,\"b\"|two\r\nlines\n" },
        { ",\"\",\n", "~||~\n" },
        { "\n", "~\n" },
        { "", "" },
        { "\xEF\xBB\xBFid,x\n", "id|x\n" },
        { "a\"b,c\n", "a\"b|c\n" },
        { "\"open\nand,never closed", "!\n" },
        { "\"a\"b,c\nd,e\n", "!\nd|e\n" },
        { "\"a\"\r\n\"b\"\r\n", "a\nb\n" },
        { "\"x\"", "x\n" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out;
        buf_init(&out, 4096);
        read_all(rows[i].text, strlen(rows[i].text), &out);
        assert_string_equal(buf_str(&out), rows[i].expected);
        buf_done(&out);
    }
}

static void test_too_many_fields_or_bytes_cost_one_record(void **state)
{
    (void)state;
    struct buf text, out;
    buf_init(&text, 4 * CSV_RECORD_MAX);
    buf_init(&out, 4096);
    for (int i = 0; i < CSV_FIELDS_MAX; i++)
        buf_puts(&text, "x,");
    buf_puts(&text, "one too many\n1\n");
    for (int i = 0; i < CSV_RECORD_MAX; i++)
        buf_putc(&text, 'y');
    buf_puts(&text, "\n2\n");
    read_all(buf_str(&text), text.len, &out);
    assert_string_equal(buf_str(&out), "!\n1\n!\n2\n");
    buf_done(&text);
    buf_done(&out);
}

static void test_a_nul_is_passed_over(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 100);
    read_all("a\0b,\"\0\"\n", 8, &out);
    assert_string_equal(buf_str(&out), "ab|\n");
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_are_read_as_the_rfc_says),
        cmocka_unit_test(test_too_many_fields_or_bytes_cost_one_record),
        cmocka_unit_test(test_a_nul_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_err: an error says one whole line, however long its parts. */
#include "core/err.h"
#include "core/utf8.h"
#include "testing.h"
#include <errno.h>

static void test_err_set_fills_code_and_text_and_fails(void **state)
{
    (void)state;
    struct err e;
    errno = ENOENT;
    assert_int_equal(err_set(&e, ERR_IO, "open %s: %m", "/x"), -1);
    assert_int_equal(e.code, ERR_IO);
    assert_string_equal(e.text, "open /x: No such file or directory");
    assert_int_equal(err_set(NULL, ERR_IO, "nobody asks"), -1);
    assert_int_equal(err_prefix(NULL, "nobody asks"), -1);
}

static void test_err_prefix_says_what_was_being_done(void **state)
{
    (void)state;
    struct err e;
    (void)err_set(&e, ERR_INPUT, "no such zone");
    assert_int_equal(err_prefix(&e, "Site:TimeZone %s", "Mars/North"), -1);
    assert_string_equal(e.text, "Site:TimeZone Mars/North: no such zone");
    assert_int_equal(e.code, ERR_INPUT);
}

static void test_err_cuts_long_texts_between_characters(void **state)
{
    (void)state;
    for (int ascii = 0; ascii < 6; ascii++) {
        struct err e;
        char       text[400] = "";
        (void)snprintf(text, sizeof text, "%.*s", ascii, "abcdef");
        while (strlen(text) + 4 < sizeof text)
            memcpy(text + strlen(text), "\xF0\x9F\x94\xA5", 5);
        (void)err_set(&e, ERR_INPUT, "%s", text);
        assert_true(utf8_is_valid(e.text, strlen(e.text)));
        assert_true(strlen(e.text) >= sizeof e.text - 6);
        (void)err_prefix(&e, "in front");
        assert_true(utf8_is_valid(e.text, strlen(e.text)));
        assert_memory_equal(e.text, "in front: ", 10);
        (void)err_prefix(&e, "%s", text);
        assert_true(utf8_is_valid(e.text, strlen(e.text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err_set_fills_code_and_text_and_fails),
        cmocka_unit_test(test_err_prefix_says_what_was_being_done),
        cmocka_unit_test(test_err_cuts_long_texts_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

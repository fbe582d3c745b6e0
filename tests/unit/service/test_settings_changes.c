/* settings_changes: each value that differs is named once, with both sides, and no secret is shown. */
#include "service/settings_changes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static size_t changes_of(const char *before, const char *after, struct buf *out)
{
    static char *const env[] = { NULL };
    struct settings    a, b;
    struct err         e;
    assert_int_equal(settings_try(before, strlen(before), env, &a, &e), 0);
    assert_int_equal(settings_try(after, strlen(after), env, &b, &e), 0);
    buf_init(out, 1 << 20);
    struct json_out w = json_begin(out);
    json_object(&w, NULL);
    size_t n = settings_changes(&a, &b, &w);
    json_end(&w);
    assert_int_equal(settings_changes(&a, &b, NULL), n);
    settings_done(&a);
    settings_done(&b);
    return n;
}

static void test_each_change_is_named_once(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after, *changes;
    } rows[] = {
        { "{}", "{}", "" },
        { "{\"Smtp\":{\"Port\":2025}}", "{}", "" }, /* written or not: it is the same */
        { "{\"smtp\":{\"PORT\":2026}}", "{\"Smtp\":{\"Port\":2026}}", "" },
        { "{}", "{\"Smtp\":{\"Port\":2026}}", "{\"path\":\"Smtp:Port\",\"before\":\"2025\",\"after\":\"2026\"}" },
        { "{\"Api\":{\"Token\":\"one\"}}", "{\"Api\":{\"Token\":\"two\"}}", "{\"path\":\"Api:Token\",\"before\":\"***\",\"after\":\"***\"}" },
        { "{\"Api\":{\"Token\":\"one\"}}", "{}", "{\"path\":\"Api:Token\",\"before\":\"***\",\"after\":\"\"}" },
        { "{\"Recipients\":{\"a\":[\"x:1\",\"x:2\"]}}", "{\"Recipients\":{\"a\":[\"x:1\"]}}", "{\"path\":\"Recipients:a:1\",\"before\":\"x:2\",\"after\":\"\"}" },
        { "{\"Devices\":{}}", "{\"Devices\":{\"c\":{\"Name\":\"C\"}}}", "{\"path\":\"Devices:c:Name\",\"before\":\"\",\"after\":\"C\"}" },
        { "{\"Accounts\":{\"tg\":{\"Provider\":\"telegram\",\"Token\":\"1\"}}}", "{\"Accounts\":{\"tg\":{\"Provider\":\"telegram\",\"Token\":\"2\"}}}",
          "{\"path\":\"Accounts:tg:Token\",\"before\":\"***\",\"after\":\"***\"}" },
        { "{\"Logging\":{\"LogLevel\":1}}", "{\"Logging\":{\"LogLevel\":2}}", "" }, /* another program's */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(buf_done) struct buf out;
        size_t                       n = changes_of(rows[i].before, rows[i].after, &out);
        char                         wanted[400];
        (void)snprintf(wanted, sizeof wanted, "{\"changes\":[%s]}", rows[i].changes);
        assert_string_equal(buf_str(&out), wanted);
        assert_int_equal(n, rows[i].changes[0] != '\0');
    }
}

static void test_many_values_are_compared(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf before, after, out;
    buf_init(&before, 1 << 20);
    buf_init(&after, 1 << 20);
    for (int i = 0; i < 700; i++) {
        buf_printf(&before, "%s\"d%d\":{\"Name\":\"n%d\"}", i ? "," : "{\"Devices\":{", i, i);
        buf_printf(&after, "%s\"d%d\":{\"Name\":\"%c%d\"}", i ? "," : "{\"Devices\":{", i, i % 100 == 7 ? 'x' : 'n', i);
    }
    buf_puts(&before, "}}");
    buf_puts(&after, "}}");
    assert_int_equal(changes_of(buf_str(&before), buf_str(&after), &out), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_change_is_named_once), cmocka_unit_test(test_many_values_are_compared) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* panel: the XT1's sensor list, as its firmware words it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/panel.h"
#include <string.h>

static const char list[] = "/*-secure-\n{\tsenrows : [\n"
                           "{no : 1, type : \"Kontakt\", zone : \"1\", name : \"Terrasse\", attr : \"\", cond : \"Offen\", battery : \"\", tamp : \"\", bypass : \"Inaktiv\"},\n"
                           "{no : 2, type : \"PIR\", zone : \"2\", name : \"Caf\xC3\xA9 |\t[1]\", cond : \"\", battery : \"Schwach\", tamp : \"\", bypass : \"\"},\n"
                           "{no : \"8\", type : \"PIR\", name : \"Ost \\\"1\\\"\", battery : \"\", tamp : \"Sabotage\"}\n] }\n*/\n";

static void test_sensors_are_read(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, 65536);
    struct sensor *s = NULL;
    size_t         n = 0;
    struct err     e;
    assert_int_equal(panel_read(list, sizeof list - 1, &a, &s, &n, &e), 0);
    assert_int_equal(n, 3);
    assert_string_equal(s[0].condition, "Offen");
    assert_false(sensor_has_low_battery(&s[0]) || sensor_is_tampered(&s[0]));
    assert_true(sensor_has_low_battery(&s[1]));
    assert_string_equal(s[1].name, "Caf\xC3\xA9 |[1]");
    assert_int_equal(s[2].number, 8);
    assert_string_equal(s[2].name, "Ost \"1\"");
    assert_true(sensor_is_tampered(&s[2]));
}

static void test_the_table_is_markdown_that_names_cannot_break(void **state)
{
    (void)state;
    struct sensor s = { .number = 2, .type = "", .name = "Caf\xC3\xA9 |[1]", .condition = "", .battery = "Schwach", .tamper = "", .bypass = "" };
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 4096);
    panel_table(&s, 1, "de", &out);
    assert_non_null(strstr(buf_str(&out), "\n| 2 | Caf\xC3\xA9 \\|\\[1\\] |  | Schwach | ok |  |\n"));
}

static void test_what_is_no_list_is_said(void **state)
{
    static const char *const wrong[] = { "", "<html>log in</html>", "/*-secure-\n{ other : 1 }\n*/", "/*-secure-", "{ senrows : [ {", "{ senrows : 1 }" };
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        CLEANUP(arena_done) struct arena a;
        arena_init(&a, 65536);
        struct sensor *s = NULL;
        size_t         n = 0;
        struct err     e = { 0 };
        if (panel_read(wrong[i], strlen(wrong[i]), &a, &s, &n, &e) == 0)
            fail_msg("%s was read", wrong[i]);
        assert_true(e.text[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sensors_are_read),
        cmocka_unit_test(test_the_table_is_markdown_that_names_cannot_break),
        cmocka_unit_test(test_what_is_no_list_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

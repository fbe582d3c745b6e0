/* test_kind: the table of kinds is whole, and patterns fit what they say. */
#include "core/kind.h"
#include "testing.h"

static void test_kind_names_are_known_once_and_well_formed(void **state)
{
    (void)state;
    unsigned count = 0;
    for (const char *kind = kind_at(0); kind; kind = kind_at(++count)) {
        assert_true(kind_is_known(kind));
        assert_int_equal(strspn(kind, "abcdefghijklmnopqrstuvwxyz."), strlen(kind));
        for (unsigned j = 0; j < count; j++)
            assert_string_not_equal(kind, kind_at(j));
    }
    assert_true(count > 40);
    assert_false(kind_is_known("alarm"));
    assert_false(kind_is_known(""));
    assert_false(kind_is_known("alarm.burglary "));
}

static void test_kind_severities_are_those_of_the_plan(void **state)
{
    (void)state;
    static const struct {
        const char   *kind;
        enum severity severity, restored;
    } cases[] = {
        { "alarm.interior", SEVERITY_ALARM, SEVERITY_WARNING },  { "alarm.tamper", SEVERITY_ALARM, SEVERITY_WARNING },
        { "trouble.battery", SEVERITY_WARNING, SEVERITY_INFO },  { "unknown", SEVERITY_WARNING, SEVERITY_INFO },
        { "unreadable", SEVERITY_WARNING, SEVERITY_INFO },       { "system.refused", SEVERITY_WARNING, SEVERITY_INFO },
        { "system.started", SEVERITY_INFO, SEVERITY_INFO },      { "mode.armed", SEVERITY_INFO, SEVERITY_INFO },
        { "zone.open", SEVERITY_INFO, SEVERITY_INFO },           { "test.periodic", SEVERITY_INFO, SEVERITY_INFO },
        { "camera.motion", SEVERITY_INFO, SEVERITY_INFO },       { "camera.offline", SEVERITY_WARNING, SEVERITY_INFO },
        { "of.no.table", SEVERITY_WARNING, SEVERITY_WARNING },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(kind_severity(cases[i].kind, false), cases[i].severity);
        assert_int_equal(kind_severity(cases[i].kind, true), cases[i].restored);
    }
}

static void test_kind_restored_is_never_more_severe(void **state)
{
    (void)state;
    for (unsigned i = 0; kind_at(i); i++)
        assert_true(kind_severity(kind_at(i), true) <= kind_severity(kind_at(i), false));
}

static void test_kind_patterns_fit_what_they_say(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *kind;
        bool        fits;
    } cases[] = {
        { "*", "alarm.tamper", true },       { "*", "unknown", true },           { "alarm.*", "alarm.tamper", true },
        { "alarm.*", "alarm", false },       { "alarm.*", "alarms.x", false },   { "alarm.tamper", "alarm.tamper", true },
        { "alarm.tam", "alarm.tamper", false }, { "alarm.tamper", "alarm.tam", false }, { "", "alarm.tamper", false },
        { "camera.*", "alarm.tamper", false }, { "unknown", "unknown", true },
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(kind_matches(cases[i].pattern, cases[i].kind), cases[i].fits);
}

static void test_kind_severity_names_go_both_ways(void **state)
{
    (void)state;
    for (enum severity s = SEVERITY_INFO; s <= SEVERITY_ALARM; s++) {
        enum severity back = SEVERITY_INFO;
        assert_int_equal(severity_parse(severity_name(s), &back), 0);
        assert_int_equal(back, s);
    }
    enum severity untouched = SEVERITY_ALARM;
    assert_int_equal(severity_parse("Alarm", &untouched), -1);
    assert_int_equal(severity_parse("", &untouched), -1);
    assert_int_equal(untouched, SEVERITY_ALARM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kind_names_are_known_once_and_well_formed),
        cmocka_unit_test(test_kind_severities_are_those_of_the_plan),
        cmocka_unit_test(test_kind_restored_is_never_more_severe),
        cmocka_unit_test(test_kind_patterns_fit_what_they_say),
        cmocka_unit_test(test_kind_severity_names_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* route: who is told, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../people/settings_text.h"
#include "service/route.h"
#include <stdio.h>
#include <string.h>

#define PEOPLE                                                                                                    \
    "\"Accounts\": { \"sms\": { \"Provider\": \"clicksend\", \"Username\": \"u\", \"Token\": \"t0ken\" } },"      \
    "\"Recipients\": { \"anna\": [ \"sms:+491700000001\" ], \"bob\": [ \"sms:+491700000002\" ], \"family\": [ \"sms:+491700000003\" ] }"

/* "anna bob" in the order of telling; with a title "anna(T)". */
static const char *told_names(const struct people *p, const struct event *ev, const struct envelope *env, bool is_drill, const char *only,
                              char *out, size_t size)
{
    struct told told[ROUTE_TOLD_MAX];
    size_t      count = route_event(p, ev, env, is_drill, only, told), used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        int n = snprintf(out + used, size - used, "%s%s", i > 0 ? " " : "", told[i].recipient->name);
        used += (size_t)n;
        if (told[i].title)
            used += (size_t)snprintf(out + used, size - used, "(%s,%d)", told[i].title, told[i].priority);
    }
    return out;
}

static void test_route_tells_whom_the_routes_say(void **state)
{
    (void)state;
    static const struct {
        const char *routes, *kind, *device, *to, *text, *told;
    } rows[] = {
        /* the routes of the documentation */
        { "[{'Kinds':['alarm.*','trouble.*'],'Devices':['*'],'Tell':['anna','family']},{'Kinds':['camera.*'],'MinSeverity':'info','Tell':['family']}]",
          "alarm.burglary", "d", "alarm@h", "", "anna family" },
        { "[{'Kinds':['alarm.*'],'Tell':['anna']},{'Kinds':['camera.*'],'Tell':['family']}]", "camera.motion", "d", "cam@h", "", "family" },
        { "[{'Kinds':['alarm.*'],'Tell':['anna']}]", "unknown", "d", "alarm@h", "", "anna bob family" }, /* a warning that no route matched */
        { "[{'Kinds':['alarm.*'],'Tell':['anna']}]", "trouble.battery", "d", "x@h", "", "anna bob family" },
        { "[{'Kinds':['alarm.*'],'Tell':['anna']}]", "mode.armed", "d", "x@h", "", "" },
        { "[]", "alarm.fire", "d", "x@h", "", "anna bob family" },
        { "[]", "camera.motion", "d", "x@h", "", "" },
        /* every route that applies counts, a recipient is told once, the first title counts */
        { "[{'Tell':['bob']},{'Kinds':'alarm.*','Tell':['anna','bob']}]", "alarm.fire", "d", "x@h", "", "bob anna" },
        { "[{'Tell':['bob']},{'Tell':['bob'],'Title':'T','Priority':3},{'Tell':['bob'],'Title':'U','Priority':4}]", "alarm.fire", "d", "x@h", "",
          "bob(T,3)" },
        /* Tell: [] counts as applied */
        { "[{'Kinds':['trouble.*'],'Tell':[]}]", "trouble.battery", "d", "x@h", "", "" },
        { "[{'Kinds':['trouble.*'],'Tell':[]},{'Otherwise':true,'Tell':['bob']}]", "trouble.battery", "d", "x@h", "", "" },
        /* Otherwise */
        { "[{'Otherwise':true,'Tell':['bob']},{'Kinds':['alarm.*'],'Tell':['anna']}]", "alarm.fire", "d", "x@h", "", "anna" },
        { "[{'Otherwise':true,'Tell':['bob']},{'Kinds':['alarm.*'],'Tell':['anna']}]", "mode.armed", "d", "x@h", "", "bob" },
        { "[{'Otherwise':true,'Kinds':['mode.*'],'Tell':['bob']}]", "alarm.fire", "d", "x@h", "", "anna bob family" },
        /* MinSeverity */
        { "[{'MinSeverity':'alarm','Tell':['anna']}]", "trouble.battery", "d", "x@h", "", "anna bob family" },
        { "[{'MinSeverity':'warning','Tell':['anna']}]", "trouble.battery", "d", "x@h", "", "anna" },
        /* Devices, by id or name, without regard to case, with a star */
        { "[{'Devices':['einfahrt'],'Tell':['anna']}]", "camera.motion", "Einfahrt", "x@h", "", "anna" },
        { "[{'Devices':['ein*'],'Tell':['anna']}]", "camera.motion", "Einfahrt", "x@h", "", "anna" },
        { "[{'Devices':['hof'],'Tell':['anna']}]", "camera.motion", "Einfahrt", "x@h", "", "" },
        /* To: the local part of any recipient */
        { "[{'To':['status'],'Tell':['anna']}]", "mode.armed", "d", "Status@house", "", "anna" },
        { "[{'To':['status'],'Tell':['anna']}]", "mode.armed", "d", "alarm@house", "", "" },
        /* Except: searched anywhere, respecting case */
        { "[{'Except':'Bewegung','Tell':['anna']}]", "mode.armed", "d", "x@h", "Zone 3 Bewegung erkannt", "" },
        { "[{'Except':'bewegung','Tell':['anna']}]", "mode.armed", "d", "x@h", "Zone 3 Bewegung erkannt", "anna" },
        { "[{'Except':'^Zone \\\\d+ ','Tell':['anna']}]", "mode.armed", "d", "x@h", "Zone 34 offen", "" },
        { "[{'Except':'a|b','Tell':['anna']}]", "mode.armed", "d", "x@h", NULL, "anna" },
        { "[{'Except':'Tür','Tell':['anna']}]", "mode.armed", "d", "x@h", "Die Tür ist auf", "" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char json[2048], names[512];
        int  n = snprintf(json, sizeof json, "{" PEOPLE ", \"Routes\": %s }", rows[i].routes);
        for (int k = 0; k < n; k++)
            json[k] = json[k] == '\'' ? '"' : json[k];
        struct settings_text s;
        settings_text_read(&s, json);
        assert_int_equal(s.mistakes.count, 0);
        const char *const     to[] = { rows[i].to };
        const struct envelope env = { .listener = "smtp", .to = to, .to_count = 1 };
        const struct event    ev = {
               .kind = rows[i].kind, .severity = kind_severity(rows[i].kind, false), .device_id = rows[i].device, .device_name = "",
               .text = rows[i].text,
        };
        const char *told = told_names(&s.people, &ev, &env, false, NULL, names, sizeof names);
        if (strcmp(told, rows[i].told) != 0)
            fail_msg("row %zu, %s by %s: told \"%s\", not \"%s\"", i, rows[i].kind, rows[i].routes, told, rows[i].told);
        settings_text_done(&s);
    }
}

static void test_route_tells_everything_where_only_the_log_is_left(void **state)
{
    (void)state;
    struct settings_text s;
    char                 names[128];
    settings_text_read(&s, "{}");
    const struct event ev = { .kind = "mode.armed", .device_id = "d", .device_name = "" };
    assert_string_equal(told_names(&s.people, &ev, NULL, false, NULL, names, sizeof names), "log");
    settings_text_done(&s);
}

static void test_route_takes_a_drill_where_it_is_wanted(void **state)
{
    (void)state;
    struct settings_text s;
    char                 names[128];
    settings_text_read(&s, "{" PEOPLE "}");
    const struct event ev = { .kind = "test.manual", .device_id = "d", .device_name = "" };
    assert_string_equal(told_names(&s.people, &ev, NULL, true, "bob", names, sizeof names), "bob");
    assert_string_equal(told_names(&s.people, &ev, NULL, true, "nobody", names, sizeof names), "");
    assert_string_equal(told_names(&s.people, &ev, NULL, true, NULL, names, sizeof names), "anna bob family");
    assert_string_equal(told_names(&s.people, &ev, NULL, false, NULL, names, sizeof names), "");
    settings_text_done(&s);
}

static void test_route_makes_an_alarm_of_what_the_alarm_user_gets_and_nobody_reads(void **state)
{
    (void)state;
    const char *const     to[] = { "x@h", "Alarm@house" };
    const struct envelope env = { .to = to, .to_count = 2 }, other = { .to = to, .to_count = 1 };
    struct event          ev = { .kind = "unreadable", .severity = SEVERITY_WARNING };
    assert_int_equal(route_severity(&ev, &env, "alarm"), SEVERITY_ALARM);
    assert_int_equal(route_severity(&ev, &other, "alarm"), SEVERITY_WARNING);
    ev.kind = "mode.armed";
    ev.severity = SEVERITY_INFO;
    assert_int_equal(route_severity(&ev, &env, "alarm"), SEVERITY_INFO);
}

static void test_a_devices_own_recipients_are_told_of_everything_it_sends(void **state)
{
    (void)state;
    static const struct {
        const char *routes, *kind, *device, *told;
    } rows[] = {
        { "[]", "camera.motion", "front", "bob" },
        { "[]", "alarm.fire", "front", "bob" },
        { "[]", "camera.motion", "back", "" },
        { "[{'Kinds':['camera.*'],'Tell':['anna']}]", "camera.motion", "front", "bob" }, /* instead of */
        { "[{'Kinds':['camera.*'],'Tell':['anna']}]", "camera.motion", "back", "anna" },
        { "[{'Kinds':['camera.*'],'Devices':['*'],'Tell':['anna']}]", "camera.motion", "front", "bob" },
        { "[{'Kinds':['camera.*'],'Devices':['FRONT'],'Tell':['anna']}]", "camera.motion", "front", "anna" }, /* it names the device */
        { "[{'Kinds':['camera.*'],'Devices':['fr*'],'Tell':[]}]", "camera.motion", "front", "" },
        { "[{'Kinds':['camera.*'],'Devices':['front'],'Tell':['anna']}]", "alarm.fire", "front", "bob" },
        { "[{'Otherwise':true,'Tell':['anna']}]", "alarm.fire", "front", "bob" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char json[2048], names[512];
        int  n = snprintf(json, sizeof json, "{" PEOPLE ", \"Devices\": { \"front\": { \"Recipients\": [\"bob\"] } }, \"Routes\": %s }",
                          rows[i].routes);
        for (int k = 0; k < n; k++)
            json[k] = json[k] == '\'' ? '"' : json[k];
        struct settings_text s;
        settings_text_read(&s, json);
        const struct event ev = { .kind = rows[i].kind, .severity = kind_severity(rows[i].kind, false), .device_id = rows[i].device,
                                  .device_name = rows[i].device };
        const struct envelope env = { .to = NULL };
        if (strcmp(told_names(&s.people, &ev, &env, false, NULL, names, sizeof names), rows[i].told) != 0)
            fail_msg("row %zu: told %s, not %s", i, names, rows[i].told);
        settings_text_done(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_devices_own_recipients_are_told_of_everything_it_sends),
        cmocka_unit_test(test_route_tells_whom_the_routes_say),
        cmocka_unit_test(test_route_tells_everything_where_only_the_log_is_left),
        cmocka_unit_test(test_route_takes_a_drill_where_it_is_wanted),
        cmocka_unit_test(test_route_makes_an_alarm_of_what_the_alarm_user_gets_and_nobody_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The panel's table and grammar, beyond the samples of tests/data/lupusec. */
#include "core/attr.h"
#include "parsers/lupusec.h"
#include "parsers/own_texts.h"
#include "parsers/parser.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct parser_site site = { "alarm", "status", "de" };
static struct arena             arena;
static struct events            events;

/* The events of a mail with this text to this recipient. */
static const struct event *read_text(const char *to, const char *text)
{
    static const char *recipients[1];
    static struct envelope envelope;
    struct err             e;
    recipients[0] = to;
    envelope = (struct envelope){ "smtp", "192.0.2.1", "", "", "panel@h", recipients, 1 };
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    events = (struct events){ .arena = &arena };
    struct mail m = { .site = &site, .envelope = &envelope, .subject = "", .text = text, .header_from = "", .mailer = "" };
    assert_int_equal(parsers_read(&m, &events, &e), 0);
    return &events.items[0];
}

/* "Arm" alone, guessed words, test mails: whatever the address, if the settings say that a panel sends it. */
static void a_device_that_is_a_panel_needs_no_address_of_ours(void **state)
{
    (void)state;
    static const char *const           texts[] = { "Arm", "Batterie 12 V leer", "Test E-Mail" };
    static const struct parser_device  devices[] = { { "haus", "Haus", "panel", "", NULL }, { "haus", "Haus", "camera", "", NULL } };
    static const char *const           to[] = { "someone@h" };
    const struct envelope              envelope = { "smtp", "192.0.2.1", "", "", "haus@h", to, 1 };
    for (size_t i = 0; i < COUNT(texts); i++)
        for (size_t k = 0; k < COUNT(devices); k++) {
            struct err  e;
            struct mail m = { .site = &site, .envelope = &envelope, .device = &devices[k], .subject = "", .text = texts[i], .header_from = "", .mailer = "" };
            arena_done(&arena);
            arena_init(&arena, 1 << 20);
            events = (struct events){ .arena = &arena };
            assert_int_equal(parsers_read(&m, &events, &e), 0);
            assert_int_equal(strcmp(events.parser, "lupusec") == 0, k == 0);
        }
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static void every_kind_of_the_table_is_a_kind(void **state)
{
    (void)state;
    static const char *const samples[] = { "Feuer Alarm", "Battery Normal", "Arm", "DC Open", "Siren Off", "Test Report" };
    for (size_t i = 0; i < COUNT(samples); i++) {
        struct panel_meaning m;
        assert_true(panel_text_find(NULL, samples[i], strlen(samples[i]), false, &m));
        assert_true(kind_is_known(m.kind));
        assert_in_range(m.code, 100, 999);
    }
}

static void the_settings_own_texts_come_before_the_table(void **state)
{
    (void)state;
    static const char json[] = "{\"Alarme sabotage\":\"alarm.tamper\",\"Sabotage fini\":\"alarm.tamper restored\",\"Arm\":\"mode.home\","
                               "\"Batterie \\u00E9puis\\u00E9e\":\"trouble.power\",\"Divers\":\"alarm.other\"}";
    static const struct {
        const char *text, *kind;
        bool        restored;
        int         code;
    } cases[] = {
        { "ALARME  Sabotage!", "alarm.tamper", false, 383 },
        { "Sabotage fini", "alarm.tamper", true, 383 },
        { "Alarme sabotage restored", "alarm.tamper", true, 383 },
        { "Arm", "mode.home", false, 456 },
        { "Alarme Sabotage - Mobility", "alarm.tamper", false, 383 },
        { "batterie epuisee", "trouble.power", false, 301 },
        { "Divers", "alarm.other", false, 0 },
        { "Disarm", "mode.disarmed", false, 401 },
    };
    struct arena     own_arena;
    struct own_texts own;
    struct err       e;
    arena_init(&own_arena, 1 << 16);
    assert_int_equal(own_texts_read(json, &own_arena, &own, &e), 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct panel_meaning m;
        assert_true(panel_text_find(&own, cases[i].text, strlen(cases[i].text), true, &m));
        assert_string_equal(m.kind, cases[i].kind);
        assert_int_equal(m.restored, cases[i].restored);
        assert_int_equal(m.code, cases[i].code);
    }
    arena_done(&own_arena);
}

static void a_list_of_texts_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "[]", "{\"a\":1}", "{\"a\":\"alarm.no\"}", "{\"a\":\"zone.open now\"}", "{\" \":\"zone.open\"}", "{" };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct arena     own_arena;
        struct own_texts own;
        struct err       e;
        arena_init(&own_arena, 1 << 16);
        assert_int_equal(own_texts_read(bad[i], &own_arena, &own, &e), -1);
        arena_done(&own_arena);
    }
}

static void a_word_is_a_guess_only_where_it_is_allowed(void **state)
{
    (void)state;
    struct panel_meaning m;
    assert_false(panel_text_find(NULL, "Batterie 12 V leer", 18, false, &m));
    assert_true(panel_text_find(NULL, "Batterie 12 V leer", 18, true, &m));
    assert_string_equal(m.kind, "trouble.battery");
    assert_false(m.restored);
}

static const struct {
    const char *to, *text, *kind;
    int         zone;
    const char *name;
} lines[] = {
    { "alarm@h", "Zone:8 Ost 1,Sabotage Alarm", "alarm.tamper", 8, "Ost 1" },
    { "alarm@h", "zone:8 OST 1, SABOTAGE ALARM", "alarm.tamper", 8, "OST 1" },
    { "alarm@h", "Zone:8, Sabotage Alarm", "alarm.tamper", 8, NULL },
    { "alarm@h", "Zone:, Sabotage Alarm", "alarm.tamper", ZONE_NONE, NULL },
    { "alarm@h", "Zone:1234567 A, Sabotage Alarm", "alarm.tamper", ZONE_NONE, "1234567 A" },
    { "alarm@h", "Zone:8a Ost, Sabotage Alarm", "alarm.tamper", ZONE_NONE, "8a Ost" },
    { "alarm@h", "Zone:8", "unknown", ZONE_NONE, NULL },
    { "alarm@h", "Zone:", "unknown", ZONE_NONE, NULL },
    { "alarm@h", "  Zone:8 Ost 1, Sabotage Alarm.  ", "alarm.tamper", 8, "Ost 1" },
    { "else@h", "Zone:8 Ost 1, Sabotage Alarm", "alarm.tamper", 8, "Ost 1" },
    { "else@h", "Zone:8 Ost 1, etwas Neues", "unknown", 8, "Ost 1" },
    { "else@h", "Sabotage Alarm gemeldet von Sensor A, B", "alarm.tamper", ZONE_NONE, "A, B" },
    { "else@h", "Anna, Disarm", "mode.disarmed", ZONE_NONE, NULL },
    { "else@h", "Dear Anna, Disarm\nthe house, please", "unknown", ZONE_NONE, NULL },
    { "else@h", "my time zone:Europe, Berlin", "unknown", ZONE_NONE, NULL },
};

static void lines_are_read_by_the_grammar(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        const struct event *ev = read_text(lines[i].to, lines[i].text);
        assert_string_equal(ev->kind, lines[i].kind);
        assert_int_equal(ev->zone_number, lines[i].zone);
        if (lines[i].name)
            assert_string_equal(ev->zone_name, lines[i].name);
        else
            assert_null(ev->zone_name);
    }
}

static void who_talks_like_a_panel_and_is_not_known_is_an_alarm(void **state)
{
    (void)state;
    assert_int_equal(read_text("else@h", "Zone:8 Ost 1, etwas Neues")->severity, SEVERITY_ALARM);
    assert_int_equal(read_text("alarm@h", "etwas Neues")->severity, SEVERITY_ALARM);
    assert_int_equal(read_text("else@h", "etwas Neues")->severity, SEVERITY_WARNING);
}

static void a_mail_of_many_lines_ends_at_the_ceiling_of_events(void **state)
{
    (void)state;
    char text[100 * 32] = "";
    for (int i = 0; i < 100; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "Zone:%d A, Sabotage Alarm\n", i);
    (void)read_text("alarm@h", text);
    assert_int_equal(events.count, EVENTS_MAX);
    assert_string_equal(events.parser, "lupusec");
}

static void a_line_of_64_kib_costs_nothing(void **state)
{
    (void)state;
    enum { BYTES = 64 * 1024 };
    char *text = malloc(BYTES + 1);
    assert_non_null(text);
    memset(text, ',', BYTES);
    memcpy(text, "Zone:8 ", 7);
    text[BYTES] = '\0';
    assert_string_equal(read_text("alarm@h", text)->kind, "unknown");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_the_table_is_a_kind),
        cmocka_unit_test(the_settings_own_texts_come_before_the_table),
        cmocka_unit_test(a_list_of_texts_that_is_none_is_refused),
        cmocka_unit_test(a_word_is_a_guess_only_where_it_is_allowed),
        cmocka_unit_test_teardown(a_device_that_is_a_panel_needs_no_address_of_ours, tear_down),
        cmocka_unit_test(lines_are_read_by_the_grammar),
        cmocka_unit_test(who_talks_like_a_panel_and_is_not_known_is_an_alarm),
        cmocka_unit_test(a_mail_of_many_lines_ends_at_the_ceiling_of_events),
        cmocka_unit_test(a_line_of_64_kib_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}

/* The wording: the rows of the house's table word for word, and what gives way when room is short. */
#include "core/clock.h"
#include "service/gsm.h"
#include "service/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* */
#include <cmocka.h>

/* 2026-11-21 03:12:45 in Berlin. */
static const int64_t night = 1795227165000;

static struct event event_of(const char *kind)
{
    return (struct event){ .kind = kind, .severity = kind_severity(kind, false), .device_id = "", .device_name = "", .zone_number = ZONE_NONE };
}

static struct event zone_event(const char *kind, int number, const char *name)
{
    struct event ev = event_of(kind);
    ev.zone_number = number;
    ev.zone_name = name;
    return ev;
}

static struct text_style style_of(const char *language, bool is_sms)
{
    struct account a = { .name = "test", .provider = provider_find(is_sms ? "clicksend" : "webhook") };
    struct text_style s;
    text_style_init(&s, &a, language, "Ferienhaus");
    return s;
}

static struct event_origin origin_of(const char *parser)
{
    return (struct event_origin){ .site = "Ferienhaus", .arrival = "01JD5Z000000000000007ZQ4KD", .parser = parser, .received_ms = night };
}

static char composed[8192], titled[512];

static const char *compose(const struct text_style *style, const struct text_input *in)
{
    CLEANUP(buf_done) struct buf title, text;
    buf_init(&title, sizeof titled - 1);
    buf_init(&text, sizeof composed - 1);
    text_compose(style, in, &title, &text);
    assert_false(text.failed);
    (void)snprintf(composed, sizeof composed, "%s", buf_str(&text));
    (void)snprintf(titled, sizeof titled, "%s", buf_str(&title));
    return composed;
}

static const char *compose_one(const struct text_style *style, const struct event *ev, const char *parser)
{
    struct event_origin o = origin_of(parser);
    return compose(style, &(struct text_input){ .events = ev, .origins = &o, .count = 1 });
}

/* --- the table of the house --------------------------------------------------------------------------------- */

struct row {
    struct event event;
    const char  *parser, *de, *en;
};

static void check_row(const struct row *r)
{
    for (int is_sms = 0; is_sms <= 1; is_sms++) {
        struct text_style de = style_of("de", is_sms), en = style_of("en", is_sms);
        assert_string_equal(compose_one(&de, &r->event, r->parser), r->de);
        assert_string_equal(compose_one(&en, &r->event, r->parser), r->en);
    }
}

static void test_one_event_reads_as_the_table_says(void **state)
{
    (void)state;
    static const struct media three[3] = { { .n = 1, .type = "image/jpeg" }, { .n = 2, .type = "image/jpeg" }, { .n = 3, .type = "image/png" } };
    struct event restored = zone_event("alarm.tamper", 8, "Ost 1"), disarmed = event_of("mode.disarmed"), camera = event_of("camera.person");
    struct event unknown = event_of("unknown"), unknown_alarm = event_of("unknown"), unreadable = event_of("unreadable");
    struct event system = event_of("system.delivery");
    restored.restored = true;
    disarmed.user = "Jörg Weiß";
    struct event forced = disarmed;
    forced.user = "Code 998";
    forced.severity = SEVERITY_ALARM;
    camera.device_name = "Einfahrt";
    camera.media = three;
    camera.media_count = 3;
    struct event input = event_of("camera.person"), named_input, empty = unknown, other = event_of("camera.other");
    other.device_name = "Rekorder";
    other.text = "Baggage\n  left in the hall of the second floor near";
    input.device_name = "Rekorder";
    input.channel = "D2";
    named_input = input;
    named_input.zone_name = "Hof";
    unknown.text = unknown_alarm.text = "Zone:4 Keller,\n  Alarme intrusion";
    unknown_alarm.severity = SEVERITY_ALARM;
    unreadable.device_name = "Einfahrt";
    unreadable.text = "312 kB";
    system.text = "ClickSend nimmt keine SMS an (Guthaben leer), 2 Meldungen nicht zugestellt";
    const struct row rows[] = {
        { zone_event("alarm.interior", 8, "Ost 1"), "lupusec", "ALARM Ferienhaus: Einbruch innen, Zone 8 Ost 1, 21.11. 03:12:45",
          "ALARM Ferienhaus: Burglary interior, zone 8 Ost 1, 21 Nov 03:12:45" },
        { restored, "lupusec", "ENDE Ferienhaus: Sabotage, Zone 8 Ost 1, 21.11. 03:12:45",
          "CLEARED Ferienhaus: Tamper, zone 8 Ost 1, 21 Nov 03:12:45" },
        { zone_event("trouble.supervision", 2, "Café"), "lupusec", "STÖRUNG Ferienhaus: Sensor antwortet nicht, Zone 2 Café, 21.11. 03:12:45",
          "TROUBLE Ferienhaus: Sensor not responding, zone 2 Café, 21 Nov 03:12:45" },
        { disarmed, "lupusec", "Ferienhaus: Unscharf durch Jörg Weiß, 21.11. 03:12:45", "Ferienhaus: Disarmed by Jörg Weiß, 21 Nov 03:12:45" },
        { forced, "contact-id", "ALARM Ferienhaus: Unscharf durch Code 998, 21.11. 03:12:45", "ALARM Ferienhaus: Disarmed by Code 998, 21 Nov 03:12:45" },
        { zone_event("zone.open", 1, "Terrasse"), "lupusec", "Ferienhaus: Offen, Zone 1 Terrasse, 21.11. 03:12:45",
          "Ferienhaus: Open, zone 1 Terrasse, 21 Nov 03:12:45" },
        { camera, "camera", "KAMERA Ferienhaus: Person, Einfahrt, 3 Bilder, 21.11. 03:12:45",
          "CAMERA Ferienhaus: Person, Einfahrt, 3 pictures, 21 Nov 03:12:45" },
        { input, "dahua", "KAMERA Ferienhaus: Person, Rekorder, Kanal D2, 21.11. 03:12:45", "CAMERA Ferienhaus: Person, Rekorder, channel D2, 21 Nov 03:12:45" },
        { named_input, "dahua", "KAMERA Ferienhaus: Person, Rekorder, Hof, 21.11. 03:12:45", "CAMERA Ferienhaus: Person, Rekorder, Hof, 21 Nov 03:12:45" },
        { other, "hikvision", "KAMERA Ferienhaus: Ereignis (Baggage left in the hall of the second..), Rekorder, 21.11. 03:12:45",
          "CAMERA Ferienhaus: Event (Baggage left in the hall of the second..), Rekorder, 21 Nov 03:12:45" },
        { empty, "plain", "MELDUNG Ferienhaus (Text unbekannt): leere Mail, 21.11. 03:12:45",
          "MESSAGE Ferienhaus (text not known): empty mail, 21 Nov 03:12:45" },
        { unknown, "plain", "MELDUNG Ferienhaus (Text unbekannt): Zone:4 Keller, Alarme intrusion, 21.11. 03:12:45",
          "MESSAGE Ferienhaus (text not known): Zone:4 Keller, Alarme intrusion, 21 Nov 03:12:45" },
        { unknown_alarm, "plain", "ALARM Ferienhaus (Text unbekannt): Zone:4 Keller, Alarme intrusion, 21.11. 03:12:45",
          "ALARM Ferienhaus (text not known): Zone:4 Keller, Alarme intrusion, 21 Nov 03:12:45" },
        { unreadable, NULL, "MAIL UNLESBAR Ferienhaus: von Einfahrt, 312 kB, 21.11. 03:12:45, Nr. 7ZQ4KD",
          "MAIL UNREADABLE Ferienhaus: from Einfahrt, 312 kB, 21 Nov 03:12:45, no. 7ZQ4KD" },
        { zone_event("alarm.burglary", 1, "Keller"), "drill", "TEST Ferienhaus: Probealarm, kein echter Alarm, 21.11. 03:12:45",
          "TEST Ferienhaus: drill, not a real alarm, 21 Nov 03:12:45" },
        { system, NULL, "POSTERN Ferienhaus: ClickSend nimmt keine SMS an (Guthaben leer), 2 Meldungen nicht zugestellt, 21.11. 03:12:45",
          "POSTERN Ferienhaus: ClickSend nimmt keine SMS an (Guthaben leer), 2 Meldungen nicht zugestellt, 21 Nov 03:12:45" },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        check_row(&rows[i]);
}

static void test_several_events_are_folded_and_repeats_counted(void **state)
{
    (void)state;
    struct event        events[5];
    struct event_origin origins[5];
    for (size_t i = 0; i < 5; i++) {
        events[i] = i == 1 ? zone_event("alarm.tamper", 3, "Gästezimmer") : zone_event("alarm.interior", 8, "Ost 1");
        origins[i] = origin_of("lupusec");
        origins[i].received_ms = night + (int64_t)i * 25000;
    }
    struct text_input in = { .events = events, .origins = origins, .count = 5 };
    for (int is_sms = 0; is_sms <= 1; is_sms++) {
        struct text_style de = style_of("de", is_sms), en = style_of("en", is_sms);
        assert_string_equal(compose(&de, &in), "ALARM Ferienhaus: 5 Meldungen 03:12-03:14: Einbruch innen Z8 Ost 1; Sabotage Z3 Gästezimmer; +3");
        assert_string_equal(titled, "ALARM Ferienhaus");
        assert_string_equal(compose(&en, &in), "ALARM Ferienhaus: 5 messages 03:12-03:14: Burglary interior Z8 Ost 1; Tamper Z3 Gästezimmer; +3");
    }
}

static void test_marks_stand_at_the_end(void **state)
{
    (void)state;
    struct text_style   de = style_of("de", true), en = style_of("en", true);
    struct event        ev = zone_event("zone.open", 1, "Terrasse");
    struct event_origin o = origin_of("lupusec");
    struct text_input   in = { .events = &ev, .origins = &o, .count = 1, .is_late = true, .is_twice = true };
    assert_string_equal(compose(&de, &in), "Ferienhaus: Offen, Zone 1 Terrasse, 21.11. 03:12:45 (verspätet) (evtl. doppelt)");
    assert_string_equal(compose(&en, &in), "Ferienhaus: Open, zone 1 Terrasse, 21 Nov 03:12:45 (late) (maybe twice)");
}

static void test_equal_texts_in_a_row_count_up(void **state)
{
    (void)state;
    struct text_style   de = style_of("de", true);
    struct event        ev = zone_event("zone.open", 1, "Terrasse");
    struct event_origin o = origin_of("lupusec");
    char                last[200] = "";
    static const char *const ends[] = { "45", "45 #2", "45 #3", "45 #4" };
    for (size_t i = 0; i < COUNT(ends); i++) {
        const char *text = compose(&de, &(struct text_input){ .events = &ev, .origins = &o, .count = 1, .last = last });
        assert_string_equal(text + strlen(text) - strlen(ends[i]), ends[i]);
        (void)snprintf(last, sizeof last, "%s", text);
    }
    ev.zone_number = 2;
    assert_null(strchr(compose(&de, &(struct text_input){ .events = &ev, .origins = &o, .count = 1, .last = last }), '#'));
}

static void test_a_text_sent_once_can_be_marked(void **state)
{
    (void)state;
    struct text_style de = style_of("de", true);
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, 1000);
    text_mark_twice(&de, "ALARM Haus: Einbruch", SEVERITY_ALARM, &text);
    assert_string_equal(buf_str(&text), "ALARM Haus: Einbruch (evtl. doppelt)");
    char full[161];
    memset(full, 'x', 160);
    full[160] = '\0';
    buf_clear(&text);
    text_mark_twice(&de, full, SEVERITY_INFO, &text);
    assert_int_equal(text.len, 160);
    assert_non_null(strstr(buf_str(&text), "x (evtl. doppelt)"));
}

/* --- room --------------------------------------------------------------------------------------------------- */

static void test_when_an_sms_is_too_long_the_site_goes_first_then_the_date_then_names(void **state)
{
    (void)state;
    struct text_style de = style_of("de", true);
    char              site[120];
    memset(site, 'S', sizeof site - 1); /* of which 64 count */
    site[sizeof site - 1] = '\0';
    de.site = site;
    struct event info = zone_event("zone.open", 12, "Gästezimmer mit Bad und Balkon, Südseite, oberes Stockwerk, ganz hinten");
    const char  *text = compose_one(&de, &info, "lupusec");
    assert_int_equal(gsm_parts(text), 1);
    assert_non_null(strstr(text, "S..: Offen, Zone 12 Gästezimmer mit Bad und Balkon, Südseite, oberes Stockwerk, ganz hinten, 21.11. 03:12:45"));
    assert_int_equal(gsm_units(text, &(bool){ false }), 160);

    char name[400];
    (void)snprintf(name, sizeof name, "Anfang %0118d Ende", 0); /* 130 characters: too long by two, beside a date */
    info.zone_name = name;
    text = compose_one(&de, &info, "lupusec");
    assert_int_equal(gsm_parts(text), 1);
    assert_int_equal(strncmp(text, "Offen, Zone 12 Anfang 0", 23), 0);
    assert_non_null(strstr(text, name));
    assert_string_equal(text + strlen(text) - 15, " Ende, 03:12:45");

    (void)snprintf(name, sizeof name, "Anfang %0200d Ende", 0);
    info.zone_name = name;
    text = compose_one(&de, &info, "lupusec");
    assert_int_equal(gsm_parts(text), 1);
    assert_int_equal(strncmp(text, "Offen, Zone 12 Anfang 0", 23), 0);
    assert_non_null(strstr(text, "0..0"));
    assert_non_null(strstr(text, "0 Ende, 03:12:45"));
}

static void test_an_alarm_may_take_two_parts(void **state)
{
    (void)state;
    struct text_style de = style_of("de", true);
    char              name[200];
    (void)snprintf(name, sizeof name, "%0150d", 7);
    struct event ev = zone_event("alarm.fire", 3, name);
    assert_int_equal(gsm_parts(compose_one(&de, &ev, "lupusec")), 2);
    assert_non_null(strstr(composed, name));
    ev = zone_event("zone.open", 3, name);
    assert_int_equal(gsm_parts(compose_one(&de, &ev, "lupusec")), 1);
}

static void test_max_parts_of_the_account_counts_for_all(void **state)
{
    (void)state;
    struct account a = { .name = "sms", .provider = provider_find("clicksend") };
    a.field[3] = "3";
    assert_string_equal(a.provider->fields[3].name, "MaxParts");
    struct text_style s;
    text_style_init(&s, &a, "de", "Haus");
    assert_int_equal(s.parts, 3);
    assert_int_equal(s.alarm_parts, 3);
    a.field[3] = "many";
    text_style_init(&s, &a, "de", "Haus");
    assert_int_equal(s.parts, 1);
    assert_int_equal(s.alarm_parts, 2);
}

static void test_a_flood_names_every_zone_up_to_what_fits(void **state)
{
    (void)state;
    enum { ZONES = 40 };
    static char         names[ZONES][40];
    struct event        events[ZONES];
    struct event_origin origins[ZONES];
    for (int i = 0; i < ZONES; i++) {
        (void)snprintf(names[i], sizeof names[i], "Zimmer Nummer %d im Haus", i + 1);
        events[i] = zone_event("alarm.interior", i + 1, names[i]);
        origins[i] = origin_of("lupusec");
    }
    struct text_style de = style_of("de", true);
    size_t            n = text_fold_max(&de, events, origins, ZONES);
    assert_int_equal(n, ZONES);
    const char *text = compose(&de, &(struct text_input){ .events = events, .origins = origins, .count = n });
    assert_int_equal(gsm_parts(text), 2);
    for (int i = 1; i <= ZONES; i++) {
        char zone[10];
        (void)snprintf(zone, sizeof zone, " Z%d%s", i, i < ZONES ? " " : "");
        assert_non_null(strstr(text, zone));
    }
    assert_null(strchr(text, '+'));
}

static void test_a_fold_that_names_every_zone_may_be_smaller_than_what_waits(void **state)
{
    (void)state;
    enum { ZONES = 50 };
    static char         names[ZONES][80];
    struct event        events[ZONES];
    struct event_origin origins[ZONES];
    for (int i = 0; i < ZONES; i++) {
        (void)snprintf(names[i], sizeof names[i], "Zimmer mit Namen %d ohne Nummer", i + 1);
        events[i] = zone_event("alarm.interior", i + 1000000, names[i]);
        origins[i] = origin_of("lupusec");
    }
    struct text_style de = style_of("de", true);
    size_t            n = text_fold_max(&de, events, origins, ZONES);
    assert_in_range(n, 10, ZONES - 1);
    const char *text = compose(&de, &(struct text_input){ .events = events, .origins = origins, .count = n });
    assert_null(strchr(text, '+'));
    text = compose(&de, &(struct text_input){ .events = events, .origins = origins, .count = ZONES });
    assert_non_null(strchr(text, '+'));
    assert_true(gsm_parts(text) <= 2);
}

static void test_no_text_ever_passes_its_ceiling(void **state)
{
    (void)state;
    static char long_text[3000];
    memset(long_text, 'W', sizeof long_text - 1);
    for (unsigned i = 0; kind_at(i); i++) {
        struct event ev = zone_event(kind_at(i), 2147483647, long_text);
        ev.user = ev.device_name = ev.text = long_text;
        for (int is_sms = 0; is_sms <= 1; is_sms++)
            for (size_t l = 0; words_language(l); l++) {
                struct text_style s = style_of(words_language(l), is_sms);
                s.site = long_text;
                const char *text = compose_one(&s, &ev, "plain");
                if (is_sms)
                    assert_true(gsm_parts(text) <= 2);
                else
                    assert_true(strlen(text) <= s.text_max);
                assert_true(strlen(text) > 20);
            }
    }
}

static void test_letters_of_another_script_have_their_own_room(void **state)
{
    (void)state;
    struct text_style de = style_of("de", true);
    struct event      ev = zone_event("alarm.fire", 3, "Кухня и большая комната с балконом на втором этаже у лестницы справа от входа в дом напротив гаража номер два");
    const char       *text = compose_one(&de, &ev, "lupusec");
    bool              is_gsm;
    assert_true(gsm_units(text, &is_gsm) <= 132);
    assert_false(is_gsm);
    assert_non_null(strstr(text, "Zone 3 Кухня"));
}

/* --- what is told, and what not ----------------------------------------------------------------------------- */

static void test_detail_decides_which_names_leave_the_house(void **state)
{
    (void)state;
    struct text_style s = style_of("de", false);
    struct event      zone = zone_event("alarm.interior", 8, "Ost 1"), user = event_of("mode.armed"), camera = event_of("camera.person");
    user.user = "Jörg";
    camera.device_name = "Einfahrt";
    static const struct {
        enum text_detail detail;
        const char      *zone, *user, *camera;
    } rows[] = {
        { TEXT_FULL, "Zone 8 Ost 1,", "Scharf durch Jörg,", "Person, Einfahrt," },
        { TEXT_ZONE, "Zone 8 Ost 1,", "Scharf, 21", "Person, Einfahrt," },
        { TEXT_SHORT, "Zone 8, 21", "Scharf, 21", "Person, 21" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        s.detail = rows[i].detail;
        assert_non_null(strstr(compose_one(&s, &zone, "lupusec"), rows[i].zone));
        assert_non_null(strstr(compose_one(&s, &user, "lupusec"), rows[i].user));
        assert_non_null(strstr(compose_one(&s, &camera, "camera"), rows[i].camera));
    }
}

static void test_inputs_of_one_recorder_are_two_places(void **state)
{
    (void)state;
    struct text_style         s = style_of("en", true);
    struct event              events[3] = { event_of("camera.offline"), event_of("camera.offline"), event_of("camera.offline") };
    struct event_origin       origins[3] = { origin_of("dahua"), origin_of("dahua"), origin_of("dahua") };
    static const char *const  channels[3] = { "2", "3", "2" };
    for (size_t i = 0; i < COUNT(events); i++) {
        events[i].device_name = "Recorder";
        events[i].channel = channels[i];
    }
    assert_string_equal(compose(&s, &(struct text_input){ .events = events, .origins = origins, .count = 3 }),
                        "CAMERA Ferienhaus: 3 messages 03:12: Camera offline Recorder channel 2; Camera offline Recorder channel 3; +1");
}

static void test_the_devices_own_words_follow_where_there_is_room(void **state)
{
    (void)state;
    struct text_style s = style_of("de", false);
    s.shows_original = true;
    struct event ev = zone_event("alarm.interior", 8, "Ost 1");
    ev.text = "Zone:8 Ost 1, Innenbereich Alarm";
    assert_string_equal(compose_one(&s, &ev, "lupusec"),
                        "ALARM Ferienhaus: Einbruch innen, Zone 8 Ost 1, 21.11. 03:12:45\n\nZone:8 Ost 1, Innenbereich Alarm");
    static char long_text[9000];
    memset(long_text, 'W', sizeof long_text - 1);
    ev.text = long_text;
    const char *text = compose_one(&s, &ev, "lupusec");
    assert_int_equal(strlen(text), s.text_max);
    assert_string_equal(text + strlen(text) - 3, "…");
}

static void test_the_original_style_sends_the_mails_own_text(void **state)
{
    (void)state;
    struct text_style s = style_of("de", true);
    s.is_original = true;
    struct event ev = zone_event("alarm.interior", 8, "Ost 1");
    ev.text = "Zone:8 Ost 1, Innenbereich Alarm";
    assert_string_equal(compose_one(&s, &ev, "lupusec"), ev.text);
    assert_int_equal(strncmp(compose_one(&s, &ev, "drill"), "TEST ", 5), 0);
}

static void test_any_word_can_be_replaced(void **state)
{
    (void)state;
    static const struct word own[] = { { "head.alarm", "ALARMA" }, { "alarm.interior", "Jemand ist drin %s" }, { NULL, NULL } };
    struct text_style        s = style_of("de", false);
    s.overrides = own;
    struct event ev = zone_event("alarm.interior", 8, "Ost 1");
    assert_string_equal(compose_one(&s, &ev, "lupusec"), "ALARMA Ferienhaus: Jemand ist drin %s, Zone 8 Ost 1, 21.11. 03:12:45");
}

static void test_a_device_clock_that_cannot_be_right_is_not_believed(void **state)
{
    (void)state;
    struct text_style s = style_of("de", false);
    struct event      ev = zone_event("alarm.interior", 8, "Ost 1");
    ev.happened_ms = night - 60 * 60 * 1000;
    assert_non_null(strstr(compose_one(&s, &ev, "lupusec"), "21.11. 02:12:45"));
    ev.happened_ms = 1000;
    assert_non_null(strstr(compose_one(&s, &ev, "lupusec"), "21.11. 03:12:45"));
    ev.happened_ms = night + 3600 * 1000;
    assert_non_null(strstr(compose_one(&s, &ev, "lupusec"), "21.11. 03:12:45"));
}

static void test_every_kind_has_words_in_every_language(void **state)
{
    (void)state;
    for (size_t l = 0; words_language(l); l++)
        for (unsigned i = 0; kind_at(i); i++)
            if (!words_has(words_of(words_language(l)), kind_at(i)))
                fail_msg("%s has no word for %s", words_language(l), kind_at(i));
}

static void test_all_languages_have_the_same_keys(void **state)
{
    (void)state;
    const struct word *first = words_of(words_language(0));
    for (size_t l = 1; words_language(l); l++) {
        const struct word *other = words_of(words_language(l));
        for (size_t i = 0; first[i].key || other[i].key; i++) {
            assert_non_null(first[i].key);
            assert_non_null(other[i].key);
            assert_string_equal(first[i].key, other[i].key);
        }
    }
}

static void test_a_refusal_is_told_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *provider;
        enum fault  fault;
        const char *detail;
        size_t      waiting;
        bool        restored;
        const char *de, *en;
    } rows[] = {
        { "clicksend", FAULT_ACCOUNT, "INSUFFICIENT_CREDIT", 2, false, "ClickSend nimmt keine SMS an (Guthaben leer), 2 Meldungen nicht zugestellt",
          "ClickSend refuses SMS (no credit), 2 messages not delivered" },
        { "clicksend", FAULT_NONE, "", 0, true, "ClickSend nimmt wieder SMS an", "ClickSend takes SMS again" },
        { "cm", FAULT_ACCOUNT, "103 api key incorrect: no", 1, false, "CM.com nimmt keine SMS an (Schlüssel ungültig), 1 Meldung nicht zugestellt",
          "CM.com refuses SMS (key not valid), 1 message not delivered" },
        { "clicksend", FAULT_MESSAGE, "INVALID_RECIPIENT", 1, false,
          "ClickSend nimmt eine Nachricht nicht an (Nummer oder Adresse falsch), 1 Meldung nicht zugestellt",
          "ClickSend refuses a message (wrong number or address), 1 message not delivered" },
        { "telegram", FAULT_ADDRESS, "HTTP 403 Forbidden: bot was blocked by the user", 1, false,
          "Telegram nimmt eine Nachricht nicht an (gesperrt), 1 Meldung nicht zugestellt",
          "Telegram refuses a message (blocked), 1 message not delivered" },
        { "webhook", FAULT_ACCOUNT, "HTTP 410: wants no more", 3, false,
          "Webhook nimmt keine Nachrichten an (HTTP 410: wants no more), 3 Meldungen nicht zugestellt",
          "Webhook refuses messages (HTTP 410: wants no more), 3 messages not delivered" },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int l = 0; l < 2; l++) {
            struct text_style s = style_of(l ? "en" : "de", false);
            CLEANUP(buf_done) struct buf out;
            buf_init(&out, 500);
            text_refusal(&s, provider_find(rows[i].provider), rows[i].fault, rows[i].detail, rows[i].waiting, rows[i].restored, &out);
            assert_string_equal(buf_str(&out), l ? rows[i].en : rows[i].de);
        }
}

int main(void)
{
    if (clock_use_zone("Europe/Berlin") < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_event_reads_as_the_table_says),
        cmocka_unit_test(test_several_events_are_folded_and_repeats_counted),
        cmocka_unit_test(test_marks_stand_at_the_end),
        cmocka_unit_test(test_equal_texts_in_a_row_count_up),
        cmocka_unit_test(test_a_text_sent_once_can_be_marked),
        cmocka_unit_test(test_when_an_sms_is_too_long_the_site_goes_first_then_the_date_then_names),
        cmocka_unit_test(test_an_alarm_may_take_two_parts),
        cmocka_unit_test(test_max_parts_of_the_account_counts_for_all),
        cmocka_unit_test(test_a_flood_names_every_zone_up_to_what_fits),
        cmocka_unit_test(test_a_fold_that_names_every_zone_may_be_smaller_than_what_waits),
        cmocka_unit_test(test_no_text_ever_passes_its_ceiling),
        cmocka_unit_test(test_letters_of_another_script_have_their_own_room),
        cmocka_unit_test(test_detail_decides_which_names_leave_the_house),
        cmocka_unit_test(test_inputs_of_one_recorder_are_two_places),
        cmocka_unit_test(test_the_devices_own_words_follow_where_there_is_room),
        cmocka_unit_test(test_the_original_style_sends_the_mails_own_text),
        cmocka_unit_test(test_any_word_can_be_replaced),
        cmocka_unit_test(test_a_device_clock_that_cannot_be_right_is_not_believed),
        cmocka_unit_test(test_every_kind_has_words_in_every_language),
        cmocka_unit_test(test_all_languages_have_the_same_keys),
        cmocka_unit_test(test_a_refusal_is_told_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

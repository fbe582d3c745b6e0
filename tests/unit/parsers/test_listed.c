/* What Hikvision, Dahua, Reolink and Swann call what happened, word by word; whole mails are in tests/data. */
#include "parsers/listed.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

extern const struct parser parser_dahua, parser_hikvision, parser_reolink;

static const struct parser_site site = { .alarm_user = "alarm", .status_user = "status", .language = "en" };
static struct arena             arena;
static struct events            events;

static struct mail mail_of(const char *subject, const char *text)
{
    static const char *const     to[] = { "gate@h" };
    static const struct envelope envelope = { "smtp", "192.0.2.1", "", "", "", to, 1 };
    return (struct mail){ .site = &site, .envelope = &envelope, .subject = subject, .text = text, .header_from = "", .mailer = "" };
}

static const struct event *read_mail(const struct mail *m)
{
    struct err e;
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    events = (struct events){ .arena = &arena };
    assert_int_equal(parsers_read(m, &events, &e), 0);
    assert_int_equal(events.count, 1);
    assert_true(kind_is_known(events.items[0].kind));
    return &events.items[0];
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

struct said {
    const char *event, *kind;
    bool        restored;
};

/* Each event in a mail of this form (one %s), read by this parser. */
static void assert_all(const char *parser, const char *form, const struct said *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[400];
        (void)snprintf(text, sizeof text, form, rows[i].event);
        struct mail         m = mail_of("", text);
        const struct event *ev = read_mail(&m);
        if (strcmp(ev->kind, rows[i].kind) != 0 || ev->restored != rows[i].restored)
            fail_msg("%s: \"%s\" is %s%s", parser, rows[i].event, ev->kind, ev->restored ? " restored" : "");
        assert_string_equal(events.parser, parser);
        assert_true(ev->severity == kind_severity(ev->kind, ev->restored));
    }
}

static void every_event_of_hikvision_has_its_kind(void **state)
{
    (void)state;
    static const struct said rows[] = {
        { "Motion Detection", "camera.motion" },
        { "Motion Detected", "camera.motion" },
        { "MOTION  DETECTED", "camera.motion" },
        { "Video Tampering Detection", "camera.tamper" },
        { "Video Loss", "camera.offline" },
        { "Line Crossing Detection", "camera.line" },
        { "Intrusion Detection", "camera.intrusion" },
        { "Field Detection", "camera.intrusion" },
        { "Region Entrance Detection", "camera.intrusion" },
        { "Region Exiting Detection", "camera.intrusion" },
        { "Loitering Detection", "camera.intrusion" },
        { "Unattended Baggage Detection", "camera.other" },
        { "Object Removal Detection", "camera.other" },
        { "Face Detection", "camera.face" },
        { "Scene Change Detection", "camera.tamper" },
        { "Defocus Detection", "camera.tamper" },
        { "Audio Exception Detection", "camera.audio" },
        { "PIR Alarm", "camera.input" },
        { "Alarm Input", "camera.input" },
        { "HDD Full", "camera.storage" },
        { "HDD Error", "camera.storage" },
        { "Network Disconnected", "camera.offline" },
        { "IP Address Conflicted", "camera.offline" },
        { "Illegal Login", "camera.access" },
        { "Illegal Access", "camera.access" },
        { "Temperature Measurement Alarm", "alarm.heat" },
        { "Bewegungserkennung", "camera.motion" },
        { "Linienüberquerung", "camera.line" },
        { "Unzulässige Anmeldung", "camera.access" },
    };
    assert_all("hikvision", "EVENT TYPE: %s\nEVENT TIME: 2026-03-14,08:15:30\nIPC NAME: Haus\n", rows, COUNT(rows));
}

static void every_event_of_dahua_has_its_kind(void **state)
{
    (void)state;
    static const struct said rows[] = {
        { "Motion Detect", "camera.motion" },
        { "Motion Detection", "camera.motion" },
        { "Motion Detection Start", "camera.motion" },
        { "Motion Detection Stop", "camera.motion", true },
        { "Motion Detection end", "camera.motion", true },
        { "Tamper Detect", "camera.tamper" },
        { "Intrusion", "camera.intrusion" },
        { "Cross Region", "camera.intrusion" },
        { "Tripwire", "camera.line" },
        { "Cross Line", "camera.line" },
        { "Cross Line Stop", "camera.line", true },
        { "Smart Motion Human", "camera.person" },
        { "Smart Motion Vehicle", "camera.vehicle" },
        { "Smart Motion Vehicle Stop", "camera.vehicle", true },
        { "Face Detection", "camera.face" },
        { "Video Loss", "camera.offline" },
        { "Video Loss End", "camera.offline", true },
        { "Video Tampering", "camera.tamper" },
        { "Camera Masking", "camera.tamper" },
        { "No Disk", "camera.storage" },
        { "Disk Error", "camera.storage" },
        { "Disk Full", "camera.storage" },
        { "Stolperdraht", "camera.line" },
        { "Videoverlust beendet", "camera.offline", true },
    };
    assert_all("dahua", "Alarm Event: %s\nAlarm Input Channel No.: 1\nIP Address: 192.0.2.1\n", rows, COUNT(rows));
}

static void every_event_of_reolink_and_swann_has_its_kind(void **state)
{
    (void)state;
    static const struct said rows[] = {
        { "Motion Detection", "camera.motion" },  { "Person Detected", "camera.person" },   { "Vehicle Detected", "camera.vehicle" },
        { "Pet Detected", "camera.animal" },      { "Animal Detected", "camera.animal" },   { "Visitor Detected", "camera.doorbell" },
        { "Human", "camera.person" },             { "Human and Vehicle", "camera.person" }, { "Vehicle", "camera.vehicle" },
        { "Video Loss", "camera.offline" },       { "HDD Full", "camera.storage" },         { "Fahrzeug erkannt", "camera.vehicle" },
        { "Haustier erkannt", "camera.animal" },
    };
    assert_all("reolink", "Alarm Camera Name:Tor, Alarm Event:%s, Alarm Input Channel No.:1, Alarm Device Name:Tor", rows, COUNT(rows));
    assert_all("reolink", "Device Name: NVR8\nEvent Type: %s\nChannel Name [IP-CH1]: Tor\nTime: 2026-02-07 13:08:59\n", rows, COUNT(rows));
}

static void words_of_the_general_lexicon_are_understood_too(void **state)
{
    (void)state;
    struct mail m = mail_of("", "Alarm Event: Doorbell rang\nAlarm Input Channel No.: 1\nIP Address: 192.0.2.1\n");
    assert_string_equal(read_mail(&m)->kind, "camera.doorbell");
    m.text = "EVENT TYPE: Sound detected\nEVENT TIME: 2026-03-14,08:15:30\nIPC NAME: Haus\n";
    assert_string_equal(read_mail(&m)->kind, "camera.audio");
}

static void the_label_says_which_comes_first_day_or_month(void **state)
{
    (void)state;
    static const struct {
        const char *time, *device_time;
    } rows[] = {
        { "(D/M/Y H:M:S): 05/06/2026 15:28:40", "2026-06-05T15:28:40+00:00" },
        { " (D/M/Y H:M:S): 05/06/2026 15:28:40", "2026-06-05T15:28:40+00:00" },
        { "(M/D/Y H:M:S): 05/06/2026 15:28:40", "2026-05-06T15:28:40+00:00" },
        { "(Y/M/D H:M:S): 2026/05/06 15:28:40", "2026-05-06T15:28:40+00:00" },
        { "(Y-M-D H:M:S): 2026-05-06 15:28:40", "2026-05-06T15:28:40+00:00" },
        { "(T/M/J H:M:S): 05/06/2026 15:28:40", "2026-06-05T15:28:40+00:00" },
        { ": 05/06/2026 15:28:40", "2026-06-05T15:28:40+00:00" },
        { "(M/D/Y H:M:S): 31/12/2026 15:28:40", "2026-12-31T15:28:40+00:00" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[200];
        (void)snprintf(text, sizeof text, "Alarm Event: Tripwire\nAlarm Start Time%s\nAlarm Input Channel: 1\n", rows[i].time);
        struct mail         m = mail_of("", text);
        const struct event *ev = read_mail(&m);
        assert_non_null(ev->device_time);
        assert_string_equal(ev->device_time, rows[i].device_time);
    }
}

static void a_camera_is_named_apart_from_its_channel(void **state)
{
    (void)state;
    static const struct {
        const char *value, *name, *channel;
    } rows[] = {
        { "CAM 2(A2)", "CAM 2", "A2" },       { "CAM 2 Garage (A2)", "CAM 2 Garage", "A2" }, { "Garage (links)(D2)", "Garage (links)", "D2" },
        { "D4(D4)", NULL, "D4" },             { "(D4)", NULL, "D4" },                        { "Tor", "Tor", NULL },
        { "Tor()", "Tor()", NULL },           { "Tor(D1),Hof(D2)", "Tor(D1),Hof(D2)", NULL }, { "Tor (D1", "Tor (D1", NULL },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[200];
        (void)snprintf(text, sizeof text, "EVENT TYPE: Motion Detected\nNVR NAME: Haus\nCAMERA NAME(NUM):   %s\n", rows[i].value);
        struct mail         m = mail_of("", text);
        const struct event *ev = read_mail(&m);
        assert_string_equal(ev->zone_name ? ev->zone_name : "", rows[i].name ? rows[i].name : "");
        assert_string_equal(ev->channel ? ev->channel : "", rows[i].channel ? rows[i].channel : "");
    }
}

static void of_start_and_stop_the_stop_is_what_happened(void **state)
{
    (void)state;
    struct mail m = mail_of("", "Alarm Event: Motion Detection\nAlarm Start Time(D/M/Y H:M:S): 05/06/2026 15:28:40\n"
                                "Alarm Stop Time(D/M/Y H:M:S): 05/06/2026 15:29:10\n");
    const struct event *ev = read_mail(&m);
    assert_true(ev->restored);
    assert_string_equal(ev->device_time, "2026-06-05T15:29:10+00:00");
}

static void what_is_no_list_of_a_maker_is_not_theirs(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "hello", "EVENT TYPE: Motion", "Alarm Event: Motion", "Time: 10:00", "Alarm Event\nIP Address",
                                         "IPC NAME:",
                                         "Event Type: Login failure\nDevice Name: NAS\nTime: 2024-02-07 13:08:59\nUser: admin",
                                         "Event Time: 2024-02-07 13:08:59\nEvent Type: Power failure\nIP Address: 192.0.2.1" };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct mail m = mail_of("x", texts[i]);
        assert_int_equal(parser_dahua.score(&m), 0);
        assert_int_equal(parser_hikvision.score(&m), 0);
        assert_int_equal(parser_reolink.score(&m), 0);
    }
}

static void a_mail_of_theirs_that_says_nothing_known_goes_to_the_next_parser(void **state)
{
    (void)state;
    struct mail m = mail_of("IPC Message", "Dear owner");
    read_mail(&m);
    assert_string_equal(events.parser, "plain");
    m.mailer = "HIKMailer";
    read_mail(&m);
    assert_string_equal(events.parser, "plain");
    m.subject = "ORTO: HDD Full";
    assert_string_equal(read_mail(&m)->kind, "camera.storage");
    assert_string_equal(events.parser, "hikvision");
}

static void a_full_arena_is_an_error_at_every_step(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "EVENT TYPE: Motion\nEVENT INPUT: Line 1\nEVENT TIME: 2026-03-14,08:15:30\nDVR NAME: Haus\nCAMERA NAME(NUM): CAM 2(A2)\n",
        "Alarm Event: Motion\nAlarm Start Time(D/M/Y H:M:S): 05/06/2026 15:28:40\nAlarm Name: x\n",
        "Device Name: NVR8\nEvent Type: Human\nChannel Name [IP-CH1]: Tor\nTime: 2026-02-07 13:08:59\n",
    };
    static const struct parser *const makers[] = { &parser_hikvision, &parser_dahua, &parser_reolink };
    for (size_t i = 0; i < COUNT(texts); i++) {
        bool is_read = false;
        for (size_t room = 0; room < 4096 && !is_read; room += 16) {
            struct err  e;
            struct mail m = mail_of(" On Channel D4", texts[i]);
            arena_done(&arena);
            arena_init(&arena, room);
            events = (struct events){ .arena = &arena };
            is_read = makers[i]->parse(&m, &events, &e) == 0;
            assert_true(is_read || e.code == ERR_NOMEM);
        }
        assert_true(is_read);
    }
}

int main(void)
{
    (void)setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_event_of_hikvision_has_its_kind, tear_down),
        cmocka_unit_test_teardown(every_event_of_dahua_has_its_kind, tear_down),
        cmocka_unit_test_teardown(every_event_of_reolink_and_swann_has_its_kind, tear_down),
        cmocka_unit_test_teardown(words_of_the_general_lexicon_are_understood_too, tear_down),
        cmocka_unit_test_teardown(the_label_says_which_comes_first_day_or_month, tear_down),
        cmocka_unit_test_teardown(a_camera_is_named_apart_from_its_channel, tear_down),
        cmocka_unit_test_teardown(of_start_and_stop_the_stop_is_what_happened, tear_down),
        cmocka_unit_test_teardown(what_is_no_list_of_a_maker_is_not_theirs, tear_down),
        cmocka_unit_test_teardown(a_mail_of_theirs_that_says_nothing_known_goes_to_the_next_parser, tear_down),
        cmocka_unit_test_teardown(a_full_arena_is_an_error_at_every_step, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Lists of "label: value" in every shape that devices were seen to write. */
#include "parsers/labels.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct label table[] = {
    { "event type", FIELD_EVENT },       { "alarm event", FIELD_EVENT },     { "event time", FIELD_TIME },
    { "alarm start time", FIELD_TIME },  { "ipc name", FIELD_DEVICE },       { "camera name num", FIELD_CAMERA },
    { "channel name", FIELD_CAMERA },    { "channel number", FIELD_CHANNEL }, { "alarm input channel no", FIELD_CHANNEL },
    { "ereignistyp", FIELD_EVENT },      { "gerat", FIELD_DEVICE },          { "通道名称", FIELD_CAMERA },
    { NULL, 0 },
};

static struct arena  arena;
static struct labels list;

static const struct labels *read_list(const char *subject, const char *text)
{
    struct mail m = { .subject = subject, .text = text, .header_from = "", .mailer = "" };
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    assert_int_equal(labels_read(&m, table, &arena, &list), 0);
    assert_int_equal(labels_count(&m, table), list.found);
    return &list;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static void assert_told(const char *value, const char *expected, const char *text)
{
    if (expected ? value && strcmp(value, expected) == 0 : !value)
        return;
    print_error("in \"%s\": %s, not %s\n", text, value ? value : "nothing", expected ? expected : "nothing");
    fail();
}

static void a_value_is_found_in_every_shape(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum field  field;
        const char *value, *note;
        int         found;
    } rows[] = {
        { "EVENT TYPE: Motion", FIELD_EVENT, "Motion", NULL, 1 },
        { "event type   :   Motion  ", FIELD_EVENT, "Motion", NULL, 1 },
        { "\tEVENT\tTYPE:\tMotion", FIELD_EVENT, "Motion", NULL, 1 },
        { "Dear user\n\nEVENT TYPE: Motion\nregards", FIELD_EVENT, "Motion", NULL, 1 },
        { "EVENT TYPE: Motion\nEVENT TYPE: Other", FIELD_EVENT, "Motion", NULL, 2 },
        { "EVENT TYPE:\nEVENT TYPE: Other", FIELD_EVENT, "Other", NULL, 2 },
        { "Ereignistyp: Bewegung", FIELD_EVENT, "Bewegung", NULL, 1 },
        { "Gerät: Küche", FIELD_DEVICE, "Küche", NULL, 1 },
        { "GERÄT : Küche", FIELD_DEVICE, "Küche", NULL, 1 },
        { "通道名称：前门", FIELD_CAMERA, "前门", NULL, 1 },
        { "EVENT TIME: 2015-05-22,14:52:18", FIELD_TIME, "2015-05-22,14:52:18", NULL, 1 },
        { "EVENT TIME:    27/12/2021 17:42:19", FIELD_TIME, "27/12/2021 17:42:19", NULL, 1 },
        /* notes */
        { "CAMERA NAME(NUM):   CAM 2(A2)", FIELD_CAMERA, "CAM 2(A2)", "NUM", 1 },
        { "Alarm Start Time(D/M/Y H:M:S): 06/05/2018 15:28:40", FIELD_TIME, "06/05/2018 15:28:40", "D/M/Y H:M:S", 1 },
        { "Alarm Start Time (M/D/Y H:M:S):06/05/2018", FIELD_TIME, "06/05/2018", "M/D/Y H:M:S", 1 },
        { "Channel Name [IP-CH1]: Front Yard", FIELD_CAMERA, "Front Yard", "IP-CH1", 1 },
        { "Channel Name []: Front Yard", FIELD_CAMERA, "Front Yard", NULL, 1 },
        { "Channel Name (IP-CH1: Front Yard", FIELD_CAMERA, NULL, NULL, 0 },
        /* the value below */
        { "EVENT TYPE:\nMotion\n", FIELD_EVENT, "Motion", NULL, 1 },
        { "EVENT TIME:\n2015-05-22,14:52:18", FIELD_TIME, "2015-05-22,14:52:18", NULL, 1 },
        { "EVENT TYPE:\nIPC NAME: Tor", FIELD_EVENT, NULL, NULL, 2 },
        { "EVENT TYPE:\nSomething else: Tor", FIELD_EVENT, NULL, NULL, 1 },
        { "EVENT TYPE:\n\nfree text", FIELD_EVENT, NULL, NULL, 1 },
        { "EVENT TYPE:", FIELD_EVENT, NULL, NULL, 1 },
        /* joined by commas */
        { "Alarm Event: Person Detected,Alarm Input Channel No.: 1,IPC NAME: Tor", FIELD_CHANNEL, "1", NULL, 3 },
        { "Alarm Event: Person Detected, Alarm Input Channel No.: 1", FIELD_EVENT, "Person Detected", NULL, 2 },
        { "IPC NAME: Tor, links, EVENT TYPE: Motion", FIELD_DEVICE, "Tor, links", NULL, 2 },
        { "EVENT TIME: 2015-05-22,14:52:18,IPC NAME: Tor", FIELD_TIME, "2015-05-22,14:52:18", NULL, 2 },
        { "EVENT TYPE: ,IPC NAME: Tor", FIELD_DEVICE, "Tor", NULL, 2 },
        { "IPC NAME: ,,,,", FIELD_DEVICE, ",,,,", NULL, 1 },
        /* no labels */
        { "EVENT TYPE Motion", FIELD_EVENT, NULL, NULL, 0 },
        { "Your EVENT TYPE: Motion", FIELD_EVENT, NULL, NULL, 0 },
        { "Hello, EVENT TYPE: Motion", FIELD_EVENT, NULL, NULL, 0 },
        { ":", FIELD_EVENT, NULL, NULL, 0 },
        { "(", FIELD_EVENT, NULL, NULL, 0 },
        { "\n \n\t\n", FIELD_EVENT, NULL, NULL, 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct labels *l = read_list("", rows[i].text);
        assert_told(l->values[rows[i].field], rows[i].value, rows[i].text);
        assert_told(l->notes[rows[i].field], rows[i].note, rows[i].text);
        assert_int_equal(l->found, rows[i].found);
    }
}

static void the_subject_is_read_where_there_is_no_text(void **state)
{
    (void)state;
    assert_string_equal(read_list("EVENT TYPE: Motion, IPC NAME: Tor", "")->values[FIELD_DEVICE], "Tor");
    assert_null(read_list("EVENT TYPE: Motion", "hello")->values[FIELD_EVENT]);
}

static void a_mail_without_end_is_read_to_its_ceilings(void **state)
{
    (void)state;
    enum { LINES = 2000, LONG = 60000 };
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < LINES; i++)
        buf_puts(&text, "x\n");
    buf_puts(&text, "EVENT TYPE: late");
    assert_null(read_list("", buf_str(&text))->values[FIELD_EVENT]);
    buf_clear(&text);
    buf_puts(&text, "EVENT TYPE: ");
    for (int i = 0; i < LONG; i++)
        buf_puts(&text, i % 2 ? "ü" : ",");
    const char *value = read_list("", buf_str(&text))->values[FIELD_EVENT];
    assert_in_range(strlen(value), 490, 500);
    buf_done(&text);
}

static void a_full_arena_is_said(void **state)
{
    (void)state;
    struct mail m = { .subject = "", .text = "EVENT TYPE: Motion", .header_from = "", .mailer = "" };
    arena_done(&arena);
    arena_init(&arena, 0);
    assert_int_equal(labels_read(&m, table, &arena, &list), -1);
}

static void the_longest_wording_wins(void **state)
{
    (void)state;
    static const struct wording words[] = {
        { "motion detect", "camera.motion", false },
        { "motion detection stop", "camera.motion", true },
        { "bewegungserkennung", "camera.motion", false },
        { NULL, NULL, false },
    };
    assert_ptr_equal(wording_find(words, "Motion Detected On Channel A1"), &words[0]);
    assert_ptr_equal(wording_find(words, "MOTION  DETECTION - STOP"), &words[1]);
    assert_ptr_equal(wording_find(words, "\"Motion Detection Start\""), &words[0]);
    assert_ptr_equal(wording_find(words, "Bewegungserkennung"), &words[2]);
    assert_null(wording_find(words, "No Motion Detected"));
    assert_null(wording_find(words, ""));
}

static void targets_are_named_in_one_way(void **state)
{
    (void)state;
    static const struct {
        const char *text, *target;
    } rows[] = {
        { "Human", "person" },           { "TARGET: human", "person" },  { "People", "person" },     { "Mensch", "person" },
        { "Persona", "person" },         { "Человек", "person" },        { "человек", "person" },    { "人形侦测", "person" },
        { "Vehicle", "vehicle" },        { "Fahrzeug", "vehicle" },      { "véhicule", "vehicle" },  { "Motor Vehicle", "vehicle" },
        { "Human and Vehicle", "person" }, { "Pet Detected", "animal" }, { "Haustier", "animal" },   { "Animal", "animal" },
        { "Scar", NULL },                { "Carpet", NULL },             { "", NULL },               { "others", NULL },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_told(target_find(rows[i].text), rows[i].target, rows[i].text);
}

static void only_motion_takes_its_kind_from_the_target(void **state)
{
    (void)state;
    assert_string_equal(target_kind("camera.motion", "person"), "camera.person");
    assert_string_equal(target_kind("camera.motion", "vehicle"), "camera.vehicle");
    assert_string_equal(target_kind("camera.motion", "animal"), "camera.animal");
    assert_string_equal(target_kind("camera.motion", "ghost"), "camera.motion");
    assert_string_equal(target_kind("camera.motion", NULL), "camera.motion");
    assert_string_equal(target_kind("camera.line", "person"), "camera.line");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_value_is_found_in_every_shape, tear_down),
        cmocka_unit_test_teardown(the_subject_is_read_where_there_is_no_text, tear_down),
        cmocka_unit_test_teardown(a_mail_without_end_is_read_to_its_ceilings, tear_down),
        cmocka_unit_test_teardown(a_full_arena_is_said, tear_down),
        cmocka_unit_test(the_longest_wording_wins),
        cmocka_unit_test(targets_are_named_in_one_way),
        cmocka_unit_test(only_motion_takes_its_kind_from_the_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Contact-ID messages: reading at the function a receiver would call, and the table, beyond the samples of tests/data/contact-id. */
#include "core/attr.h"
#include "parsers/contact_id.h"
#include "parsers/parser.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct {
    const char *frame, *account;
    int         qualifier, code, group, number;
} vectors[] = {
    { "[test 18313100003D504]", "test", 3, 131, 0, 3 },  { "[test 18113001005C304]", "test", 1, 130, 1, 5 },
    { "[test 18113200003C903]", "test", 1, 132, 0, 3 },  { "[test 18113701008F00E]", "test", 1, 137, 1, 8 },
    { "[test 183137010080210]", "test", 3, 137, 1, 8 },  { "[test 18140101001C801]", "test", 1, 401, 1, 1 },
    { "[test 18340101001DA03]", "test", 3, 401, 1, 1 },  { "[test 183456010011B0D]", "test", 3, 456, 1, 1 },
    { "[test 18130200000C1FF]", "test", 1, 302, 0, 0 },  { "[test 18160200000D902]", "test", 1, 602, 0, 0 },
    { "[test 18160201010DF04]", "test", 1, 602, 1, 10 }, { "[test 18175001008040F]", "test", 1, 750, 1, 8 },
    { "[test 183750010081611]", "test", 3, 750, 1, 8 },  { "[test 18175101005070D]", "test", 1, 751, 1, 5 },
    { "1234 18 1131 01 015 8", "1234", 1, 131, 1, 15 },  { "<1234 18 1131 01 015 8>", "1234", 1, 131, 1, 15 },
    { "1234181131010158", "1234", 1, 131, 1, 15 },       { "[1234181131010158]", "1234", 1, 131, 1, 15 },
};

static void every_vector_is_read_and_its_sum_fits(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct contact_id c;
        size_t            n = strlen(vectors[i].frame);
        assert_int_equal(contact_id_read(vectors[i].frame, n, &c), n);
        assert_int_equal(c.account_length, strlen(vectors[i].account));
        assert_memory_equal(c.account, vectors[i].account, c.account_length);
        assert_int_equal(c.qualifier, vectors[i].qualifier);
        assert_int_equal(c.code, vectors[i].code);
        assert_int_equal(c.group, vectors[i].group);
        assert_int_equal(c.number, vectors[i].number);
        assert_int_equal(c.sum, CONTACT_ID_SUM_RIGHT);
    }
}

/* Each digit of each vector, one up: still a message (or none, where its type changed), and never with a sum that fits. */
static void a_changed_digit_is_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        char   frame[CONTACT_ID_MAX];
        size_t n = strlen(vectors[i].frame), at = strcspn(vectors[i].frame, " ") % n;
        for (; at < n; at++) {
            struct contact_id c;
            memcpy(frame, vectors[i].frame, n);
            if (frame[at] < '0' || frame[at] > '8')
                continue;
            frame[at]++;
            if (contact_id_read(frame, n, &c) > 0)
                assert_int_equal(c.sum, CONTACT_ID_SUM_WRONG);
        }
    }
}

static void a_frame_of_a_stream_ends_at_its_bracket(void **state)
{
    (void)state;
    static const char stream[] = "[test 18113200003C903][test 18313200003";
    struct contact_id c;
    assert_int_equal(contact_id_read(stream, sizeof stream - 1, &c), 22);
    for (size_t n = 0; n < 22; n++)
        assert_int_equal(contact_id_read(stream, n, &c), 0); /* not all of it is here */
    assert_int_equal(contact_id_read(stream + 22, sizeof stream - 1 - 22, &c), 0);
}

static void what_is_no_message_is_none(void **state)
{
    (void)state;
    static const char *const none[] = {
        "", "[", "[]", "[ ]", "[ 18113200003]", "[test]", "[test 17113200003]", "[test 181132000]", "[test 18x13200003]",
        "[test 1811320000]", "[test 18113200003C903!]", "[test 18113200003123456789]", "call me at 18 1131 01 015 or later",
        "test 18113200003C903 is what it said", "18113200003C903", "[test 18113200003C903>", "Zone:8 Ost 1, Innenbereich Alarm",
        "1234181131010157", "123418113101015", "12341811310101580", "g234181131010158",
    };
    for (size_t i = 0; i < COUNT(none); i++) {
        struct contact_id c;
        assert_int_equal(contact_id_read(none[i], strlen(none[i]), &c), 0);
    }
    char long_one[2 * CONTACT_ID_MAX];
    (void)snprintf(long_one, sizeof long_one, "[%0*d 18113200003]", CONTACT_ID_MAX, 1);
    struct contact_id c;
    assert_int_equal(contact_id_read(long_one, strlen(long_one), &c), 0);
}

static void the_table_is_in_order_and_means_something(void **state)
{
    (void)state;
    int                           last = 99;
    size_t                        count = 0;
    const struct contact_id_code *row;
    for (size_t i = 0; (row = contact_id_code_at(i)); i++) {
        assert_true(row->first > last && row->last >= row->first);
        assert_true(kind_is_known(row->kind) && (!row->closing || kind_is_known(row->closing)));
        assert_true(row->en[0] && row->de[0]);
        for (int code = row->first; code <= row->last; code++, count++)
            assert_ptr_equal(contact_id_code(code), row);
        last = row->last;
    }
    assert_true(count > 300);
    static const int missing[] = { 0, 99, 103, 172, 199, 207, 318, 600, 799, 801, 999 };
    for (size_t i = 0; i < COUNT(missing); i++)
        assert_null(contact_id_code(missing[i]));
}

/* Every code of the table of wire-facts B2.2, as it stands there. */
static void every_code_that_is_known_is_in_the_table(void **state)
{
    (void)state;
    static const short ranges[][2] = {
        { 100, 102 }, { 110, 118 }, { 120, 127 }, { 129, 129 }, { 130, 147 }, { 150, 163 }, { 168, 169 }, { 200, 206 }, { 300, 314 },
        { 316, 317 }, { 320, 327 }, { 330, 339 }, { 341, 345 }, { 350, 359 }, { 365, 366 }, { 370, 378 }, { 380, 389 }, { 391, 394 },
        { 400, 403 }, { 406, 409 }, { 411, 416 }, { 418, 419 }, { 421, 421 }, { 423, 435 }, { 441, 443 }, { 450, 459 }, { 464, 466 },
        { 501, 501 }, { 520, 527 }, { 531, 532 }, { 551, 553 }, { 570, 579 }, { 601, 604 }, { 606, 609 }, { 611, 616 }, { 621, 628 },
        { 630, 632 }, { 641, 643 }, { 654, 655 }, { 700, 789 }, { 796, 796 }, { 798, 798 }, { 900, 904 }, { 910, 910 }, { 912, 918 },
        { 920, 929 }, { 954, 954 }, { 961, 962 },
    };
    static const short gaps[] = { 128, 340, 417, 148, 149, 422 }; /* inside no range of B2.2 */
    for (size_t i = 0; i < COUNT(ranges); i++)
        for (int code = ranges[i][0]; code <= ranges[i][1]; code++)
            if (!contact_id_code(code))
                fail_msg("%d is missing", code);
    for (size_t i = 0; i < COUNT(gaps); i++)
        assert_null(contact_id_code(gaps[i]));
}

static struct arena  arena;
static struct events events;

static const struct event *event_of(const char *frame, const char *language)
{
    struct contact_id c;
    arena_done(&arena);
    arena_init(&arena, 1 << 16);
    events = (struct events){ .arena = &arena };
    assert_true(contact_id_read(frame, strlen(frame), &c) > 0);
    const struct event *ev = contact_id_event(&c, language, &events);
    assert_non_null(ev);
    return ev;
}

static void every_code_makes_an_event_in_both_languages(void **state)
{
    (void)state;
    static const char *const languages[] = { "en", "de", "fr", "" };
    static const char        qualifiers[] = "013569";
    for (int code = 0; code < 1000; code++)
        for (size_t q = 0; qualifiers[q]; q++)
            for (size_t i = 0; i < COUNT(languages); i++) {
                char frame[40];
                (void)snprintf(frame, sizeof frame, "[x 18%c%03d01%03d]", qualifiers[q], code, code);
                const struct event *ev = event_of(frame, languages[i]);
                assert_true(kind_is_known(ev->kind));
                assert_true(ev->severity >= kind_severity(ev->kind, ev->restored));
                assert_non_null(strstr(ev->text, frame));
                assert_true(!ev->restored || qualifiers[q] == '3');
                assert_true(!(ev->user && ev->zone_number != ZONE_NONE));
            }
}

static const struct {
    const char   *frame, *kind;
    bool          restored;
    enum severity severity;
    int           zone;
    const char   *user;
} meanings[] = {
    { "[x 18140100001]", "mode.disarmed", false, SEVERITY_INFO, ZONE_NONE, "user 1" },
    { "[x 18340100001]", "mode.armed", false, SEVERITY_INFO, ZONE_NONE, "user 1" },
    { "[x 18344100001]", "mode.home", false, SEVERITY_INFO, ZONE_NONE, "user 1" },
    { "[x 18144100001]", "mode.disarmed", false, SEVERITY_INFO, ZONE_NONE, "user 1" },
    { "[x 18140100000]", "mode.disarmed", false, SEVERITY_INFO, ZONE_NONE, NULL },
    { "[x 18140100997]", "mode.disarmed", false, SEVERITY_INFO, ZONE_NONE, "temporary code" },
    { "[x 18140100998]", "mode.disarmed", false, SEVERITY_ALARM, ZONE_NONE, "duress code" },
    { "[x 18112200998]", "alarm.silent", false, SEVERITY_ALARM, ZONE_NONE, "duress code" },
    { "[x 18112202998]", "alarm.silent", false, SEVERITY_ALARM, 998, NULL },
    { "[x 18112100003]", "alarm.duress", false, SEVERITY_ALARM, ZONE_NONE, "user 3" },
    { "[x 18113200003]", "alarm.interior", false, SEVERITY_ALARM, 3, NULL },
    { "[x 18113200000]", "alarm.interior", false, SEVERITY_ALARM, ZONE_NONE, NULL },
    { "[x 18313200003]", "alarm.interior", true, SEVERITY_WARNING, 3, NULL },
    { "[x 18613200003]", "alarm.interior", false, SEVERITY_ALARM, 3, NULL },
    { "[x 18338401003]", "trouble.battery", true, SEVERITY_INFO, 3, NULL },
    { "[x 18017201003]", "unknown", false, SEVERITY_ALARM, 3, NULL },
    { "[x 18136001003]", "unknown", false, SEVERITY_WARNING, 3, NULL },
    { "[x 18105001003]", "unknown", false, SEVERITY_ALARM, 3, NULL },
    { "[x 18160800000]", "test.periodic", false, SEVERITY_WARNING, ZONE_NONE, NULL },
};

static void user_zone_and_severity_are_by_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(meanings); i++) {
        const struct event *ev = event_of(meanings[i].frame, "en");
        assert_string_equal(ev->kind, meanings[i].kind);
        assert_int_equal(ev->restored, meanings[i].restored);
        assert_int_equal(ev->severity, meanings[i].severity);
        assert_int_equal(ev->zone_number, meanings[i].zone);
        if (meanings[i].user)
            assert_string_equal(ev->user, meanings[i].user);
        else
            assert_null(ev->user);
    }
}

static void a_known_text_of_the_panel_comes_before_the_code_and_an_unknown_one_behind(void **state)
{
    (void)state;
    static const struct {
        const char *text, *parser;
    } mails[] = {
        { "Zone:8 Ost 1, Innenbereich Alarm\n[x 18113201008]", "lupusec" },
        { "Zone:8 Ost 1, Alarme intrusion\n[x 18113201008]", "contact-id" },
        { "1234 18 1131 01 015 8", "contact-id" },
        { "see order 1234 18 1131 01 015 8 of today", "plain" },
    };
    static const struct parser_site site = { .alarm_user = "alarm", .status_user = "status", .language = "en" };
    static const char *const        to[] = { "contact-id@h" };
    const struct envelope           envelope = { "smtp", "192.0.2.1", "", "", "panel@h", to, 1 };
    for (size_t i = 0; i < COUNT(mails); i++) {
        struct err  e;
        struct mail m = { .site = &site, .envelope = &envelope, .subject = "", .text = mails[i].text, .header_from = "", .mailer = "" };
        arena_done(&arena);
        arena_init(&arena, 1 << 16);
        events = (struct events){ .arena = &arena };
        assert_int_equal(parsers_read(&m, &events, &e), 0);
        assert_string_equal(events.parser, mails[i].parser);
        assert_string_equal(events.items[0].device_id, "panel");
    }
}

static void more_messages_than_events_are_cut_and_no_room_is_said(void **state)
{
    (void)state;
    struct contact_id c;
    assert_true(contact_id_read("[x 18113200003]", 15, &c) > 0);
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    events = (struct events){ .arena = &arena };
    for (int i = 0; i < EVENTS_MAX; i++)
        assert_non_null(contact_id_event(&c, "en", &events));
    assert_null(contact_id_event(&c, "en", &events));
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_read_and_its_sum_fits),
        cmocka_unit_test(a_changed_digit_is_noticed),
        cmocka_unit_test(a_frame_of_a_stream_ends_at_its_bracket),
        cmocka_unit_test(what_is_no_message_is_none),
        cmocka_unit_test(the_table_is_in_order_and_means_something),
        cmocka_unit_test(every_code_that_is_known_is_in_the_table),
        cmocka_unit_test_teardown(every_code_makes_an_event_in_both_languages, tear_down),
        cmocka_unit_test_teardown(user_zone_and_severity_are_by_the_table, tear_down),
        cmocka_unit_test_teardown(a_known_text_of_the_panel_comes_before_the_code_and_an_unknown_one_behind, tear_down),
        cmocka_unit_test_teardown(more_messages_than_events_are_cut_and_no_room_is_said, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

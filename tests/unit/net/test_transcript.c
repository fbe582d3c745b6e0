/* test_transcript: what stays of a conversation. */
#include "net/transcript.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const int64_t wall = INT64_C(1795000000000);

static void heard(struct transcript *t, const char *line, int64_t at)
{
    transcript_heard(t, line, strlen(line), at);
}

static void said(struct transcript *t, const char *line, int64_t at)
{
    transcript_said(t, line, strlen(line), at);
}

/* Written, and read as what it must be: valid JSON. */
static struct json *read_back(const struct transcript *t)
{
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 1 << 20);
    struct json_out w = json_begin(&out);
    json_object(&w, NULL);
    transcript_write(&w, t);
    json_end(&w);
    struct err e;
    struct json *root = json_parse(buf_str(&out), out.len, &e);
    assert_non_null(root);
    return root;
}

static const struct json *line_at(const struct json *root, size_t i)
{
    const struct json *line = json_first(json_get(root, "lines"));
    while (line && i-- > 0)
        line = json_next(line);
    assert_non_null(line);
    return line;
}

static void test_a_conversation_is_written_as_it_was_spoken(void **state)
{
    (void)state;
    const char *to[] = { "alarm@house", "gate@house" };
    const struct envelope env = { .helo = "cam", .login = "front", .from = "cam@house", .to = to, .to_count = 2 };
    CLEANUP(transcript_free) struct transcript *t = transcript_new("smtp", "192.0.2.7", wall, 1000);
    said(t, "220 house ESMTP", 1001);
    assert_false(transcript_is_worth_keeping(t));
    heard(t, "EHLO cam", 1010);
    said(t, "250-house\r\n250 SMTPUTF8", 1010);
    transcript_took(t, 48213, 1100);
    transcript_envelope_is(t, &env);
    transcript_kept(t, "01J00000000000000000000000");
    transcript_refused(t, "552 5.3.4 too large", "Smtp:MaxMessage");
    transcript_ended(t, TRANSCRIPT_CUT, 1500);
    assert_true(transcript_is_worth_keeping(t));

    CLEANUP(json_free) struct json *root = read_back(t);
    assert_string_equal(json_str(root, "peer", ""), "192.0.2.7");
    assert_string_equal(json_str(root, "listener", ""), "smtp");
    assert_string_equal(json_str(root, "login", ""), "front");
    assert_string_equal(json_text(json_next(json_first(json_get(root, "to")))), "gate@house");
    assert_string_equal(json_str(root, "ended", ""), "cut");
    assert_string_equal(json_str(root, "reply", ""), "552 5.3.4 too large");
    assert_string_equal(json_str(root, "setting", ""), "Smtp:MaxMessage");
    assert_string_equal(json_text(json_first(json_get(root, "kept"))), "01J00000000000000000000000");
    assert_int_equal(json_int(root, "ms", 0), 500);
    assert_int_equal(json_int(root, "mails", 0), 1);
    assert_null(json_get(root, "left_out"));
    assert_int_equal(json_int(line_at(root, 1), "ms", 0), 10);
    assert_string_equal(json_str(line_at(root, 1), "C", ""), "EHLO cam");
    assert_string_equal(json_str(line_at(root, 2), "S", ""), "250-house\n250 SMTPUTF8");
    assert_string_equal(json_str(line_at(root, 3), "N", ""), "a message of 48213 bytes");
}

static void test_of_a_long_one_its_beginning_and_its_end_stay(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    CLEANUP(transcript_free) struct transcript *t = transcript_new("smtp", "192.0.2.7", wall, 0);
    for (int i = 0; i < MANY; i++) {
        char line[24];
        (void)snprintf(line, sizeof line, "N%d", i);
        heard(t, line, i);
    }
    CLEANUP(json_free) struct json *root = read_back(t);
    size_t count = json_count(json_get(root, "lines"));
    assert_in_range(count, TRANSCRIPT_LINES / 2, TRANSCRIPT_LINES);
    assert_int_equal(json_int(root, "left_out", 0) + (int64_t)count, MANY);
    assert_string_equal(json_str(line_at(root, 0), "C", ""), "N0");
    assert_string_equal(json_str(line_at(root, count - 1), "C", ""), "N999");
}

static void test_no_line_is_too_long_or_too_odd_for_it(void **state)
{
    (void)state;
    static char noise[12288];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)(i * 7);
    CLEANUP(transcript_free) struct transcript *t = transcript_new("smtp", "192.0.2.7", wall, 0);
    for (int i = 0; i < 300; i++)
        transcript_heard(t, noise, sizeof noise - (size_t)i, i);
    CLEANUP(json_free) struct json *root = read_back(t);
    assert_true(json_count(json_get(root, "lines")) > 0);
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 1 << 20);
    struct json_out w = json_begin(&out);
    json_object(&w, NULL);
    transcript_write(&w, t);
    json_end(&w);
    assert_true(out.len < TRANSCRIPT_BYTES + 2048);
    assert_non_null(strstr(buf_str(&out), "(12288 bytes)"));
}

static void test_a_mail_that_was_forgotten_stays_known(void **state)
{
    (void)state;
    const char *to[40];
    for (size_t i = 0; i < COUNT(to); i++)
        to[i] = "gate@house";
    struct envelope env = { .helo = "cam", .login = "", .from = "cam@house", .to = to, .to_count = COUNT(to) };
    CLEANUP(transcript_free) struct transcript *t = transcript_new("smtp", "192.0.2.7", wall, 0);
    for (int i = 0; i < 1000; i++)
        transcript_envelope_is(t, &env);
    env = (struct envelope){ .helo = "other", .login = "later", .from = "" };
    transcript_envelope_is(t, &env);
    const struct envelope *known = transcript_envelope(t);
    assert_string_equal(known->helo, "other");
    assert_string_equal(known->login, "later");
    assert_string_equal(known->from, "cam@house");
    assert_int_equal(known->to_count, 16);
    assert_string_equal(known->to[15], "gate@house");
    assert_string_equal(known->peer, "192.0.2.7");
}

static void test_one_that_breaks_off_in_a_message_is_known(void **state)
{
    (void)state;
    CLEANUP(transcript_free) struct transcript *t = transcript_new("smtp", "192.0.2.7", wall, 0);
    transcript_heard(t, "DATA", 4, 1);
    assert_false(transcript_is_broken_off(t));
    transcript_said(t, "354 go on", 9, 2);
    assert_true(transcript_is_broken_off(t));
    transcript_took(t, 812, 3); /* it was whole: who leaves now has sent a mail */
    assert_false(transcript_is_broken_off(t));
    transcript_said(t, "354 go on", 9, 4);
    transcript_said(t, "451 4.3.0 not now", 17, 5);
    assert_false(transcript_is_broken_off(t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_conversation_is_written_as_it_was_spoken),
        cmocka_unit_test(test_of_a_long_one_its_beginning_and_its_end_stay),
        cmocka_unit_test(test_no_line_is_too_long_or_too_odd_for_it),
        cmocka_unit_test(test_a_mail_that_was_forgotten_stays_known),
        cmocka_unit_test(test_one_that_breaks_off_in_a_message_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

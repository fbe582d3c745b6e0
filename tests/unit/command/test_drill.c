/* drill: which mails are a drill's, and what is refused before one leaves. The whole way is a protocol test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/drill.h"
#include <string.h>

static const struct recipient recipients[] = { { .name = "anna" }, { .name = "family" } };
static const struct people    people = { .recipients = recipients, .recipient_count = 2 };

static struct drill *drill_of(void)
{
    struct err    e;
    struct drill *d = NULL;
    assert_int_equal(drill_new(NULL, "127.0.0.1", 1, &people, &d, &e), 0);
    return d;
}

static void test_a_mail_with_a_guessed_login_is_no_drill(void **state)
{
    (void)state;
    struct drill            *d = drill_of();
    static const char *const logins[] = { "drill-", "drill-00000000000000000000000000000000", "drill", "", "alarm" };
    for (size_t i = 0; i < COUNT(logins); i++) {
        struct understanding u = { .envelope = { .login = logins[i], .from = "test-1@postern.invalid" }, .parser = "plain" };
        arena_init(&u.arena, 4096);
        u.events.arena = &u.arena;
        u.events.parser = "plain";
        assert_non_null(events_add(&u.events, "alarm.burglary"));
        drill_mark(&u);
        assert_string_equal(u.events.items[0].kind, "alarm.burglary");
        assert_string_equal(u.parser, "plain");
        assert_null(u.only_recipient);
        arena_done(&u.arena);
    }
    drill_free(&d);
}

static void test_an_understanding_without_an_envelope_is_no_drill(void **state)
{
    (void)state;
    struct understanding u = { .parser = "system" };
    drill_mark(&u);
    assert_string_equal(u.parser, "system");
}

static void test_what_cannot_be_tested_is_refused_by_name(void **state)
{
    (void)state;
    struct err                   e;
    struct drill                *d = drill_of();
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 4096);
    struct json_out w = json_begin(&out);
    json_object(&w, NULL);
    assert_int_equal(drill_run(d, "nobody", NULL, &w, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.text, "nobody"));
    assert_int_equal(drill_run(d, "anna", "alarm.banana", &w, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.text, "alarm.banana"));
    drill_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_mail_with_a_guessed_login_is_no_drill),
        cmocka_unit_test(test_an_understanding_without_an_envelope_is_no_drill),
        cmocka_unit_test(test_what_cannot_be_tested_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

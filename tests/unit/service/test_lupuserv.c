/* lupuserv: its owners' file, byte for byte, becomes accounts, recipients and routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/lupuserv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    struct arena    arena;
    struct mistakes mistakes;
    struct conf    *root;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    arena_init(&f->arena, 1 << 20);
    f->mistakes.arena = &f->arena;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    arena_done(&f->arena);
    free(f);
    return 0;
}

static void load(struct fixture *f, const char *name)
{
    char path[512], text[8192];
    (void)snprintf(path, sizeof path, "%s/tests/data/settings/%s", SOURCE_ROOT, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    struct err e;
    if (conf_read(text, n, NULL, &f->arena, &f->mistakes, &f->root, &e) < 0)
        fail_msg("%s", e.text);
    assert_true(lupuserv_is_used(f->root));
    assert_int_equal(lupuserv_translate(f->root, &f->arena, &f->mistakes), 0);
}

static void assert_value(struct fixture *f, const char *path, const char *expected)
{
    const char *found = conf_text(conf_at(f->root, path), NULL);
    if (!found || strcmp(found, expected) != 0)
        fail_msg("%s: %s, expected %s", path, found ? found : "nothing", expected);
}

static void test_a_filled_file_tells_everybody_as_lupuserv_did(void **state)
{
    static const char *const rows[][2] = {
        { "Smtp:Port", "2025" },
        { "Accounts:lupuserv-sms:Provider", "clicksend" },
        { "Accounts:lupuserv-sms:Username", "casa" },
        { "Accounts:lupuserv-sms:From", "Lupusec" },
        { "Accounts:lupuserv-sms-hourly:Burst", "1" },
        { "Accounts:lupuserv-gotify-Status:Url", "https://gotify.example.org/" },
        { "Accounts:lupuserv-gotify-Alarm:Url", "https://other.example.org" },
        { "Recipients:+491700000001:0", "lupuserv-sms:+491700000001" },
        { "Recipients:+491700000002:0", "lupuserv-sms:+491700000002" },
        { "Routes:0:To:0", "alarm" },
        { "Routes:0:Tell:1", "+491700000002" },
        { "Routes:1:To:0", "status" },
        { "Routes:1:Kinds:0", "alarm.*" },
        { "Routes:2:Kinds:0", "trouble.supervision" },
        { "Routes:3:Tell:0", "lupuserv-gotify-Alarm" },
        { "Routes:3:Except", "Test|Probe" },
        { "Routes:3:Priority", "8" },
        { "Routes:5:To:0", "status" },
        { "Routes:5:Title", "Status Update" },
        { "Routes:5:Tell:0", "lupuserv-gotify-Status" },
        { "Routes:6:Otherwise", "true" },
        { "Routes:6:Tell:0", "+491700000001 hourly" },
    };
    struct fixture *f = *state;
    load(f, "lupuserv-filled.json");
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_value(f, rows[i][0], rows[i][1]);
    for (size_t i = 0; i < f->mistakes.count; i++)
        if (!f->mistakes.items[i].is_note)
            fail_msg("%s: %s", f->mistakes.items[i].path, f->mistakes.items[i].text);
}

static void test_placeholders_are_named_and_tell_nobody(void **state)
{
    static const char *const paths[] = { "Service:Recipients:0", "Service:Recipients:1", "Service:ClickSend:Username",
                                         "Service:ClickSend:Token", "Service:Gotify:Status" };
    struct fixture *f = *state;
    load(f, "lupuserv-placeholders.json");
    assert_null(conf_at(f->root, "Accounts"));
    assert_null(conf_at(f->root, "Recipients"));
    for (size_t i = 0; i < COUNT(paths); i++) {
        bool is_named = false;
        for (size_t k = 0; k < f->mistakes.count; k++)
            is_named = is_named || (strcmp(f->mistakes.items[k].path, paths[i]) == 0 && !f->mistakes.items[k].is_note);
        if (!is_named)
            fail_msg("%s is not named", paths[i]);
    }
}

static void test_its_keys_are_known_in_any_case(void **state)
{
    (void)state;
    assert_true(lupuserv_knows("service:gotify:ALARM:exclusionpattern"));
    assert_true(lupuserv_knows("Service:CM:ApiKey"));
    assert_false(lupuserv_knows("Service:Gotify:Alarms:Url"));
    assert_false(lupuserv_knows("Service:Gotify:Alarm:Urls"));
    assert_false(lupuserv_knows("Service:Recipient"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_filled_file_tells_everybody_as_lupuserv_did, setup, teardown),
        cmocka_unit_test_setup_teardown(test_placeholders_are_named_and_tell_nobody, setup, teardown),
        cmocka_unit_test(test_its_keys_are_known_in_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
